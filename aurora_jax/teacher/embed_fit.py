"""Training of the embedder on windows that the teacher simulates, whose latent factors are known."""

import math
from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float
from scipy.special import chdtri

from ..core import Estimate, Outcome, PRNGKey, lenient, stream
from .embed import TeacherEmbedder, initial_embedder
from .model import NFSDE, REGIMES
from .simulate import simulate

_STRIDE_BARS = 8
_BLOCKS = 4
_HELD_OUT_ROUNDS = 2
_BATCH = 512


class Examples(NamedTuple):
    """Windows of simulated returns and the factors that were true at their ends; paths are independent."""

    returns: Float[Array, "paths windows bars assets"]
    factors: Float[Array, "paths windows factors"]


class Calibration(NamedTuple):
    """How right an embedder is on windows it has not seen; standard errors are those over independent paths.

    Attributes:
        explained_variance: share of the factors' variance that the mean explains; 0 is the prior's, each factor's.
        error: mean of the standardised error, 0 if unbiased.
        squared_error: mean square of the standardised error per factor, 1 if the covariance is right.
        coverage_90: share of true factors inside the region of probability 0.9.
        nats: gain in log density over the prior.
    """

    explained_variance: Float[Array, " factors"]
    error: Estimate
    squared_error: Estimate
    coverage_90: Estimate
    nats: Estimate


class EmbedderFit(NamedTuple):
    """A trained embedder, the loss of each step in nats, and its calibration on held-out windows."""

    embedder: TeacherEmbedder
    losses: Float[Array, " steps"]
    held_out: Calibration


def fit_embedder(
    model: NFSDE,
    key: PRNGKey,
    *,
    bars: int = 64,
    regime_shares: Float[Array, " regimes"] | None = None,
    paths: int = 256,
    rounds: int = 6,
    steps: int = 400,
    learning_rate: float = 3e-3,
    width: int = 32,
) -> EmbedderFit:
    """Train an embedder by the log density of the teacher's own factors at the ends of windows it simulates.

    Adam on a cosine schedule. Each round of simulated paths goes on from the factors with which the one before ended;
    one first round is run for that alone, so that windows follow the teacher's stationary law. The last 2 rounds are
    not trained on: they measure the calibration.

    Args:
        model: the teacher.
        key: parent of the streams used here.
        bars: of a window.
        regime_shares: probability of each regime in a block; None is the same for all.
        paths: in a round, each with `bars` / 4 + 1 windows.
        rounds: trained on.
        steps: of Adam, each on 512 windows.
        learning_rate: at the start.
        width: units of the network's two hidden layers.

    Raises:
        ValueError: if `rounds` or `steps` is not positive.
        FloatingPointError: if the loss stops being finite.
    """
    if rounds < 1 or steps < 1:
        raise ValueError(f"rounds and steps must be at least 1, were {rounds} and {steps}.")
    shares = jnp.full(len(REGIMES), 1.0 / len(REGIMES)) if regime_shares is None else regime_shares
    simulated = _rounds(model, stream(key, "rounds"), bars, shares, paths, rounds + _HELD_OUT_ROUNDS)
    training, held_out = simulated[:-_HELD_OUT_ROUNDS], simulated[-_HELD_OUT_ROUNDS:]
    start = initial_embedder(
        stream(key, "network"), **_units(model, shares), factors=model.factors, bars=bars, width=width
    )
    inputs = jnp.concatenate([_inputs(start, one) for one in training])
    factors = jnp.concatenate([one.factors.reshape(-1, model.factors) for one in training])
    fitted, losses = _descend(
        _normalised(start, inputs, factors), stream(key, "batches"), inputs, factors, steps, learning_rate
    )
    if not bool(jnp.all(jnp.isfinite(losses))):
        raise FloatingPointError("the embedder's loss stopped being finite: lower learning_rate.")
    return EmbedderFit(fitted, losses, calibration(fitted, jax.tree.map(lambda *x: jnp.concatenate(x), *held_out)))


def teacher_examples(
    model: NFSDE,
    key: PRNGKey,
    start: Float[Array, "paths factors"],
    *,
    bars: int,
    regime_shares: Float[Array, " regimes"],
) -> tuple[Examples, Float[Array, "paths factors"]]:
    """Simulate paths and cut overlapping windows from them; also return the factors at the paths' ends.

    A path lasts 4 blocks of `bars` bars, each of a regime drawn by its share; the first is left out, so that windows
    have a past as a market's have. Ends are 8 bars apart.
    """
    paths = start.shape[0]
    regimes = jr.choice(stream(key, "regimes"), len(REGIMES), (paths, _BLOCKS), p=regime_shares)

    def one(path_key, factors, regime):
        x0 = jnp.concatenate([jnp.zeros(model.assets, model.dtype), factors])
        path = simulate(model, path_key, x0, regime, steps=_BLOCKS * bars)
        return jnp.diff(path.log_price, axis=0), path.log_volatility

    returns, factors = jax.vmap(one)(jr.split(stream(key, "paths"), paths), start, regimes)
    ends = np.arange(2 * bars, _BLOCKS * bars + 1, _STRIDE_BARS)
    windows = returns[:, ends[:, None] - bars + np.arange(bars)[None, :]]
    return Examples(windows, factors[:, ends]), factors[:, -1]


