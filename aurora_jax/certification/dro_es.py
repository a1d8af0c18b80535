"""Portfolio weights of least worst-case expected shortfall over a Wasserstein ball, with their own certificate."""

import functools

import jax
from jaxtyping import Array, Float

from aurora_jax.core import Allocation, Number
from aurora_jax.optimise import minimise_hinges

from .dro_es_certificate import certified
from .dro_es_gradient import allocation_motion
from .dro_es_request import Request, in_unit_scale, program_of, refusal_of, request_of


def dro_es(
    scenarios: Float[Array, "n d"],
    *,
    tail_probability: Number,
    radius: Number,
    lower: Number | Float[Array, " d"],
    upper: Number | Float[Array, " d"],
    metric: str = "l2",
    probabilities: Float[Array, " n"] | None = None,
    expected_return: Float[Array, " d"] | None = None,
    previous: Float[Array, " d"] | None = None,
    turnover_cost: Number = 0.0,
    warm_start: Float[Array, " d"] | None = None,
) -> Allocation:
    r"""Return the weights whose expected shortfall is least at the worst law within `radius` of the scenarios.

    $$\min_{w}\ \sup_{W_1(Q, P) \le \varepsilon} \mathrm{ES}_p^Q(-w^T X) - m^T w + k \|w - w_0\|_1
      = \min_{w, t}\ t + \frac{1}{p} \sum_i \pi_i (-w^T X_i - t)_+ + \frac{\varepsilon}{p} \|w\|_* - m^T w
        + k \|w - w_0\|_1, \qquad 1^T w = 1,\ l \le w \le u$$

    with $\|\cdot\|_*$ the dual of the ground metric. The factor 1/p is the Lipschitz constant of the shortfall.
    Solved by a structured interior-point method; never raises on data, so it may run inside the engine's step.
    Differentiable in every array: see `allocation_motion` for what a derivative means where there are several.

    Args:
        scenarios: returns X, one scenario a row.
        tail_probability: p in (0, 1).
        radius: epsilon >= 0, in units of return; 0 is the plain expected shortfall.
        lower: bound(s) l on the weights.
        upper: bound(s) u.
        metric: ground metric of the Wasserstein distance, "l2" or "l1".
        probabilities: pi >= 0 of the scenarios, normalised here; uniform if None.
        expected_return: m, already multiplied by what a unit of it is worth against shortfall; none if None.
        previous: w_0, also the weights returned where no others can be had; equal weight if None.
        turnover_cost: k >= 0 per unit of weight bought or sold; needs `previous`.
        warm_start: weights to start from, e.g. the last solution on similar scenarios.

    Returns:
        An `Allocation`; `duality_gap` is that of the whole objective on all scenarios, from an explicit feasible
        dual point, hence a certificate. Outcomes: NON_FINITE where an input is, REFUSED for a negative radius, cost
        or probability or p outside (0, 1), TOO_SHORT where the effective number of scenarios times p is below 1,
        INFEASIBLE where no weights meet the bounds, NOT_CONVERGED where the gap exceeds 1e-8 of the objective. In
        all these the weights are the previous ones, and numbers that cannot be computed are +inf, never NaN.

    Raises:
        ValueError: for an unknown metric, or a turnover cost without previous weights; for numbers known at trace
            time, also where they would be REFUSED.

    References:
        Mohajerin Esfahani and Kuhn (2018), Math. Program. 171, eq. 27 and cor. 5.1; Rockafellar and Uryasev (2000).
    """
    request, charged = request_of(
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
        warm_start=warm_start,
    )
    return _allocate(request, metric, charged)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _allocate(request: Request, metric: str, charged: bool) -> Allocation:
    return _solve(request, metric, charged)


@_allocate.defjvp
def _allocate_and_move(metric: str, charged: bool, primals: tuple[Request], tangents: tuple[Request]):
    """Differentiate at the solution, not through the iterations that found it."""
    found = _solve(*primals, metric, charged)
    return found, allocation_motion(*primals, *tangents, found, metric=metric, charged=charged)


@functools.partial(jax.jit, static_argnames=("metric", "charged"))
def _solve(request: Request, metric: str, charged: bool) -> Allocation:
    refusal = refusal_of(request, charged)
    scale, request = in_unit_scale(request)
    program = program_of(request, metric, charged)
    found = minimise_hinges(program, warm_start=request.warm_start)
    return certified(request, program, found, refusal, unit=scale)
