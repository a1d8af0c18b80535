"""A trailing quantile, e.g. the p95 of the latency or of the relative width."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from aurora_jax.core import Number, SortedWindow, push, sorted_window

from .settings import require_within, threshold


class RollingQuantile(eqx.Module):
    """The empirical quantile of the last `window_bars` values.

    Until `warm_up_bars` values have arrived it reads 0: the 95 % quantile of fewer than 20 values is merely their
    maximum, and one first slow request would read as a slow tail.
    """

    window_bars: int = eqx.field(static=True)
    probability: Float[Array, ""] = eqx.field(converter=threshold, default=0.95)
    warm_up_bars: int = eqx.field(static=True, default=20)

    def __check_init__(self):
        if self.window_bars < 1:
            raise ValueError(f"window_bars must be at least 1, was {self.window_bars}.")
        if not 1 <= self.warm_up_bars <= self.window_bars:
            raise ValueError(
                f"warm_up_bars must lie in [1, window_bars = {self.window_bars}], was {self.warm_up_bars}."
            )
        require_within(0.0, 1.0, probability=self.probability)

    def init(self) -> SortedWindow:
        """Return an empty window."""
        return sorted_window(self.window_bars)

    def step(
        self, state: SortedWindow, value: Number, *, observed: bool | Bool[Array, ""] = True
    ) -> tuple[SortedWindow, Float[Array, ""]]:
        """Add `value` and return the trailing quantile, 0 while warming up.

        Args:
            state: the window.
            value: finite; one that is not leaves the window as it was.
            observed: False leaves the window as it was, e.g. on an imputed bar.
        """
        value = jnp.asarray(value, float)
        usable = jnp.isfinite(value) & observed
        pushed = push(state, jnp.where(usable, value, 0.0))
        state = jax.tree.map(lambda new, old: jnp.where(usable, new, old), pushed, state)
        quantile = state.quantile(self.probability)
        return state, jnp.where(state.count < self.warm_up_bars, 0.0, quantile)
