"""How likely the sizes of jumps are: a generalised Pareto tail."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Number


def tail_log_likelihood(excesses: Float[Array, " events"], *, tail_index: Number, scale: Number) -> Float[Array, ""]:
    r"""Return the log-likelihood of independent generalised Pareto excesses over a threshold.

    $$\ell = -\sum_i \Bigl(\log\sigma + \bigl(1 + \tfrac1\xi\bigr) \log\bigl(1 + \tfrac{\xi x_i}{\sigma}\bigr)\Bigr)$$

    Approximation: sizes are independent of each other and of the times.

    Args:
        excesses: >= 0; padding is negative and does not count.
        tail_index: xi > 0.
        scale: sigma > 0.

    References:
        McNeil, Frey and Embrechts (2015), Quantitative Risk Management, eq. 5.13 and 5.15.
    """
    xi, sigma = jnp.asarray(tail_index, float), jnp.asarray(scale, float)
    real = excesses >= 0.0
    growth = jnp.log1p(xi * jnp.where(real, excesses, 0.0) / sigma)
    return -jnp.sum(jnp.where(real, jnp.log(sigma) + (1.0 + 1.0 / xi) * growth, 0.0))
