"""Log likelihoods of GARCH(1,1) on a standardised window, on a grid of laws."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

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
    decay = jnp.asarray(DECAYS, x.dtype)

    def advance(mean, square):
        return decay * mean + (1.0 - decay) * square, mean

    _, means = lax.scan(advance, jnp.full(DECAYS.size, start, x.dtype), squares)
    share = jnp.asarray(SHARES, x.dtype)[None, None, :]
    clustered = (1.0 - share) + share * means[:, :, None]
    fading = jnp.asarray(TRENDS ** np.arange(x.size)[:, None], x.dtype)[:, :, None]
    level = jnp.asarray(LEVELS, x.dtype)[None, None, :]
    drifting = level + fading * (start - level)
    variance = jnp.concatenate([part.reshape(x.size, -1) for part in (clustered, drifting)], axis=1)
    relative = squares[:, None] / variance
    factor = jnp.mean(relative, axis=0)
    counted = x.size - uncounted
    return -0.5 * (
        _sum_of_logs(variance[uncounted:]) + counted * jnp.log(factor) + jnp.sum(relative[uncounted:], axis=0) / factor
    )


def _sum_of_logs(values: Float[Array, "bars laws"]) -> Float[Array, " laws"]:
    """Sum logarithms over bars: of products of 8, as a variance lies in [.01, bars] and a logarithm costs most here."""
    bars, laws = values.shape
    padded = jnp.concatenate([values, jnp.ones((-bars % _CHUNK, laws), values.dtype)])
    return jnp.sum(jnp.log(jnp.prod(padded.reshape(-1, _CHUNK, laws), axis=1)), axis=0)
