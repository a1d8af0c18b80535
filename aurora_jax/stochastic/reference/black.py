"""Black's formula and its inverse."""

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jax.scipy.special import ndtr
from jaxtyping import Array, Float

from aurora_jax.core import Number

from ..domain import within

_LARGEST_DEVIATION = 20.0  # of log S_T: a call is then worth its forward to the last digit
_BISECTIONS = 64


def black_call(
    forward: Float[Array, ""], strike: Float[Array, ""], total_variance: Float[Array, ""]
) -> Float[Array, ""]:
    r"""Return $E (S - K)^+$, not discounted, for log S normal with variance w and mean such that E S = F.

    $$F\,\Phi(d) - K\,\Phi(d - \sqrt w), \qquad d = \frac{\log(F/K)}{\sqrt w} + \frac{\sqrt w}{2}$$

    Args:
        forward: F > 0.
        strike: K > 0.
        total_variance: w >= 0; at 0 the intrinsic value.

    References:
        Black (1976), The pricing of commodity contracts, J. Financial Economics 3, 167-179, eq. 16.
    """
    certain = total_variance <= 0.0
    deviation = jnp.sqrt(jnp.where(certain, 1.0, total_variance))
    upper = jnp.log(forward / strike) / deviation + 0.5 * deviation
    risky = forward * ndtr(upper) - strike * ndtr(upper - deviation)
    return jnp.where(certain, jnp.maximum(forward - strike, 0.0), risky)


def implied_volatility(
    price: Float[Array, ""], *, forward: Number, strike: Number, horizon: Number
) -> Float[Array, ""]:
    """Return the volatility per square root of time at which Black's formula gives `price`, by bisection.

    Args:
        price: of a call, not discounted; between the intrinsic value and the forward.
        forward: F > 0.
        strike: K > 0.
        horizon: time to expiry, > 0.

    Raises:
        ValueError: if `forward`, `strike` or `horizon` is out of range.
        RuntimeError: at run time, if `price` is one that no volatility gives.
    """
    forward, strike = within("forward", forward, 0.0), within("strike", strike, 0.0)
    horizon = within("horizon", horizon, 0.0)
    possible = (price > jnp.maximum(forward - strike, 0.0)) & (price < forward)
    price = eqx.error_if(price, ~possible, "no volatility gives this price: it must lie between intrinsic and forward.")

    def halve(_, bracket):
        low, high = bracket
        middle = 0.5 * (low + high)
        below = black_call(forward, strike, middle**2) < price
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    start = (jnp.zeros_like(price), jnp.full_like(price, _LARGEST_DEVIATION))
    low, high = lax.fori_loop(0, _BISECTIONS, halve, start)
    return 0.5 * (low + high) / jnp.sqrt(horizon)
