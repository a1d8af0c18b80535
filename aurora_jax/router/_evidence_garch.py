"""Log likelihoods of GARCH(1,1) on a standardised window, on a grid of laws."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._recurrence import decayed_sums

DECAYS = np.array([0.0, 0.35, 0.65, 0.85, 0.93, 0.98])
"""beta."""

SHARES = np.array([0.1, 0.3, 0.6, 0.9, 0.99])
"""alpha / (1 - beta): what past squares weigh in the variance; the rest is its usual level."""

TRENDS = np.array([0.94, 0.98, 0.995])
"""beta of laws without alpha, whose variance drifts from where it starts to its level."""

LEVELS = np.array([0.4, 1.0])
"""Those levels; the variance of the window is 1."""

_BACKCAST_BARS, _BACKCAST_DECAY = 75, 0.94  # those of `aurora_jax.timeseries.fit_garch`
_CHUNK = 8


def garch_gains(x: Float[Array, " bars"], *, uncounted: int) -> Float[Array, " laws"]:
    r"""Return the log likelihood of each law of the grid, its scale chosen, less the constant $-\tfrac12 N \log 2\pi$.

    $$h_t \propto 1 - a + a m_t, \qquad m_{t+1} = \beta m_t + (1 - \beta) x_t^2, \qquad a = \alpha / (1 - \beta)$$

    is GARCH(1,1) by its long-run level. The factor is $\overline{x^2 / h}$, which maximises the likelihood over it.

    Args:
        x: mean 0, variance 1.
        uncounted: returns at the start that the sum leaves out, though the factor uses them.
    """
    squares = x**2
    weights = jnp.asarray(_BACKCAST_DECAY ** np.arange(min(_BACKCAST_BARS, x.size)), x.dtype)
    start = jnp.sum(weights * squares[: weights.size]) / jnp.sum(weights)
    means = _means_before(squares, start)
    share = jnp.asarray(SHARES, x.dtype)[None, :, None]
    clustered = (1.0 - share) + share * means[:, None, :]
    fading = jnp.asarray(TRENDS[:, None] ** np.arange(x.size), x.dtype)[:, None, :]
    level = jnp.asarray(LEVELS, x.dtype)[None, :, None]
    drifting = level + fading * (start - level)
    each = [_gains(squares, part.reshape(-1, x.size), uncounted=uncounted) for part in (clustered, drifting)]
    return jnp.concatenate(each)


def _gains(
    squares: Float[Array, " bars"], variance: Float[Array, "laws bars"], *, uncounted: int
) -> Float[Array, " laws"]:
    bars = squares.size
    counted = np.arange(bars) >= uncounted
    relative = squares[None, :] / variance
    # As a product of matrices: of few laws over few bars two sums take longer.
    whole, later = (relative @ jnp.asarray(np.stack([np.ones(bars), counted], axis=1), relative.dtype)).T
    factor = whole / bars
    logs = _sum_of_logs(jnp.where(counted[None, :], variance, 1.0))
    return -0.5 * (logs + float(counted.sum()) * jnp.log(factor) + later / factor)


def _means_before(squares: Float[Array, " bars"], start: Float[Array, ""]) -> Float[Array, "decays bars"]:
    """Return m of each bar, which the square of that bar is not yet in: m of the first is `start`."""
    own = jnp.asarray(1.0 - DECAYS, squares.dtype)[:, None]
    since = decayed_sums(squares[:-1], DECAYS)
    fading = jnp.asarray(DECAYS[:, None] ** np.arange(squares.size), squares.dtype)
    return fading * start + own * jnp.concatenate([jnp.zeros_like(own), since], axis=1)


def _sum_of_logs(values: Float[Array, "laws bars"]) -> Float[Array, " laws"]:
    """Sum logarithms over bars: of products of 8, as a variance lies in [.01, bars] and a logarithm costs most here."""
    laws, bars = values.shape
    padded = jnp.concatenate([values, jnp.ones((laws, -bars % _CHUNK), values.dtype)], axis=1)
    return jnp.sum(jnp.log(jnp.prod(padded.reshape(laws, -1, _CHUNK), axis=2)), axis=1)
