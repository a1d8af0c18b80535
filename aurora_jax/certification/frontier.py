"""What robustness costs: the least worst-case shortfall at every radius, by one vectorised solve."""

import jax
from jaxtyping import Array, Float

from aurora_jax.core import Allocation, Number

from .dro_es import dro_es


def worst_case_frontier(
    scenarios: Float[Array, "n d"],
    radii: Float[Array, " radii"],
    *,
    tail_probability: Number,
    lower: Number | Float[Array, " d"],
    upper: Number | Float[Array, " d"],
    metric: str = "l2",
    probabilities: Float[Array, " n"] | None = None,
    expected_return: Float[Array, " d"] | None = None,
    previous: Float[Array, " d"] | None = None,
    turnover_cost: Number = 0.0,
    warm_start: Float[Array, "radii d"] | None = None,
) -> Allocation:
    r"""Return the allocation of `dro_es` at each radius.

    $$v(\varepsilon) = \min_w\ \mathrm{ES}_p(-w^T X) + \tfrac{\varepsilon}{p} \|w\|_*$$

    is a minimum of functions linear in the radius, hence concave, and increasing; its slope is $\|w\|_* / p$. The
    shortfall on the scenarios themselves rises with the radius, from the plain CVaR portfolio's to equal weight's.

    Args:
        scenarios: returns X, one scenario a row.
        radii: epsilon >= 0, in units of return, in any order.
        tail_probability: as in `dro_es`, like all that follow.
        lower: bound(s).
        upper: bound(s).
        metric: ground metric.
        probabilities: of the scenarios.
        expected_return: of the assets.
        previous: weights held.
        turnover_cost: per unit of weight.
        warm_start: weights to start from at each radius, e.g. an earlier frontier's.

    Returns:
        An `Allocation` whose arrays have a leading axis over the radii; each has an outcome of its own.

    Raises:
        ValueError: as `dro_es` does.

    References:
        Mohajerin Esfahani and Kuhn (2018), Math. Program. 171, section 7.1.
    """

    def at(radius: Float[Array, ""], start: Float[Array, " d"] | None) -> Allocation:
        return dro_es(
            scenarios,
            tail_probability=tail_probability,
            radius=radius,
            lower=lower,
            upper=upper,
            metric=metric,
            probabilities=probabilities,
            expected_return=expected_return,
            previous=previous,
            turnover_cost=turnover_cost,
            warm_start=start,
        )

    return jax.vmap(at, in_axes=(0, None if warm_start is None else 0))(radii, warm_start)
