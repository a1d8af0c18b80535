"""Portfolio weights of least worst-case expected shortfall over a Wasserstein ball, with their own certificate."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from aurora_jax.core import Allocation, Number, Outcome, require_x64
from aurora_jax.optimise import AbstractNorm, EuclideanNorm, HingeProgram, MaximumNorm, budget_box, minimise_hinges

_DUAL_NORM: dict[str, AbstractNorm] = {"l2": EuclideanNorm(), "l1": MaximumNorm()}
"""The dual of each ground metric. Never l-infinity: with long-only weights its penalty is a constant."""

_RELATIVE_GAP_MAX = 1e-8


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
    require_x64("dro_es")
    if metric not in _DUAL_NORM:
        raise ValueError(f'metric must be "l2" or "l1", was "{metric}".')
    charged = not (isinstance(turnover_cost, float | int) and turnover_cost == 0)
    if charged and previous is None:
        raise ValueError(f"turnover_cost {turnover_cost} needs the previous weights.")
    _refuse_known("tail_probability must lie in (0, 1)", tail_probability, lambda p: 0.0 < p < 1.0)
    _refuse_known("radius must be >= 0", radius, lambda value: value >= 0.0)
    _refuse_known("turnover_cost must be >= 0", turnover_cost, lambda value: value >= 0.0)

    n, d = scenarios.shape
    request = _Request(
        scenarios=scenarios.astype(jnp.float64),
        probabilities=_vector(1.0 / n, n) if probabilities is None else probabilities.astype(jnp.float64),
        tail_probability=jnp.asarray(tail_probability, jnp.float64),
        radius=jnp.asarray(radius, jnp.float64),
        lower=_vector(lower, d),
        upper=_vector(upper, d),
        expected_return=_vector(0.0 if expected_return is None else expected_return, d),
        previous=_vector(1.0 / d if previous is None else previous, d),
        turnover_cost=jnp.asarray(turnover_cost, jnp.float64),
        warm_start=None if warm_start is None else _vector(warm_start, d),
    )
    return _allocate(request, metric, charged)


def _vector(value, size: int) -> Float[Array, " size"]:
    return jnp.broadcast_to(jnp.asarray(value, jnp.float64), (size,))


def _refuse_known(rule: str, value: Number, holds) -> None:
    """Raise where a Python number breaks a rule; a NaN is data's fault, and becomes an outcome."""
    if isinstance(value, float | int) and value == value and not holds(value):
        raise ValueError(f"{rule}, was {value}.")


class _Request(NamedTuple):
    """The arguments of `dro_es` as float64 arrays."""

    scenarios: Float[Array, "n d"]
    probabilities: Float[Array, " n"]
    tail_probability: Float[Array, ""]
    radius: Float[Array, ""]
    lower: Float[Array, " d"]
    upper: Float[Array, " d"]
    expected_return: Float[Array, " d"]
    previous: Float[Array, " d"]
    turnover_cost: Float[Array, ""]
    warm_start: Float[Array, " d"] | None


def _program(request: _Request, metric: str, charged: bool) -> HingeProgram:
    """Lay the request out as hinges: one row a scenario, and one an asset if turnover is charged.

    As weights and previous weights both sum to 1, k |w - w_0| = 2 k (w_0 - w)_+ + k (w - w_0), of which the last
    term sums to a constant.
    """
    n, d = request.scenarios.shape
    columns = jnp.concatenate([request.scenarios.T, jnp.ones((1, n))])
    offset, cost = jnp.zeros(n), request.probabilities / request.tail_probability
    if charged:
        columns = jnp.concatenate([columns, jnp.eye(d + 1, d)], axis=1)
        offset = jnp.concatenate([offset, request.previous])
        cost = jnp.concatenate([cost, jnp.full(d, 2.0 * request.turnover_cost)])
    return HingeProgram(
        columns=columns,
        offset=offset,
        cost=cost,
        linear=-request.expected_return,
        threshold_cost=jnp.ones(()),
        lower=request.lower,
        upper=request.upper,
        norm=_DUAL_NORM[metric],
        norm_cost=request.radius / request.tail_probability,
    )


