"""A Gaussian hidden Markov model of returns by dynamax, told afterwards which of its states go with which law."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ..core import lenient, stream

_STEPS, _STARTS = 40, 3


class HiddenMarkov(NamedTuple):
    """A fitted model.

    Attributes:
        parameters: dynamax's.
        after_share: of each state, the share of the time it was likely that the law after the flip had.
        log_likelihood: of the training stretch.
    """

    parameters: Any
    after_share: Float[np.ndarray, " states"]
    log_likelihood: float


def fit_hidden_markov(
    key: PRNGKeyArray,
    before: Float[Array | np.ndarray, "series bars"],
    after: Float[Array | np.ndarray, "series bars"],
    *,
    states: int = 4,
) -> HiddenMarkov:
    """Fit by EM to series that turn from one law to the other, the best of three starts.

    EM sees no labels; they are used once, to say which law each state goes with. No other detector has seen the law
    after the flip.

    Raises:
        RuntimeError: if dynamax is not installed, with the command that does.
    """
    model = _model(states)
    training = jnp.concatenate([before, after], axis=1)[..., None]
    best, highest = None, -np.inf
    with lenient():
        for start in range(_STARTS):
            parameters, properties = model.initialize(stream(key, f"start {start}"))
            centres = jnp.quantile(training, jnp.linspace(0.1, 0.9, states))
            centres = jr.permutation(stream(key, f"centres {start}"), centres)
            parameters = parameters._replace(
                emissions=parameters.emissions._replace(
                    means=centres[:, None], covs=jnp.full((states, 1, 1), jnp.var(training))
                )
            )
            parameters, likelihoods = model.fit_em(parameters, properties, training, num_iters=_STEPS, verbose=False)
            if float(likelihoods[-1]) > highest:
                best, highest = parameters, float(likelihoods[-1])
    found = HiddenMarkov(best, np.zeros(states), highest)
    likely = np.asarray(state_probabilities(found, training[..., 0]))
    early, late = likely[:, : before.shape[1]].mean((0, 1)), likely[:, before.shape[1] :].mean((0, 1))
    return found._replace(after_share=late / (early + late))


def state_probabilities(model: HiddenMarkov, series: Float[Array, "series bars"]) -> Float[Array, "series bars states"]:
    """Return the filtered probabilities of the states: each bar's from what came up to it."""
    markov = _model(model.after_share.size)

    def one(values):
        return markov.filter(model.parameters, values[:, None]).filtered_probs

    with lenient():
        return jax.jit(lambda rows: jax.lax.map(one, rows, batch_size=32))(jnp.asarray(series))


def _model(states: int):
    try:
        # An optional peer, slow to load, and not there where types are checked.
        from dynamax.hidden_markov_model import GaussianHMM  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise RuntimeError("the hidden Markov rival needs dynamax: pip install 'aurora-jax[peers]'.") from None
    return GaussianHMM(states, 1)
