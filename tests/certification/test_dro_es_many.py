"""Two hundred instances against Clarabel through cvxpy, a quarter of them degenerate by construction."""

import warnings

import cvxpy as cp
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.certification import dro_es
from aurora_jax.core import Outcome

SHAPES = {"more scenarios than assets": (96, 8), "fewer": (18, 24)}
COUNT = 50  # of each shape and metric: 200 in all
DEGENERATE = ("duplicates", "active bounds", "no radius", "one dominates", "idle assets", "impossible scenarios")


def instance(rng, n, d, place):
    """Return one instance in units of .01: heavy tails, a common factor, and at every other place a degeneracy."""
    x = 0.01 * (rng.standard_t(4, size=(n, d)) + rng.standard_t(4, size=(n, 1)) * rng.uniform(0.0, 1.2, size=d))
    kind = DEGENERATE[place // 2 % len(DEGENERATE)] if place % 2 else "plain"
    lower, upper = np.full(d, -0.2), np.full(d, 0.5)
    probabilities = rng.uniform(0.2, 1.0, size=n) if place % 3 == 0 else np.ones(n)
    radius = 10.0 ** rng.uniform(-5, -1.5)
    if kind == "duplicates":
        x = np.repeat(x[: n // 6], 6, axis=0)
    elif kind == "active bounds":
        lower, upper = np.full(d, 0.9 / d), np.full(d, 1.3 / d)
        lower[0] = upper[0] = 1.1 / d  # one is pinned
    elif kind == "no radius":
        radius, lower = 0.0, np.zeros(d)
    elif kind == "one dominates":
        x[:, 0] = 0.02 + 0.01 * x[:, 0]
    elif kind == "idle assets":
        x[:, : d // 2] = 0.0
    elif kind == "impossible scenarios":
        probabilities[rng.uniform(size=n) < 0.4] = 0.0
    return {
        "scenarios": x,
        "tail_probability": rng.choice([0.15, 0.2, 0.35]),
        "radius": radius,
        "lower": lower,
        "upper": upper,
        "probabilities": probabilities,
        "expected_return": 1e-3 * rng.normal(size=d) * (place % 5 == 0),
        "previous": lower + (1.0 - lower.sum()) / (upper - lower).sum() * (upper - lower),
        "turnover_cost": float(rng.choice([0.0, 0.0, 1e-4, 3e-3])),
    }


def by_cvxpy(one, metric):
    x, pi = one["scenarios"], one["probabilities"] / one["probabilities"].sum()
    n, d = x.shape
    p = one["tail_probability"]
    w, t, excess = cp.Variable(d), cp.Variable(), cp.Variable(n, nonneg=True)
    objective = (
        t
        + (pi / p) @ excess
        + one["radius"] / p * cp.norm(w, {"l2": 2, "l1": "inf"}[metric])
        - one["expected_return"] @ w
        + one["turnover_cost"] * cp.norm1(w - one["previous"])
    )
    limits = [excess >= -x @ w - t, cp.sum(w) == 1, w >= one["lower"], w <= one["upper"]]
    problem = cp.Problem(cp.Minimize(100 * objective), limits)  # absolute tolerances: in units of .01
    for tolerance in (1e-10, 1e-9):  # the first is beyond Clarabel on a few
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            problem.solve(solver="CLARABEL", tol_gap_abs=tolerance, tol_gap_rel=tolerance, tol_feas=tolerance)
        if problem.status == "optimal":
            return problem.value / 100
    raise AssertionError(f"the oracle failed: {problem.status}")


def objective_of(one, found, place):
    weights = np.asarray(found.weights[place])
    turnover = one["turnover_cost"] * np.abs(weights - one["previous"]).sum()
    return float(found.worst_case_es[place]) - one["expected_return"] @ weights + turnover


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["l2", "l1"])
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_clarabel_through_cvxpy(shape, metric):
    rng = np.random.default_rng([*SHAPES[shape], len(metric)])
    made = [instance(rng, *SHAPES[shape], place) for place in range(COUNT)]
    stacked = {name: jnp.asarray(np.array([one[name] for one in made])) for name in made[0]}
    scenarios = stacked.pop("scenarios")
    found = jax.jit(jax.vmap(lambda x, asked: dro_es(x, metric=metric, **asked)))(scenarios, stacked)
    assert [Outcome(int(code)) for code in found.outcome] == [Outcome.OK] * COUNT
    for place, one in enumerate(made):
        expected, value = by_cvxpy(one, metric), objective_of(one, found, place)
        scale = max(abs(expected), 0.01)  # tighter than the 1 that is promised: losses are per cent
        assert value == pytest.approx(expected, abs=1e-7 * scale), f"instance {place}"
        assert -1e-10 * scale <= float(found.duality_gap[place]) <= 1e-8 * scale, f"instance {place}"
    weights = np.asarray(found.weights)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-12)
    assert np.all(weights >= np.asarray(stacked["lower"]) - 1e-12)
    assert np.all(weights <= np.asarray(stacked["upper"]) + 1e-12)
