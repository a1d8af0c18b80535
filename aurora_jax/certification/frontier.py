"""What robustness costs: the least worst-case shortfall at every radius, by one vectorised solve."""

from typing import Any

import jax
from jaxtyping import Array, Float

from aurora_jax.core import Allocation

from .dro_es import dro_es


def worst_case_frontier(
    scenarios: Float[Array, "n d"],
    radii: Float[Array, " radii"],
    *,
    warm_start: Float[Array, "radii d"] | None = None,
    **asked: Any,
) -> Allocation:
    r"""Return the allocation of `dro_es` at each radius.

    $$v(\varepsilon) = \min_w\ \mathrm{ES}_p(-w^T X) + \tfrac{\varepsilon}{p} \|w\|_*$$

    is a minimum of functions linear in the radius, hence concave, and increasing; its slope is $\|w\|_* / p$. The
    shortfall on the scenarios themselves rises with the radius, from the plain CVaR portfolio's to equal weight's.

    Args:
        scenarios: returns X, one scenario a row.
        radii: epsilon >= 0, in units of return, in any order.
        warm_start: weights to start from at each radius, e.g. an earlier frontier's.
        asked: the other arguments of `dro_es`.

    Returns:
        An `Allocation` whose arrays have a leading axis over the radii; each has an outcome of its own.

    Raises:
        ValueError: as `dro_es` does.

    References:
        Mohajerin Esfahani and Kuhn (2018), Math. Program. 171, section 7.1.
    """

    def at(radius: Float[Array, ""], start: Float[Array, " d"] | None) -> Allocation:
        return dro_es(scenarios, radius=radius, warm_start=start, **asked)

    return jax.vmap(at, in_axes=(0, None if warm_start is None else 0))(radii, warm_start)
