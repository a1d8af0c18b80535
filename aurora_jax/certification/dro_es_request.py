"""What is asked of `dro_es`, as arrays: why it may be refused, and the hinge program that it is in unit scale."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from aurora_jax.core import Number, Outcome, require_x64
from aurora_jax.optimise import AbstractNorm, EuclideanNorm, HingeProgram, MaximumNorm, budget_box

DUAL_NORM: dict[str, AbstractNorm] = {"l2": EuclideanNorm(), "l1": MaximumNorm()}
"""The dual of each ground metric. Never l-infinity: with long-only weights its penalty is a constant."""


class Request(NamedTuple):
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


def request_of(
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
) -> tuple[Request, bool]:
    """Return the arguments of `dro_es` as a request, and whether turnover is charged.

    Raises:
        ValueError: as `dro_es` says.
    """
    require_x64("dro_es")
    if metric not in DUAL_NORM:
        raise ValueError(f'metric must be "l2" or "l1", was "{metric}".')
    charged = not (isinstance(turnover_cost, float | int) and turnover_cost == 0)
    if charged and previous is None:
        raise ValueError(f"turnover_cost {turnover_cost} needs the previous weights.")
    _refuse_known("tail_probability must lie in (0, 1)", tail_probability, lambda p: 0.0 < p < 1.0)
    _refuse_known("radius must be >= 0", radius, lambda value: value >= 0.0)
    _refuse_known("turnover_cost must be >= 0", turnover_cost, lambda value: value >= 0.0)

    n, d = scenarios.shape
    request = Request(
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
    return request, charged


def _vector(value, size: int) -> Float[Array, " size"]:
    return jnp.broadcast_to(jnp.asarray(value, jnp.float64), (size,))


def _refuse_known(rule: str, value: Number, holds) -> None:
    """Raise where a Python number breaks a rule; a NaN is data's fault, and becomes an outcome."""
    if isinstance(value, float | int) and value == value and not holds(value):
        raise ValueError(f"{rule}, was {value}.")


def program_of(request: Request, metric: str, charged: bool) -> HingeProgram:
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
        norm=DUAL_NORM[metric],
        norm_cost=request.radius / request.tail_probability,
    )


def refusal_of(request: Request, charged: bool) -> Int[Array, ""]:
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


def in_unit_scale(request: Request) -> tuple[Float[Array, ""], Request]:
    """Return the unit of loss, and the request measured in it, with numbers that are not finite replaced by 0."""
    clean = _cleaned(request)
    mean = clean.probabilities @ clean.scenarios
    spread = jnp.sqrt(jnp.sum(clean.probabilities @ (clean.scenarios - mean[None]) ** 2) / mean.size)
    penalty = clean.radius / clean.tail_probability / jnp.sqrt(mean.size)
    unit = spread + jnp.max(jnp.abs(mean)) + penalty + jnp.max(jnp.abs(clean.expected_return))
    unit = jnp.where((unit > 0.0) & jnp.isfinite(unit), unit, 1.0)
    return unit, _divided(clean, unit)


def measured_in(unit: Float[Array, ""], request: Request) -> Request:
    """Return the request measured in `unit`, as `in_unit_scale` does in one of its own choice."""
    return _divided(_cleaned(request), unit)


def _cleaned(request: Request) -> Request:
    clean = jax.tree.map(lambda leaf: jnp.where(jnp.isfinite(leaf), leaf, 0.0), request)
    pi = clean.probabilities / jnp.maximum(jnp.sum(clean.probabilities), jnp.finfo(float).tiny)
    return clean._replace(probabilities=pi, previous=request.previous, warm_start=request.warm_start)


def _divided(clean: Request, unit: Float[Array, ""]) -> Request:
    return clean._replace(
        scenarios=clean.scenarios / unit,
        radius=clean.radius / unit,
        expected_return=clean.expected_return / unit,
        turnover_cost=clean.turnover_cost / unit,
    )
