"""The rules of a walk-forward: worst-case shortfall over radii, least variance, equal weight."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..certification import dro_es_with_fallback, worst_case_frontier
from ..core import Allocation, Number, Outcome
from .minimum_variance import ledoit_wolf, minimum_variance

EQUAL_WEIGHT, MINIMUM_VARIANCE = "equal weight", "least variance"


class Bounds(NamedTuple):
    """Bounds on every weight."""

    lower: float
    upper: float


class Targets(NamedTuple):
    """What the rules want at one date.

    Attributes:
        weights: by rule; the robust ones first, in the order of the radii.
        outcomes: of the robust rules, after the fallback.
        repaired: how many of them only the fallback solved.
        largest_gap: duality gap of the robust rules, in units of return.
    """

    weights: Float[np.ndarray, "rules assets"]
    outcomes: tuple[Outcome, ...]
    repaired: int
    largest_gap: float


def robust_name(multiple: float) -> str:
    """Return e.g. "DRO-ES 0.1"; at radius 0 it is the plain CVaR portfolio."""
    return "CVaR (radius 0)" if multiple == 0 else f"DRO-ES {multiple:g}"


def rule_names(multiples: tuple[float, ...]) -> list[str]:
    """Return the names of all rules, in the order of `Targets.weights`."""
    return [*(robust_name(multiple) for multiple in multiples), MINIMUM_VARIANCE, EQUAL_WEIGHT]


def allocation_targets(
    window: Float[np.ndarray, "bars assets"],
    multiples: tuple[float, ...],
    bounds: Bounds,
    previous: Float[np.ndarray, "radii assets"],
    *,
    tail_probability: float,
) -> Targets:
    r"""Return the weights of every rule, given the returns of a window that ends at the bar of the decision.

    Radii are relative to the loss they guard: $\varepsilon = m\, p\, \mathrm{ES}_p(\text{equal weight})$ on the window.

    Args:
        window: simple returns.
        multiples: m of each robust rule.
        bounds: of every rule but equal weight, which lies within any that allow it.
        previous: the robust rules' last weights, kept where no others can be had.
        tail_probability: p.
    """
    scenarios, asked = jnp.asarray(window), {"lower": bounds.lower, "upper": bounds.upper}
    radii, found = _frontier(scenarios, jnp.asarray(multiples), *_scalars(bounds, tail_probability))
    weights, gaps = np.array(found.weights), np.array(found.duality_gap)
    outcomes = [Outcome(int(code)) for code in found.outcome]
    repaired = 0
    for place, outcome in enumerate(outcomes):
        if outcome == Outcome.OK:
            continue
        one = dro_es_with_fallback(
            scenarios,
            tail_probability=tail_probability,
            radius=radii[place],
            previous=jnp.asarray(previous[place]),
            **asked,
        )
        weights[place], outcomes[place] = one.weights, Outcome(int(one.outcome))
        gaps[place], repaired = float(one.duality_gap), repaired + (outcomes[place] == Outcome.OK)
    assets = window.shape[1]
    others = [minimum_variance(ledoit_wolf(window), **asked), np.full(assets, 1.0 / assets)]
    return Targets(np.concatenate([weights, others]), tuple(outcomes), repaired, float(np.max(gaps)))


def window_frontier(
    window: Float[np.ndarray, "bars assets"],
    multiples: Float[np.ndarray, " radii"],
    bounds: Bounds,
    *,
    tail_probability: float,
) -> tuple[Float[np.ndarray, " radii"], Allocation]:
    """Return radii, as multiples of p ES(equal weight) on the window, and the allocation at each of them."""
    radii, found = _frontier(jnp.asarray(window), jnp.asarray(multiples), *_scalars(bounds, tail_probability))
    return np.asarray(radii), found


def _scalars(bounds: Bounds, tail_probability: float) -> list[Float[Array, ""]]:
    """Return as arrays what would compile anew for each value."""
    return [jnp.asarray(value, float) for value in (bounds.lower, bounds.upper, tail_probability)]


@jax.jit
def _frontier(
    scenarios: Float[Array, "bars assets"],
    multiples: Float[Array, " radii"],
    lower: Number,
    upper: Number,
    tail_probability: Number,
) -> tuple[Float[Array, " radii"], Allocation]:
    losses = jnp.sort(-jnp.mean(scenarios, axis=1))[::-1]
    share = jnp.clip(tail_probability * losses.size - jnp.arange(losses.size, dtype=losses.dtype), 0.0, 1.0)
    shortfall = share @ losses / jnp.sum(share)
    radii = multiples * tail_probability * jnp.maximum(shortfall, 0.0)
    found = worst_case_frontier(scenarios, radii, tail_probability=tail_probability, lower=lower, upper=upper)
    return radii, found
