"""The Parquet columns of simulated paths, and the way back to `Trajectories`.

One row per path and step, rows of a path together and in order:

    path              int32    number of the path within its cell
    step              int32    0 is the start; step s is `s * step_size` bars later
    log_price_<i>     float32  logarithm of the price of asset i
    log_volatility_<j> float32 volatility factor j (none in ground-truth cells)
    regime            int8     `Regime` code that drove the step ending here; at the start, the one about to act
    jumps             int16    jumps in the step ending here; 0 at the start
"""

import jax.numpy as jnp
import numpy as np
import pyarrow as pa

from ..core import Trajectories


def column_names(assets: int, factors: int) -> list[str]:
    """Return the names of all columns, in file order."""
    prices = [f"log_price_{asset}" for asset in range(assets)]
    volatilities = [f"log_volatility_{factor}" for factor in range(factors)]
    return ["path", "step", *prices, *volatilities, "regime", "jumps"]


def to_table(trajectories: Trajectories, *, first_path: int) -> pa.Table:
    """Lay out a batch of paths as rows, numbering paths from `first_path`.

    Raises:
        ValueError: if a step holds more jumps than an int16 can count.
    """
    prices = np.asarray(trajectories.log_price, np.float32)
    volatilities = np.asarray(trajectories.log_volatility, np.float32)
    paths, points, assets = prices.shape
    factors = volatilities.shape[-1]
    regime = np.asarray(trajectories.regime, np.int8)
    jumps = np.asarray(trajectories.jumps)
    if jumps.max(initial=0) > np.iinfo(np.int16).max:
        raise ValueError(f"a step holds {jumps.max()} jumps; at most {np.iinfo(np.int16).max} can be stored.")
    arrays = [
        np.repeat(np.arange(first_path, first_path + paths, dtype=np.int32), points),
        np.tile(np.arange(points, dtype=np.int32), paths),
        *(prices[:, :, asset].ravel() for asset in range(assets)),
        *(volatilities[:, :, factor].ravel() for factor in range(factors)),
        np.concatenate([regime[:, :1], regime], axis=1).ravel(),
        np.pad(jumps.astype(np.int16), ((0, 0), (1, 0))).ravel(),
    ]
    return pa.table(dict(zip(column_names(assets, factors), arrays, strict=True)))


def from_table(table: pa.Table, *, paths: int, steps: int, step_size: float) -> Trajectories:
    """Invert `to_table`.

    Raises:
        ValueError: if the table does not hold `paths` whole paths of `steps` steps.
    """
    points = steps + 1
    if table.num_rows != paths * points:
        raise ValueError(f"expected {paths} paths of {points} points, found {table.num_rows} rows.")

    def matrix(name: str) -> np.ndarray:
        return table[name].to_numpy().reshape(paths, points)

    def stack(prefix: str) -> np.ndarray:
        names = [name for name in table.column_names if name.startswith(prefix)]
        return np.stack([matrix(n) for n in names], axis=-1) if names else np.zeros((paths, points, 0), np.float32)

    return Trajectories(
        times=jnp.broadcast_to(step_size * jnp.arange(points, dtype=float), (paths, points)),
        log_price=jnp.asarray(stack("log_price_")),
        log_volatility=jnp.asarray(stack("log_volatility_")),
        regime=jnp.asarray(matrix("regime")[:, 1:].astype(int)),
        jumps=jnp.asarray(matrix("jumps")[:, 1:].astype(int)),
    )
