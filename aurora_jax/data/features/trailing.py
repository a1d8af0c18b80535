"""The last few numbers of a series, oldest first, and the quotients and averages features take of them."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Number

_VANISHING = 1e-200
FLOOR = 1e-8
"""Volatilities per bar below this are taken for it, so that their logarithm exists."""


def push(window: Float[Array, " window"], value: Float[Array, ""]) -> Float[Array, " window"]:
    """Return the window with `value` as its newest entry and without its oldest."""
    return jnp.concatenate([window[1:], value[None]])


def quotient(numerator: Number, denominator: Number, otherwise: Number = 0.0) -> Float[Array, ""]:
    """Return numerator / denominator, or `otherwise` where the denominator, which is not negative, vanishes."""
    present = denominator > _VANISHING
    return jnp.where(present, numerator / jnp.where(present, denominator, 1.0), otherwise)


def root_mean_square(window: Float[Array, " window"]) -> Float[Array, ""]:
    """Return the volatility per bar of returns whose mean is negligible."""
    return jnp.sqrt(jnp.mean(window * window))


def log_floored(value: Float[Array, ""]) -> Float[Array, ""]:
    """Return log(max(value, `FLOOR`))."""
    return jnp.log(jnp.maximum(value, FLOOR))


class TrailingReturns(NamedTuple):
    """The last close (0 before the first) and the last log returns, oldest first."""

    close: Float[Array, ""]
    returns: Float[Array, " window"]

    def push(self, close: Float[Array, ""]) -> "TrailingReturns":
        """Return the window with the log return to `close`; the first close has return 0."""
        before = jnp.where(self.close > 0.0, self.close, close)
        return TrailingReturns(close, push(self.returns, jnp.log(close / before)))


def trailing_returns(window_bars: int) -> TrailingReturns:
    """Return a window that has seen nothing."""
    return TrailingReturns(jnp.zeros(()), jnp.zeros(window_bars))


VOLATILITY_BARS = 63
"""Length of the volatility that features are scaled by: a quarter of daily bars."""


def scaling_returns() -> TrailingReturns:
    """Return an empty window that `scaling_volatility` can use: one return more than it looks at."""
    return trailing_returns(VOLATILITY_BARS + 1)


def scaling_volatility(trailing: TrailingReturns) -> Float[Array, ""]:
    """Return the volatility of the `VOLATILITY_BARS` returns before the newest, which may be the jump it measures."""
    return root_mean_square(trailing.returns[:-1])
