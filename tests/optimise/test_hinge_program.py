"""The structure of the hinge program, part by part, against dense matrices."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from aurora_jax.optimise import Cone, EuclideanNorm, HingeProgram, MaximumNorm, Scaling, budget_box, second_order_cone

ROWS, D = 9, 3
NORMS = [EuclideanNorm(), MaximumNorm()]


def make(norm, seed=0, **changed):
    rng = np.random.default_rng(seed)
    on_threshold = np.ones(ROWS)
    on_threshold[-2:] = 0.0  # two rows that the threshold does not move, as turnover has
    fields = {
        "columns": np.vstack([rng.normal(size=(D, ROWS)), on_threshold]),
        "offset": 0.1 * rng.normal(size=ROWS),
        "cost": rng.uniform(0.2, 0.6, size=ROWS),
        "linear": 0.1 * rng.normal(size=D),
        "lower": np.full(D, -0.2),
        "upper": np.full(D, 0.9),
        "norm_cost": np.asarray(0.3),
        "threshold_cost": np.asarray(1.0),
    }
    return HingeProgram(norm=norm, **{name: jnp.asarray(value) for name, value in (fields | changed).items()})


def started(program):
    return program.start(budget_box.centre(program.lower, program.upper), jnp.asarray(0.4), jnp.asarray(0.7))


def dense(program, x):
    """Return -G, as the Jacobian of the slack in the flattened point, and the flattened cost."""
    flat, unravel = ravel_pytree(x)
    minus_g = jax.jacobian(lambda v: jnp.concatenate(program.slack(unravel(v))))(flat)
    cost = ravel_pytree(type(x)(jnp.append(program.linear, program.threshold_cost), program.norm_cost, program.cost))[0]
    return np.asarray(minus_g), np.asarray(cost), unravel


@pytest.mark.parametrize("norm", NORMS)
def test_direction_solves_the_dense_newton_system(norm):
    program = make(norm, threshold_cost=np.asarray(0.8))
    x, dual = started(program)
    slack = program.slack(x)
    rng = np.random.default_rng(1)
    shift = jax.tree.map(lambda leaf: jnp.asarray(rng.normal(size=leaf.shape)), dual)
    second = second_order_cone.nesterov_todd(slack.second_order, dual.second_order) if dual.second_order.size else None
    scaling = Scaling(dual.orthant / slack.orthant, second)
    dx, ds = jax.jit(lambda: program.direction(program.factor(scaling), shift, refined=True))()

    minus_g, cost, _ = dense(program, x)
    metric = np.diag(scaling.orthant)
    if second is not None:
        inverse = np.asarray(jax.vmap(lambda row: second_order_cone.unscale(second, row))(jnp.eye(D + 1)))
        metric = np.block(
            [[metric, np.zeros((metric.shape[0], D + 1))], [np.zeros((D + 1, metric.shape[0])), inverse @ inverse]]
        )
    budget = np.zeros((1, cost.size))
    budget[0, :D] = 1.0
    system = np.block([[minus_g.T @ metric @ minus_g, budget.T], [budget, np.zeros((1, 1))]])
    expected = np.linalg.solve(system, np.append(-cost + minus_g.T @ np.concatenate(shift), 0.0))[:-1]
    np.testing.assert_allclose(ravel_pytree(dx)[0], expected, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(np.concatenate(ds), minus_g @ expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("norm", NORMS)
def test_start_is_interior_and_dual_feasible_in_excess_and_norm(norm):
    program = make(norm)
    x, dual = started(program)
    for point in (program.slack(x), dual):
        assert float(point.orthant.min()) > 0.0
        if point.second_order.size:
            assert float(second_order_cone.determinant(point.second_order)) > 0.0
    minus_g, cost, unravel = dense(program, x)
    residual = unravel(jnp.asarray(cost - minus_g.T @ np.concatenate(dual)))
    np.testing.assert_allclose(residual.excess, 0.0, atol=1e-12)
    assert float(residual.norm) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seed", range(5))
def test_lower_bound_holds_for_any_multipliers(norm, seed):
    """Weak duality: whatever the dual, no feasible point is better than its bound."""
    program = make(norm, seed)
    rng = np.random.default_rng(seed)
    _, dual = started(program)
    wild = jax.tree.map(lambda leaf: jnp.asarray(rng.normal(scale=2.0, size=leaf.shape)), dual)
    bounds = [float(program.lower_bound(*program.multipliers(point))) for point in (dual, wild)]
    weights = jax.vmap(lambda w: budget_box.restore(w, program.lower, program.upper))(
        jnp.asarray(rng.normal(size=(40, D)))
    )
    thresholds = jnp.linspace(-2.0, 3.0, 60)
    values = jax.vmap(lambda w: jax.vmap(lambda t: program.value(w, t))(thresholds))(weights)
    assert max(bounds) <= float(values.min()) + 1e-12
    assert bounds[0] > float(values.min()) - 5.0  # and it is no triviality like minus infinity


def test_value_by_hand():
    program = make(
        MaximumNorm(),
        columns=np.array([[1.0] * ROWS, [2.0] * ROWS, [0.0] * ROWS, [1.0] * (ROWS - 1) + [0.0]]),
        offset=np.append(np.full(ROWS - 1, 3.0), 1.75),
        cost=np.full(ROWS, 0.5),
        linear=np.array([1.0, 0.0, 0.0]),
        threshold_cost=np.asarray(0.6),
    )
    # A w = .25 + 1 = 1.25; hinges (3 - 1.25 - .5)_+ = 1.25, eight times, and (1.75 - 1.25)_+ = .5
    value = program.value(jnp.array([0.25, 0.5, 0.25]), jnp.asarray(0.5))
    assert float(value) == pytest.approx(0.25 + 0.6 * 0.5 + 0.5 * (8 * 1.25 + 0.5) + 0.3 * 0.5)


def test_relaxation_leaves_an_interior():
    program = make(EuclideanNorm(), lower=np.array([0.2, 0.3, 0.5]), upper=np.array([0.2, 0.3, 0.5]))
    program = eqx.tree_at(lambda p: (p.norm_cost, p.cost), program, (jnp.zeros(()), program.cost.at[0].set(0.0)))
    relaxed = program.with_interior()
    x, dual = started(relaxed)
    assert all(float(point.orthant.min()) > 0.0 for point in (relaxed.slack(x), dual))
    assert float(second_order_cone.determinant(dual.second_order)) > 0.0
    assert isinstance(dual, Cone)
