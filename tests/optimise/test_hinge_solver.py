"""The hinge solver against Clarabel, and Clarabel's wrapper against cvxpy."""

import cvxpy as cp
import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.optimise import EuclideanNorm, HingeProgram, MaximumNorm, clarabel_reference, minimise_hinges

ROWS, D = 150, 6
_minimise = eqx.filter_jit(minimise_hinges)


def make(seed, norm, norm_cost=0.2, **changed):
    rng = np.random.default_rng(seed)
    fields = {
        "columns": np.vstack([rng.standard_t(4, size=(D, ROWS)), np.ones(ROWS)]),
        "offset": np.zeros(ROWS),
        "cost": np.full(ROWS, 1 / (0.1 * ROWS)),
        "linear": 0.05 * rng.normal(size=D),
        "lower": np.full(D, -0.2),
        "upper": np.full(D, 0.5),
        "norm_cost": np.asarray(norm_cost, float),
        "threshold_cost": np.asarray(1.0),
    }
    return HingeProgram(norm=norm, **{name: jnp.asarray(value) for name, value in (fields | changed).items()})


def hard_instances():
    """Degenerate in every way that the solver's relaxation and refinement are for."""
    rng = np.random.default_rng(99)
    few = rng.standard_t(4, size=(D, 15))
    one_wins = rng.standard_t(4, size=(D, ROWS))
    one_wins[0] = 2.0 + 0.01 * one_wins[0]
    weighted = rng.uniform(size=ROWS) * (rng.uniform(size=ROWS) < 0.5)
    threshold = np.ones((1, ROWS))
    turnover = np.ones(ROWS)
    turnover[:D] = 0.0
    moved = np.vstack([rng.standard_t(4, size=(D, ROWS)), turnover])
    moved[:D, :D] = np.eye(D)
    costs = np.where(turnover == 0, 0.3, 1 / (0.1 * (ROWS - D)))
    return {
        "no norm": {"norm_cost": 0.0},
        "large norm": {"norm_cost": 50.0},
        "duplicates": {"columns": np.vstack([np.tile(few, ROWS // 15), threshold])},
        "one dominates": {"columns": np.vstack([one_wins, threshold]), "lower": np.zeros(D), "upper": np.ones(D)},
        "constant rows": {"columns": np.vstack([np.full((D, ROWS), 0.5), threshold]), "linear": np.zeros(D)},
        "tight bounds": {"lower": np.full(D, 0.15), "upper": np.full(D, 0.18)},
        "pinned weight": {"lower": np.array([0.3] + [-0.2] * 5), "upper": np.array([0.3] + [0.5] * 5)},
        "all pinned": {"lower": np.full(D, 1 / D), "upper": np.full(D, 1 / D)},
        "unlikely rows": {"cost": weighted / weighted.sum() / 0.1},
        "turnover": {"columns": moved, "offset": np.where(turnover == 0, 0.1, 0.0), "cost": costs},
    }


@pytest.mark.parametrize("norm", [EuclideanNorm(), MaximumNorm()], ids=["l2", "linf"])
@pytest.mark.parametrize("name", [*hard_instances(), *range(5)])
def test_equals_clarabel(name, norm):
    instance = hard_instances()[name] if isinstance(name, str) else {"norm_cost": 10.0 ** (name - 3)}
    program = make(7 if isinstance(name, str) else name, norm, **instance)
    found, reference = _minimise(program), clarabel_reference(program)
    assert reference.solved
    assert float(found.value) == pytest.approx(reference.value, abs=1e-8 * max(1.0, abs(reference.value)))
    # the certificate: feasible, below by no more than the gap, and the reference lies between
    assert float(jnp.sum(found.weights)) == pytest.approx(1.0, abs=1e-12)
    assert bool(jnp.all((found.weights >= program.lower - 1e-12) & (found.weights <= program.upper + 1e-12)))
    assert float(found.value - found.lower_bound) <= 1e-8 * max(1.0, abs(reference.value))
    assert float(found.lower_bound) <= reference.value + 1e-8
    assert float(program.value(found.weights, found.threshold)) == pytest.approx(float(found.value), rel=1e-14)
    assert int(found.iterations) < 35


@pytest.mark.parametrize(("norm", "order"), [(EuclideanNorm(), 2), (MaximumNorm(), "inf")], ids=["l2", "linf"])
def test_clarabels_wrapper_equals_cvxpy(norm, order):
    program = make(11, norm)
    weights, threshold = cp.Variable(D), cp.Variable()
    residual = np.asarray(program.offset) - np.asarray(program.columns).T @ cp.hstack([weights, threshold])
    cost = program.linear @ weights + threshold + np.asarray(program.cost) @ cp.pos(residual)
    problem = cp.Problem(
        cp.Minimize(cost + float(program.norm_cost) * cp.norm(weights, order)),
        [cp.sum(weights) == 1, weights >= -0.2, weights <= 0.5],
    )
    problem.solve(solver="CLARABEL")
    reference = clarabel_reference(program)
    assert reference.value == pytest.approx(problem.value, abs=1e-7)
    np.testing.assert_allclose(reference.weights, weights.value, atol=1e-4)
    assert float(program.value(jnp.asarray(reference.weights), jnp.asarray(reference.threshold))) == pytest.approx(
        reference.value, abs=1e-8
    )


def test_clarabels_wrapper_says_when_it_failed():
    assert not clarabel_reference(make(0, EuclideanNorm(), upper=np.full(D, 0.1))).solved


def test_warm_start_finds_the_same_from_anywhere():
    program = make(3, EuclideanNorm())
    cold = _minimise(program)
    for start in (cold.weights, jnp.full(D, 9.0), jnp.full(D, jnp.nan)):
        warm = _minimise(program, warm_start=start)
        np.testing.assert_allclose(warm.weights, cold.weights, atol=1e-6)
        assert float(warm.value) == pytest.approx(float(cold.value), abs=1e-9)


def test_two_scenarios_by_hand():
    """Losses -w_1 and -w_2, each half of the tail: -(w_1 + w_2) / 2, least at 1/2 each, plus .4 times sqrt(1/2)."""
    columns = np.zeros((D + 1, ROWS))
    columns[0, ::2] = columns[1, 1::2] = columns[-1] = 1.0
    found = _minimise(
        make(
            0,
            EuclideanNorm(),
            0.4,
            columns=columns,
            cost=np.full(ROWS, 1 / ROWS),  # the tail is everything
            linear=np.zeros(D),
            lower=np.zeros(D),
            upper=np.ones(D),
        )
    )
    np.testing.assert_allclose(found.weights, [0.5, 0.5, 0, 0, 0, 0], atol=1e-5)
    assert float(found.value) == pytest.approx(-0.5 + 0.4 * np.sqrt(0.5), abs=1e-9)
