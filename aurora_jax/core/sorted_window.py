"""A trailing window that is always sorted, so that its order statistics cost a look-up."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .shapes import Number


class SortedWindow(NamedTuple):
    """The last `capacity` finite values, by arrival and by size; unused places hold +inf.

    Attributes:
        arrivals: ring buffer in order of arrival.
        ascending: the same values sorted.
        count: how many values have ever arrived.
    """

    arrivals: Float[Array, " capacity"]
    ascending: Float[Array, " capacity"]
    count: Int[Array, ""]

    @property
    def size(self) -> Int[Array, ""]:
        """Return how many values the window holds now."""
        return jnp.minimum(self.count, self.arrivals.shape[0])

    def order_statistic(self, rank: Int[Array, ""] | int) -> Float[Array, ""]:
        """Return the `rank`-th smallest value, counted from 1; +inf beyond the values held."""
        place = jnp.clip(jnp.asarray(rank) - 1, 0, self.ascending.shape[0] - 1)
        return jnp.where(jnp.asarray(rank) > self.size, jnp.inf, self.ascending[place])

    def quantile(self, probability: Number, *, empty: Number = 0.0) -> Float[Array, ""]:
        """Return the smallest held value with at least `probability` of the window at or below it."""
        size = self.size.astype(self.ascending.dtype)
        rank = jnp.maximum(jnp.ceil(probability * size).astype(int), 1)
        return jnp.where(self.size == 0, empty, self.order_statistic(rank))

    def rank_share(self, value: Number) -> Float[Array, ""]:
        """Return the mid-rank share of held values below `value`, in [0, 1]; one half while empty."""
        below = _place(self.ascending, value)
        up_to = _place(self.ascending, value, side="right")
        places = jnp.minimum(below, self.size) + jnp.minimum(up_to, self.size)
        dtype = self.ascending.dtype
        share = 0.5 * places.astype(dtype) / jnp.maximum(self.size, 1).astype(dtype)
        return jnp.where(self.size == 0, 0.5, share)


def sorted_window(capacity: int, dtype=float) -> SortedWindow:
    """Return an empty window.

    Raises:
        ValueError: if `capacity` is not positive.
    """
    if capacity < 1:
        raise ValueError(f"capacity must be at least 1, was {capacity}.")
    return SortedWindow(jnp.full(capacity, jnp.inf, dtype), jnp.full(capacity, jnp.inf, dtype), jnp.zeros((), int))


def push(window: SortedWindow, value: Float[Array, ""]) -> SortedWindow:
    """Add `value`, dropping the oldest when full; O(capacity) moves, no sort."""
    capacity = window.arrivals.shape[0]
    place = window.count % capacity
    # Unused places hold +inf and sort last, so removing "the oldest" is right even before the window is full.
    oldest, ascending = window.arrivals[place], window.ascending
    gone = _place(ascending, oldest)
    new = _place(ascending, value) - (oldest < value).astype(int)  # among those that stay
    index = jnp.arange(capacity)
    up, down = jnp.pad(ascending[:-1], (1, 0)), jnp.pad(ascending[1:], (0, 1))
    moved = jnp.where((new < index) & (index <= gone), up, jnp.where((gone <= index) & (index < new), down, ascending))
    return SortedWindow(window.arrivals.at[place].set(value), jnp.where(index == new, value, moved), window.count + 1)


def _place(ascending: Float[Array, " capacity"], value: Number, *, side: str = "left") -> Int[Array, ""]:
    """Return how many are below (from the right: at or below) `value`.

    By comparing all: for windows of hundreds a loop of halvings takes longer.
    """
    return jnp.searchsorted(ascending, value, side=side, method="compare_all").astype(int)
