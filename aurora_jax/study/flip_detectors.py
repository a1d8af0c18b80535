"""Every detector as one number a bar: the higher, the likelier a change."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..crossbar import Crossbar, TrailingFits, Transition, TwoLengths, trend
from .change_point import ChangePoint
from .hidden_markov import HiddenMarkov, state_probabilities

_BATCH = 64


def crossbar_values(
    machine: Crossbar | TwoLengths, series: Float[Array, "series bars"], *, momentum_bars: int
) -> tuple[Float[np.ndarray, "series bars"], Float[np.ndarray, "series bars"]]:
    """Return the smoothed index and the momentum of each bar, the momentum of as many returns as the engine's."""

    def step(state, value):
        state, info = machine.step(state, value)
        return state, (info.smoothed, trend(state.returns[-momentum_bars:]))

    smoothed, momentum = _over(series, lambda row: jax.lax.scan(step, machine.init(), row)[1])
    return smoothed, momentum


def two_lengths_values(
    series: Float[Array, "series bars"], *, recent_bars: int, half_lives_bars: tuple[float, ...]
) -> Float[np.ndarray, "half_lives series bars"]:
    """Return the two-length index of each bar, smoothed over each half-life; the sums are kept once for all."""

    def run(row, half_life):
        machine = TwoLengths(recent_bars=recent_bars, half_life_bars=half_life)

        def step(state, value):
            state, info = machine.step(state, value)
            return state, info.smoothed

        return jax.lax.scan(step, machine.init(), row)[1]

    grid = jnp.asarray(half_lives_bars)
    (found,) = _over(series, lambda row: (jax.vmap(lambda half_life: run(row, half_life))(grid),))
    return np.moveaxis(found, 1, 0)


def gated(
    smoothed: Float[np.ndarray, "series bars"], momentum: Float[np.ndarray, "series bars"], *, momentum_on: float
) -> Float[np.ndarray, "series bars"]:
    """Return what a sweep of `index_on` compares: the index where momentum lets a transition start, else -inf.

    The first bar on which this is above a level is the first on which `Transition` with that `index_on` starts.
    """
    return np.where(momentum > momentum_on, smoothed, -np.inf)


def started(
    machine: Transition, smoothed: Float[np.ndarray, "series bars"], momentum: Float[np.ndarray, "series bars"]
) -> Float[np.ndarray, "series bars"]:
    """Return 1 on bars on which the machine starts a transition, else 0."""

    def step(state, bar):
        state, info = machine.step(state, crossbar=bar[0], momentum=bar[1], volatility=1.0)
        return state, info.started.astype(float)

    scanned = jax.jit(jax.vmap(lambda bars: jax.lax.scan(step, machine.init(), bars)[1]))
    return np.asarray(scanned((jnp.asarray(smoothed), jnp.asarray(momentum))))


def change_point_values(
    machine: ChangePoint, series: Float[Array, "series bars"]
) -> dict[str, Float[np.ndarray, "series bars"]]:
    """Return two readings of the run length: the probability that the change is recent, and minus its expectation."""

    def step(state, value):
        state, info = machine.step(state, value)
        return state, (info.recent, -info.expected_bars)

    recent, short = _over(series, lambda row: jax.lax.scan(step, machine.init(), row)[1])
    return {"recent change": recent, "short run": short}


def unexplained(series: Float[Array, "series bars"], *, window_bars: int = 256) -> Float[np.ndarray, "series bars"]:
    r"""Take the autoregression of the bars before out of each bar: $x_t - \hat\phi_{t-1} x_{t-1}$, whatever the mean.

    $\hat\phi_{t-1}$ is of the window that ends before the bar, so that no bar explains itself; the first bar stays as
    it is, and bars before the first count as 0.
    """
    fits = TrailingFits(window_bars)

    def step(carry, value):
        state, phi, before = carry
        state, found = fits.step(state, value)
        return (state, found.simple.coefficients[0], value), value - phi * before

    start = (fits.init(), jnp.zeros(()), jnp.zeros(()))
    (found,) = _over(series, lambda row: (jax.lax.scan(step, start, row)[1],))
    return found


def hidden_markov_values(
    model: HiddenMarkov, series: Float[Array, "series bars"], *, half_lives_bars: tuple[float, ...]
) -> dict[float, Float[np.ndarray, "series bars"]]:
    """Return the filtered probability of the law after, by the states that go with it, averaged; 0 leaves it as is."""
    likely = np.asarray(state_probabilities(model, series)) @ model.after_share
    return {half_life: averaged(likely, half_life) for half_life in half_lives_bars}


def averaged(values: Float[np.ndarray, "series bars"], half_life_bars: float) -> Float[np.ndarray, "series bars"]:
    """Return an exponential average that starts at the first bar; a half-life of 0 averages nothing."""
    if half_life_bars == 0.0:
        return values
    share = 1.0 - 2.0 ** (-1.0 / half_life_bars)
    out, average = np.empty_like(values), values[:, 0]
    for bar in range(values.shape[1]):
        average = average + share * (values[:, bar] - average)
        out[:, bar] = average
    return out


def _over(series: Float[Array, "series bars"], scan: Callable) -> list[np.ndarray]:
    """Run a scan over each series, a batch at a time so that memory stays small."""
    run = jax.jit(partial(jax.lax.map, scan, batch_size=_BATCH))
    return [np.asarray(found) for found in run(jnp.asarray(series))]
