"""How p-variation changes from one grid to the next: rough paths change its slope, jumps break it."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from aurora_jax.core import Estimate

from .degenerate import estimate, finite, inspect, no_estimate
from .jackknife import BLOCKS, jackknife_error, leave_one_out
from .log_log import slope_weights


def p_variation_slope(
    increments: Float[Array, " steps"], *, power: float = 2.0, grids: tuple[int, ...] = (1, 2, 4, 8)
) -> Estimate:
    r"""Estimate the slope of log p-variation on the logarithm of the grid's step.

    $$V_p(h) = \frac{n}{h}\,\frac1{n-h+1} \sum_t |X_{t+h} - X_t|^p, \qquad
      \text{slope} = \frac{d \log V_p(h)}{d \log h}$$

    averaged over the h grids of step h. Without jumps, for fractional motion of exponent H, the slope is $pH - 1$:
    0 at the p = 1/H where variation is finite. Finitely many jumps have $V_p \to \sum|J|^p$ on every grid: once they
    dominate (p > 1/H) the slope is 0 instead. So p = 2 tells rough (slope < 0) from Brownian (0), and p = 4 tells
    Brownian without jumps (1) from Brownian with them (near 0).

    Args:
        increments: of the finest grid; the path X is their sum. Their mean counts: remove a trend first.
        power: p > 0.
        grids: steps h of the grids in units of the finest, at least two different ones.

    Returns:
        The slope with a jackknife error over ten blocks of time. NaN with TOO_SHORT if a block is not longer than
        the longest step, CONSTANT or NON_FINITE.

    Raises:
        ValueError: if `power` is not positive, or there are fewer than two different grids, or one below 1.

    References:
        Aït-Sahalia and Jacod (2009), Annals of Statistics 37(1), 184-222, on ratios of p-variations; Nourdin (2012),
        Selected Aspects of Fractional Brownian Motion, theorem 2.1.
    """
    if not power > 0.0:
        raise ValueError(f"power must be positive, was {power}.")
    if len(set(grids)) < 2 or min(grids) < 1:
        raise ValueError(f"grids must be at least two different steps, each at least 1, were {grids}.")
    increments = jnp.asarray(increments, float)
    shortest = BLOCKS * (max(grids) + 1)
    outcome = inspect(increments, minimum=shortest)
    if increments.size < shortest:
        return no_estimate(outcome)
    noise = finite(increments)
    largest = jnp.max(jnp.abs(noise))
    path = jnp.cumsum(jnp.concatenate([jnp.zeros_like(noise[:1]), noise / jnp.where(largest > 0.0, largest, 1.0)]))
    columns = []
    for step in grids:
        moved = jnp.abs(path[step:] - path[:-step]) ** power
        counted = jnp.concatenate([jnp.ones_like(moved), jnp.zeros(step - 1, path.dtype)])
        columns += [jnp.concatenate([moved, jnp.zeros(step - 1, path.dtype)]), counted]
    table = jnp.stack(columns, axis=1)
    abscissae = np.log(np.array(grids, float))
    weights = jnp.asarray(slope_weights(abscissae), path.dtype)

    def slope(sums):
        mean = jnp.maximum(sums[0::2] / sums[1::2], jnp.finfo(path.dtype).tiny)
        return weights @ (jnp.log(mean) - jnp.asarray(abscissae, path.dtype))

    return estimate(slope(jnp.sum(table, axis=0)), jackknife_error(jax.vmap(slope)(leave_one_out(table))), outcome)
