"""Screening may guess wrong about rows, never about the answer."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.optimise import EuclideanNorm, HingeProgram, clarabel_reference, hinge_solver, minimise_hinges, screen

ROWS, D = 1024, 5


solve = eqx.filter_jit(minimise_hinges)


def make(seed=0):
    rng = np.random.default_rng(seed)
    returns = rng.standard_t(4, size=(D, ROWS)) * rng.uniform(0.5, 1.5, size=(D, 1))
    fields = {
        "columns": np.vstack([returns, np.ones(ROWS)]),
        "offset": np.zeros(ROWS),
        "cost": rng.dirichlet(np.full(ROWS, 5.0)) / 0.05,
        "linear": np.zeros(D),
        "threshold_cost": np.asarray(1.0),
        "lower": np.full(D, -0.2),
        "upper": np.full(D, 0.5),
        "norm_cost": np.asarray(0.1),
    }
    return HingeProgram(norm=EuclideanNorm(), **{name: jnp.asarray(value) for name, value in fields.items()})


@pytest.mark.slow
@pytest.mark.parametrize("tolerance", [hinge_solver._TOLERANCE_BEFORE_SCREENING, 1e3], ids=["as set", "far too early"])
def test_screened_answer_is_that_of_the_full_program(monkeypatch, tolerance):
    monkeypatch.setattr(hinge_solver, "_TOLERANCE_BEFORE_SCREENING", tolerance)
    monkeypatch.setattr(hinge_solver, "_rows_kept", lambda program: 128 if tolerance > 1 else 256)
    program = make()
    found = eqx.filter_jit(lambda given: minimise_hinges(given))(program)  # compiled anew: the settings differ
    reference = clarabel_reference(program)
    assert reference.solved
    assert float(found.value) == pytest.approx(reference.value, abs=1e-8)
    assert 0.0 <= float(found.value - found.lower_bound) + 1e-12 <= 2e-9
    # screened before the first step, the guess is wrong and a second attempt on all rows has to mend it
    assert (int(found.iterations) > 22) is (tolerance > 1)


def tied(kind):
    """Laws whose scenarios repeat, so that more of them share the kink than screening keeps."""
    rng = np.random.default_rng(2)
    returns = 0.01 * rng.standard_t(3, size=(D, ROWS))
    if kind == "rare crash":
        returns = np.where(rng.random((D, ROWS)) < 0.002, -0.4, 0.002)
    elif kind == "mostly still":
        returns[:, :900] = 0.0
    else:
        returns = np.repeat(returns[:, :8], ROWS // 8, axis=1)
    return returns / 0.01


@pytest.mark.parametrize("kind", ["rare crash", "mostly still", "copies"])
def test_tied_scenarios_are_solved_on_all_rows(kind):
    program = eqx.tree_at(lambda p: p.columns, make(), jnp.asarray(np.vstack([tied(kind), np.ones(ROWS)])))
    found = solve(program)
    assert float(found.value) == pytest.approx(clarabel_reference(program).value, abs=1e-7)
    assert float(found.value - found.lower_bound) <= hinge_solver._ACCEPTED_GAP * max(abs(float(found.value)), 1.0)


def test_screened_program_agrees_with_the_full_one_near_the_iterate():
    """Folding the settled rows into linear costs changes the objective by a constant only."""
    program = make()
    weights, threshold = jnp.full(D, 0.2), jnp.asarray(1.5)
    x, dual = program.start(weights, threshold, jnp.asarray(0.05))
    small = screen(program, x, dual, rows_kept=256)
    assert small.program.offset.shape == (256,)
    differences = []
    for shift in (0.0, 1e-3, -2e-3):
        near = weights.at[0].add(shift).at[1].add(-shift), threshold + shift
        differences.append(float(program.value(*near) - small.program.value(*near)))
    np.testing.assert_allclose(differences, differences[0], atol=1e-12)
    row_dual, _ = small.multipliers(small.dual)
    np.testing.assert_array_equal(row_dual[small.kept], program.multipliers(dual)[0][small.kept])
    settled = np.delete(np.asarray(row_dual), np.asarray(small.kept))
    cost = np.delete(np.asarray(program.cost), np.asarray(small.kept))
    assert np.all((settled == 0.0) | (settled == cost))
    assert 0 < np.sum(settled > 0.0) < 60


@pytest.mark.parametrize(("rows", "d", "kept"), [(1023, 5, 1023), (1024, 5, 256), (2048, 100, 512), (1024, 200, 1024)])
def test_only_programs_with_many_rows_are_screened(rows, d, kept):
    program = eqx.tree_at(lambda p: (p.offset, p.linear), make(), (jnp.zeros(rows), jnp.zeros(d)))
    assert hinge_solver._rows_kept(program) == kept
