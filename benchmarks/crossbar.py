"""The crossbar index of twenty assets bar by bar: sums of products against fitting the whole window again."""

import time
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

from aurora_jax.crossbar import Crossbar, crossbar_index

from .record import Contest, Timing

ASSETS, CALLS = 20, 1500


def contests() -> Iterator[Contest]:
    """Step windows of 128 and 512 bars."""
    for window_bars in (128, 512):
        yield _stepping(window_bars)


def _stepping(window_bars: int) -> Contest:
    returns = 0.01 * np.random.default_rng(1).standard_t(4, (window_bars + CALLS, ASSETS))
    crossbar = Crossbar(window_bars=window_bars)

    def refit(window, value):
        window = jnp.concatenate([window[1:], value[None]])
        return window, crossbar_index(window).value

    def summed(state, value):
        state, info = crossbar.step(state, value)
        return state, info.index

    start = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (ASSETS, *leaf.shape)), crossbar.init())
    return Contest(
        what=f"crossbar index of {ASSETS} assets, window of {window_bars}",
        unit="bars",
        work=1.0,
        ours=_walk(summed, start, returns, window_bars),
        peers={"fit of the whole window": _walk(refit, jnp.zeros((ASSETS, window_bars)), returns, window_bars)},
        note=f"{CALLS:,} bars one after another; the answer is the mean index of the first asset",
    )


def _walk(step: Callable, state: object, returns: np.ndarray, warm_up_bars: int) -> Timing:
    """Step through all bars; those that fill the window warm up."""
    advance = jax.jit(jax.vmap(step))
    seconds, indices = [], []
    for bar in returns:
        started = time.perf_counter()
        state, index = jax.block_until_ready(advance(state, bar))
        seconds.append(time.perf_counter() - started)
        indices.append(float(index[0]))
    counted = np.array(seconds[warm_up_bars:])
    answer = float(np.mean(indices[warm_up_bars:]))
    return Timing(float(np.median(counted)), answer, float(counted.max() / counted.min()))