def calibration(embedder: TeacherEmbedder, examples: Examples) -> Calibration:
    """Compare an embedder with the truth of simulated windows."""
    paths = examples.factors.shape[0]
    flat = examples.factors.reshape(-1, embedder.factors)
    mean, lower = jax.jit(jax.vmap(embedder.read))(_inputs(embedder, examples))
    prior = jax.vmap(lambda x: _negative_log_density(embedder.prior_mean, embedder.prior_factor, x))(flat)
    error = jax.vmap(lambda factor, miss: solve_triangular(factor, miss, lower=True))(lower, flat - mean)
    square = jnp.sum(error**2, axis=1)
    inside = square <= float(chdtri(embedder.factors, 0.1))

    def estimate(values):
        of_path = jnp.mean(values.reshape(paths, -1), axis=1)
        return Estimate(jnp.mean(of_path), jnp.std(of_path, ddof=1) / math.sqrt(paths), jnp.asarray(Outcome.OK))

    return Calibration(
        explained_variance=1.0 - jnp.mean((flat - mean) ** 2, axis=0) / jnp.var(flat, axis=0),
        error=estimate(jnp.mean(error, axis=1)),
        squared_error=estimate(square / embedder.factors),
        coverage_90=estimate(inside.astype(square.dtype)),
        nats=estimate(prior - jax.vmap(_negative_log_density)(mean, lower, flat)),
    )


def _negative_log_density(mean, lower, factors) -> Float[Array, ""]:
    """Return minus the Gaussian log density, nats."""
    error = solve_triangular(lower, factors - mean, lower=True)
    return 0.5 * jnp.sum(error**2 + math.log(2.0 * math.pi)) + jnp.sum(jnp.log(jnp.diag(lower)))


def _rounds(model: NFSDE, key: PRNGKey, bars: int, shares, paths: int, count: int) -> list[Examples]:
    """Simulate round after round; the first, which starts with all factors at 0, is thrown away."""
    factors, found = jnp.zeros((paths, model.factors), model.dtype), []
    # A model in single precision simulates some 30 times as fast where nothing else is double either.
    with jax.enable_x64(model.dtype == jnp.float64):
        run = eqx.filter_jit(partial(teacher_examples, bars=bars, regime_shares=shares.astype(model.dtype)))
        for number in range(count + 1):
            examples, factors = run(model, stream(key, str(number)), factors)
            found.append(examples)
    return found[1:]


def _units(model: NFSDE, shares: Float[Array, " regimes"]) -> dict[str, Float[Array, "..."]]:
    """Return mean and covariance of a calm bar's returns, over the regimes."""
    weight = shares.astype(model.dtype)
    factor = model.by_regime().price_factor
    still = jnp.zeros(model.factors, model.dtype)
    drift = jax.vmap(lambda regime: model.drift(still, regime))(model.embedding)[:, : model.assets]
    return {"mean_return": weight @ drift, "covariance": jnp.einsum("z,zij,zkj->ik", weight, factor, factor)}


def _inputs(embedder: TeacherEmbedder, examples: Examples) -> Float[Array, "windows inputs"]:
    windows = examples.returns.reshape(-1, *examples.returns.shape[2:])
    return eqx.filter_jit(lambda one, x: jax.lax.map(one.inputs, x, batch_size=512))(embedder, windows)


def _normalised(start: TeacherEmbedder, inputs, factors) -> TeacherEmbedder:
    """Return the embedder with inputs and outputs in units of the training windows."""
    spread = jnp.cov(factors, rowvar=False).reshape(start.factors, start.factors)
    values = (
        jnp.mean(inputs, axis=0),
        jnp.std(inputs, axis=0) + 1e-6,
        jnp.mean(factors, axis=0),
        jnp.linalg.cholesky(spread + 1e-8 * jnp.eye(start.factors, dtype=spread.dtype)),
    )
    return eqx.tree_at(lambda one: (one.centre, one.scale, one.prior_mean, one.prior_factor), start, values)


def _descend(start: TeacherEmbedder, key: PRNGKey, inputs, factors, steps: int, learning_rate: float):
    """Return the embedder after Adam's steps on its network, and the losses."""
    optimiser = optax.adam(optax.cosine_decay_schedule(learning_rate, steps))
    network, still = eqx.partition(start.network, eqx.is_inexact_array)

    def with_network(arrays) -> TeacherEmbedder:
        return eqx.tree_at(lambda one: one.network, start, eqx.combine(arrays, still))

    def step(carry, step_key):
        arrays, state = carry
        chosen = jr.randint(step_key, (_BATCH,), 0, factors.shape[0])

        def loss_of(arrays):
            read = jax.vmap(with_network(arrays).read)(inputs[chosen])
            return jnp.mean(jax.vmap(_negative_log_density)(*read, factors[chosen]))

        loss, gradient = jax.value_and_grad(loss_of)(arrays)
        with lenient():
            updates, state = optimiser.update(gradient, state, arrays)
        return (optax.apply_updates(arrays, updates), state), loss

    run = jax.jit(lambda carry, keys: jax.lax.scan(step, carry, keys))
    (arrays, _), losses = run((network, optimiser.init(network)), jr.split(key, steps))
    return with_network(arrays), losses
