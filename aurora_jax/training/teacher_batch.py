"""Windows that a teacher simulates for a student, with the regimes and the latent state behind them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from ..core import PRNGKey, TeacherBatch, stream
from ..student import Windows
from ..teacher import NFSDE, REGIMES, simulate
from .prepared import Prepared
from .windows import last_bars, path_inputs


def teacher_batch(
    model: NFSDE, key: PRNGKey, shares: Float[Array, " regimes"], *, paths: int, blocks: int, block_bars: int
) -> TeacherBatch:
    """Simulate paths of blocks, each block of a regime drawn by its share; a first block is left out.

    Windows then have a past, as a market's have. The state is known exactly: its covariance is 0.

    Args:
        model: the teacher.
        key: parent of the streams used here.
        shares: probability of each regime in a block.
        paths: how many.
        blocks: of each path, the one left out not counted.
        block_bars: bars of a block.

    Raises:
        ValueError: if a number is not positive.
    """
    if min(paths, blocks, block_bars) < 1:
        raise ValueError(f"paths, blocks and block_bars must be at least 1, were {paths}, {blocks} and {block_bars}.")
    # A model in single precision simulates some 30 times as fast where nothing else is double either.
    with jax.enable_x64(model.dtype == jnp.float64):
        regimes = jr.choice(
            stream(key, "regimes"), len(REGIMES), (paths, blocks + 1), p=jnp.asarray(shares, model.dtype)
        )
        simulated = _simulated(model, jr.split(stream(key, "paths"), paths), regimes, block_bars=block_bars)
    parts = (np.asarray(part)[:, block_bars:] for part in simulated)
    return TeacherBatch(*(jnp.asarray(part) for part in parts))


@eqx.filter_jit
def _simulated(model: NFSDE, keys: Array, regimes: Array, *, block_bars: int):
    start = jnp.zeros(model.assets + model.factors, model.dtype)

    def one(path):
        key, regime = path
        steps = block_bars * regime.shape[0]
        found = simulate(model, key, start, regime, steps=steps)
        latent = found.log_volatility[1:]
        covariance = jnp.zeros((steps, model.factors, model.factors), model.dtype)
        return jnp.diff(found.log_price, axis=0), found.regime, latent, covariance

    return jax.lax.map(one, (keys, regimes), batch_size=32)


def teacher_windows(batch: TeacherBatch, prepared: Prepared, *, window_bars: int) -> Windows:
    """Return the last bars of every path as the student sees them; what comes before warms the features up.

    Raises:
        ValueError: if the paths are too short for both.
    """
    needed = prepared.pipeline.warm_up_bars + window_bars
    paths, steps = batch.returns.shape[:2]
    if steps + 1 < needed:
        raise ValueError(
            f"paths of {steps} bars are too short to warm the features up and fill a window of {window_bars}; "
            f"simulate {needed - 1}."
        )
    moves = jnp.asarray(batch.returns, float)  # all of them: the scale law remembers longer than the features do
    log_price = jnp.concatenate([jnp.zeros((paths, 1, moves.shape[2])), jnp.cumsum(moves, axis=1)], axis=1)
    parts = (prepared.pipeline, prepared.standardiser, prepared.trailing)
    return last_bars(path_inputs(log_price, *parts), length_bars=window_bars)