@functools.partial(jax.jit, static_argnames=("metric", "charged"))
def _allocate(request: _Request, metric: str, charged: bool) -> Allocation:
    refusal = _refusal(request, charged)
    scale, request = _in_unit_scale(request)
    program = _program(request, metric, charged)
    found = minimise_hinges(program, warm_start=request.warm_start)

    close = found.value - found.lower_bound <= _RELATIVE_GAP_MAX * jnp.maximum(jnp.abs(found.value), 1.0)
    outcome = jnp.where((refusal == Outcome.OK) & ~close, int(Outcome.NOT_CONVERGED), refusal)
    equal = jnp.full_like(found.weights, 1.0 / found.weights.size)
    fallback = jnp.where(jnp.all(jnp.isfinite(request.previous)), request.previous, equal)
    weights = jnp.where(outcome == Outcome.OK, found.weights, fallback)

    losses = -request.scenarios @ weights
    var, es = _shortfall(losses, request.probabilities, request.tail_probability)
    worst = es + program.norm_cost * program.norm.value(weights)
    gap = program.value(weights, var) - found.lower_bound
    # A gap to a program that was not solved is no certificate; a risk of numbers that are not there is unknown.
    attempted = (outcome == Outcome.OK) | (outcome == Outcome.NOT_CONVERGED)
    unknown = (outcome == Outcome.NON_FINITE) | (outcome == Outcome.REFUSED)
    var, es, worst = (jnp.where(unknown, jnp.inf, scale * value) for value in (var, es, worst))
    return Allocation(weights, var, es, worst, jnp.where(attempted, scale * gap, jnp.inf), outcome)


def _refusal(request: _Request, charged: bool) -> Int[Array, ""]:
    """Return why the request cannot be met, or OK; the gravest reason wins."""
    p, pi = request.tail_probability, request.probabilities
    effective = jnp.sum(pi) ** 2 / jnp.maximum(jnp.sum(pi**2), jnp.finfo(float).tiny)
    needed = request._replace(warm_start=None)
    needed = needed if charged else needed._replace(previous=None)
    finite = functools.reduce(jnp.logical_and, [jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(needed)])
    sensible = (p > 0.0) & (p < 1.0) & (request.radius >= 0.0) & (request.turnover_cost >= 0.0) & jnp.all(pi >= 0.0)
    reasons = [
        (~budget_box.is_feasible(request.lower, request.upper), Outcome.INFEASIBLE),
        (effective * p < 1.0 - 1e-9, Outcome.TOO_SHORT),
        (~sensible, Outcome.REFUSED),
        (~finite, Outcome.NON_FINITE),
    ]
    outcome = jnp.zeros((), int)
    for found, reason in reasons:
        outcome = jnp.where(found, int(reason), outcome)
    return outcome


def _in_unit_scale(request: _Request) -> tuple[Float[Array, ""], _Request]:
    """Return the unit of loss, and the request measured in it, with numbers that are not finite replaced by 0."""
    clean = jax.tree.map(lambda leaf: jnp.where(jnp.isfinite(leaf), leaf, 0.0), request)
    clean = clean._replace(previous=request.previous, warm_start=request.warm_start)
    pi = clean.probabilities / jnp.maximum(jnp.sum(clean.probabilities), jnp.finfo(float).tiny)
    mean = pi @ clean.scenarios
    spread = jnp.sqrt(jnp.sum(pi @ (clean.scenarios - mean[None]) ** 2) / mean.size)
    penalty = clean.radius / clean.tail_probability / jnp.sqrt(mean.size)
    unit = spread + jnp.max(jnp.abs(mean)) + penalty + jnp.max(jnp.abs(clean.expected_return))
    unit = jnp.where((unit > 0.0) & jnp.isfinite(unit), unit, 1.0)
    return unit, clean._replace(
        scenarios=clean.scenarios / unit,
        probabilities=pi,
        radius=clean.radius / unit,
        expected_return=clean.expected_return / unit,
        turnover_cost=clean.turnover_cost / unit,
    )


def _shortfall(
    losses: Float[Array, " n"], probabilities: Float[Array, " n"], tail_probability: Float[Array, ""]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Return value at risk and expected shortfall of a discrete law, as losses.

    The value at risk is the greatest loss that is reached or exceeded with at least the tail probability.
    """
    order = jnp.argsort(-losses)
    reached = jnp.cumsum(probabilities[order])
    place = jnp.argmax(reached >= tail_probability * (1.0 - 1e-12))
    var = losses[order[place]]
    return var, var + probabilities @ jnp.maximum(losses - var, 0.0) / tail_probability
