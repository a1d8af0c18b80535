"""The posterior by the no-U-turn sampler."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from jaxtyping import Array, Float, Int
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
from numpyro.distributions import biject_to

from aurora_jax.config.posterior import PriorsConfig, SamplerConfig
from aurora_jax.core import PRNGKey, lenient, require_x64

from .chains import Chains, Progress
from .jump_likelihood import jump_log_likelihood
from .observations import Observations
from .posterior import QUANTILES, Convergence, Marginal, Posterior
from .priors import prior_laws
from .tail_likelihood import tail_log_likelihood
from .volatility_likelihood import ReadingPower, ReadingTable, reading_power, reading_table, volatility_log_likelihood

_FEWEST_PLACES = 64


class Calibration:
    """Samples posteriors of markets of one length; what was compiled for one serves the next.

    The likelihood is the sum of those of the differenced readings, of the bars with a jump, and of the jumps' sizes,
    each with its approximations stated where it is. The three share no parameter, so they are independent a posteriori
    as well; one run samples them all.
    """

    def __init__(self, priors: PriorsConfig, sampler: SamplerConfig):
        """Set what every posterior has in common."""
        self.priors = prior_laws(priors)
        self.sampler = sampler
        self._ready: dict[tuple, Chains] = {}

    def __call__(
        self, key: PRNGKey, observations: Observations, *, on_progress: Callable[[Progress], None] = lambda _: None
    ) -> Posterior:
        """Sample; where the chains do not agree, once more with twice the warm-up.

        Args:
            key: parent of the runs' keys.
            observations: of the market.
            on_progress: called now and then; it changes no bit of the posterior.

        Raises:
            RuntimeError: unless double precision is on.
        """
        require_x64("Calibration")
        first = self._run(key, observations, self.sampler.warm_up, on_progress)
        if first.convergence is Convergence.CONVERGED:
            return first
        return self._run(key, observations, 2 * self.sampler.warm_up, on_progress)

    def _run(
        self, key: PRNGKey, observations: Observations, warm_up: int, on_progress: Callable[[Progress], None]
    ) -> Posterior:
        steps, bars = observations.increments.size, observations.bars
        table = reading_table(steps)
        power = reading_power(jnp.asarray(observations.increments), table)
        data = power, table, *_padded(observations)
        shape = bars, warm_up, *(leaf.shape for leaf in jax.tree.leaves(data))
        if shape not in self._ready:
            self._ready[shape] = Chains(
                self._model(bars),
                data,
                chains=self.sampler.chains,
                warm_up=warm_up,
                draws=self.sampler.draws,
                target_acceptance=self.sampler.target_acceptance,
            )
        unconstrained, diverging = self._ready[shape](jax.random.fold_in(key, warm_up), data, on_progress)
        with lenient():
            draws = {
                name: np.array(biject_to(prior.support)(unconstrained[name]), float)
                for name, prior in self.priors.items()
            }
        marginals = {name: marginal(values) for name, values in draws.items()}
        return Posterior(draws, marginals, int(np.sum(diverging)), warm_up, self.sampler.r_hat_below)

    def _model(self, bars: int):
        def model(power, table, error_variance, event_bars, excesses):
            value = {name: numpyro.sample(name, prior) for name, prior in self.priors.items()}
            numpyro.factor("readings", reading_term(value, power, table, error_variance))
            numpyro.factor("jumps", jump_term(value, event_bars, bars=bars))
            numpyro.factor("sizes", size_term(value, excesses))

        return model


def reading_term(
    value: dict, power: ReadingPower, table: ReadingTable, error_variance: Float[Array, ""]
) -> Float[Array, ""]:
    """Return the log-likelihood of the differenced readings at one value of every parameter."""
    return volatility_log_likelihood(
        power,
        table,
        hurst=value["hurst"],
        volatility_of_volatility=value["volatility_of_volatility"],
        error_variance=error_variance * value["error_scale"],
    )


def jump_term(value: dict, event_bars: Int[Array, " events"], *, bars: int) -> Float[Array, ""]:
    """Return the log-likelihood of which bars hold a jump at one value of every parameter."""
    return jump_log_likelihood(
        event_bars,
        intensity=value["jump_intensity"],
        branching_ratio=value["branching_ratio"],
        decay=value["decay"],
        bars=bars,
    )


def size_term(value: dict, excesses: Float[Array, " events"]) -> Float[Array, ""]:
    """Return the log-likelihood of the jumps' sizes at one value of every parameter."""
    return tail_log_likelihood(excesses, tail_index=value["tail_index"], scale=value["tail_scale"])


def marginal(draws: Float[np.ndarray, "chains draws"]) -> Marginal:
    """Summarise one parameter's draws."""
    return Marginal(
        float(np.mean(draws)),
        float(np.std(draws, ddof=1)),
        tuple(float(value) for value in np.quantile(draws, QUANTILES)),
        float(split_gelman_rubin(draws)),
        float(effective_sample_size(draws)),
    )


def draw_parameters(key: PRNGKey, priors: PriorsConfig) -> dict[str, float]:
    """Draw one value of every parameter from the prior; `key` is a parent."""
    laws = prior_laws(priors)
    keys = jax.random.split(key, len(laws))
    with lenient():
        return {name: np.asarray(prior.sample(k)).item() for k, (name, prior) in zip(keys, laws.items(), strict=True)}


def _padded(observations: Observations) -> tuple[Array, Array, Array]:
    """Return the arrays of a market with room for a power of two of jumps, so that few lengths are compiled."""
    count = observations.event_bars.size
    places = max(_FEWEST_PLACES, 2 ** math.ceil(math.log2(max(count, 1))))
    spare = (0, places - count)
    return (
        jnp.asarray(observations.error_variance, float),
        jnp.asarray(np.pad(observations.event_bars, spare, constant_values=observations.bars)),
        jnp.asarray(np.pad(observations.excesses, spare, constant_values=-1.0)),
    )
