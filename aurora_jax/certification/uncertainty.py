"""The three parts of kappa: how unsure are the state, the choice of model and the forecast, each in [0, 1]."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import entr
from jaxtyping import Array, Float

from aurora_jax.core import Number, SortedWindow, push, sorted_window


def state_uncertainty(
    spread: Number, *, typical_spread: Number, log_spread_deviation: Number = 1.0
) -> Float[Array, ""]:
    r"""Return the posterior spread of the latent state, squashed relative to its training distribution.

    $$U = \frac{1}{1 + (s / \tilde s)^{-1/b}}$$

    so that the median training spread gives 1/2, and one training deviation above it 1 / (1 + 1/e) = .73.

    Args:
        spread: s >= 0, e.g. the root of the trace of the filter's covariance.
        typical_spread: the median of s over training, > 0.
        log_spread_deviation: b, the standard deviation of log s over training, > 0.
    """
    ratio = jnp.asarray(spread, float) / typical_spread
    return jax.nn.sigmoid(jnp.log(ratio) / log_spread_deviation)


def model_uncertainty(probabilities: Float[Array, " models"]) -> Float[Array, ""]:
    r"""Return the entropy of the router's choice over its maximum, $H(\pi) / \log K$ (K = 3 families in AURORA).

    Raises:
        ValueError: if there is nothing to choose from.
    """
    models = probabilities.shape[0]
    if models < 2:
        raise ValueError(f"model uncertainty needs at least 2 probabilities, got {models}.")
    return jnp.clip(jnp.sum(entr(probabilities.astype(float))) / jnp.log(models), 0.0, 1.0)


class WidthState(NamedTuple):
    """Trailing interval widths, absolute and relative to their median at the time."""

    widths: SortedWindow
    relative_widths: SortedWindow


class ForecastUncertainty(eqx.Module):
    r"""Rank of the relative interval width in its own trailing distribution.

    Relative width is the width over its trailing median; where the target is a price, over |level| instead.
    """

    window_bars: int = eqx.field(static=True, default=500)

    def __check_init__(self):
        if self.window_bars < 2:
            raise ValueError(f"window_bars must be at least 2, was {self.window_bars}.")

    def init(self) -> WidthState:
        """Start with no widths."""
        return WidthState(sorted_window(self.window_bars), sorted_window(self.window_bars))

    def step(
        self, state: WidthState, width: Number, *, level: Number | None = None
    ) -> tuple[WidthState, Float[Array, ""]]:
        """Rank `width` among the widths before it, then remember it.

        Args:
            state: from `init` or `step`.
            width: upper - lower >= 0; an infinite one ranks 1 and is not remembered; NaN raises.
            level: the price forecast, only where the target is a price.

        Returns:
            The new state and U in [0, 1]: one half while nothing is known.
        """
        width = jnp.asarray(width, float)
        width = jnp.asarray(eqx.error_if(width, ~(width >= 0.0), "an interval width is NaN or negative."))
        typical = state.widths.quantile(0.5, empty=1.0) if level is None else jnp.abs(jnp.asarray(level, float))
        relative = width / jnp.maximum(typical, jnp.finfo(float).tiny)
        # Where the trailing median is 0, as after a flat market, any width at all is the widest so far.
        relative = jnp.minimum(jnp.where(width == 0.0, 0.0, relative), jnp.finfo(float).max)
        finite = jnp.isfinite(width)
        value = jnp.where(finite, state.relative_widths.rank_share(relative), 1.0)
        # Only the median's own past may rank it: the first width has no median to be relative to.
        ranked = finite if level is not None else finite & (state.widths.count > 0)
        return WidthState(
            _push_if(finite, state.widths, width), _push_if(ranked, state.relative_widths, relative)
        ), value


def _push_if(wanted, window: SortedWindow, value: Float[Array, ""]) -> SortedWindow:
    pushed = push(window, jnp.where(wanted, value, 0.0))
    return jax.tree.map(lambda new, old: jnp.where(wanted, new, old), pushed, window)
