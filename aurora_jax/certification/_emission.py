"""What the controllers with an unclipped integrator share: their settings' rules, the alpha emitted and its bounds."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from aurora_jax.core import Number

from ._cold_start import student_where_cold


def require_controller(
    *,
    miscoverage: Number,
    within: tuple[Number, Number],
    step_sizes: tuple[Number, Number],
    inflation_max: Number,
    coverage_ema_bars: Number,
) -> None:
    """Refuse settings under which a controller promises nothing.

    Args:
        miscoverage: alpha_0.
        within: least and greatest emitted alpha.
        step_sizes: outside transitions, and within.
        inflation_max: greatest width multiplier.
        coverage_ema_bars: averaging time.

    Raises:
        ValueError: naming the rule and the values found.
    """
    bounds = within[0], miscoverage, within[1]
    if not 0.0 < bounds[0] <= bounds[1] <= bounds[2] < 1.0:
        raise ValueError(f"0 < miscoverage_min <= miscoverage <= miscoverage_max < 1 fails: {bounds}.")
    if not (step_sizes[0] > 0.0 and step_sizes[1] > 0.0):
        raise ValueError(f"step sizes must be > 0, were {step_sizes[0]} and {step_sizes[1]}.")
    if not 1.0 <= inflation_max <= 1.25:
        raise ValueError(f"inflation_max must lie in [1, 1.25], was {inflation_max}.")
    if not coverage_ema_bars >= 1:
        raise ValueError(f"coverage_ema_bars must be at least 1, was {coverage_ema_bars}.")


def emitted_miscoverage(
    asked: Float[Array, ""], offset: Number, *, within: tuple[Number, Number]
) -> tuple[Float[Array, ""], Bool[Array, ""]]:
    """Return the alpha emitted, and whether its bounds hold it away from what the state and its offset ask for."""
    emitted = jnp.clip(asked + offset, *within)
    # The offset explains any emitted value between the state and the state moved by it, and no other.
    explained_low, explained_high = jnp.minimum(asked, asked + offset), jnp.maximum(asked, asked + offset)
    return emitted, (emitted < explained_low) | (emitted > explained_high)


def score_bounds(
    alphas: Float[Array, " n"],
    quantiles_at: Callable[[Float[Array, " n"]], Float[Array, " n"]],
    *,
    cold: Bool[Array, ""],
    degrees_of_freedom: Number,
) -> Float[Array, " n"]:
    """Return the score bound at each alpha: everything at or below 0, nothing at or above 1.

    Args:
        alphas: miscoverages, in any range.
        quantiles_at: bounds from the scores there are.
        cold: too few of them: the bounds are the forecast's own Student-t ones.
        degrees_of_freedom: of the forecast; inf is normal.
    """
    quantiles = student_where_cold(cold, alphas, jnp.asarray(degrees_of_freedom, float), quantiles_at(alphas))
    return jnp.where(alphas <= 0.0, jnp.inf, jnp.where(alphas >= 1.0, -jnp.inf, quantiles))


def is_traced(settings) -> bool:
    """Say whether settings are built under a transformation, so that their values cannot be compared."""
    return any(isinstance(value, jax.core.Tracer) for value in jax.tree.leaves(settings))
