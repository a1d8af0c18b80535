"""The stream's own recent returns, kept as scenarios."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class ReturnHistory(NamedTuple):
    """A ring of simple returns, and how many were ever stored."""

    rows: Float[Array, "capacity assets"]
    count: Int[Array, ""]

    @property
    def held(self) -> Array:
        """Return which rows hold a return."""
        return jnp.arange(self.rows.shape[0]) < self.count


def empty_history(capacity: int, assets: int) -> ReturnHistory:
    """Return a ring without returns."""
    return ReturnHistory(jnp.zeros((capacity, assets)), jnp.zeros((), int))


def remember(history: ReturnHistory, log_returns: Float[Array, " assets"]) -> ReturnHistory:
    """Store one bar's returns as simple returns, which is what portfolios earn."""
    place = history.count % history.rows.shape[0]
    return ReturnHistory(history.rows.at[place].set(jnp.expm1(log_returns)), history.count + 1)
