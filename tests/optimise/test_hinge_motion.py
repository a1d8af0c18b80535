"""The motion of a minimiser by hand, by jax's own derivative of a closed form, and where equations are too many."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.optimise import EuclideanNorm, HingeProgram, MaximumNorm, hinge_motion

D, ROWS = 3, 4


def program(**changed):
    """Row 0 is on its hinge at t = 1 and row 1 in the tail, at w = (1/2, 1/4, 1/4)."""
    columns = np.zeros((D + 1, ROWS))
    columns[-1] = 1.0
    columns[:D, 0] = [-1.0, -1.0, -1.0]  # loss 1
    columns[:D, 1] = [-4.0, -4.0, -4.0]  # loss 4
    fields = {
        "columns": columns,
        "offset": np.zeros(ROWS),
        "cost": np.full(ROWS, 0.6),
        "linear": np.zeros(D),
        "threshold_cost": np.asarray(1.0),
        "lower": np.full(D, -9.0),
        "upper": np.full(D, 9.0),
        "norm_cost": np.asarray(0.0),
    }
    norm = changed.pop("norm", EuclideanNorm())
    return HingeProgram(norm=norm, **{name: jnp.asarray(value) for name, value in (fields | changed).items()})


def still(like):
    return jax.tree.map(jnp.zeros_like, like)


def moved(like, **changes):
    names = {name: jnp.asarray(value, float) for name, value in changes.items()}
    return HingeProgram(**{field: getattr(still(like), field) for field in HingeProgram.__dataclass_fields__} | names)


WEIGHTS, THRESHOLD = jnp.array([0.5, 0.25, 0.25]), jnp.asarray(1.0)


def test_multipliers_and_value_by_hand():
    """theta = 1 = .6 (row 1 in the tail) + .4 (row 0 on its hinge): the value moves by these shares of the rows'."""
    given = program()
    move = lambda **changes: float(hinge_motion(given, moved(given, **changes), WEIGHTS, THRESHOLD).value)  # noqa: E731
    assert move(offset=[1.0, 0.0, 0.0, 0.0]) == pytest.approx(0.4, abs=1e-9)
    assert move(offset=[0.0, 1.0, 0.0, 0.0]) == pytest.approx(0.6, abs=1e-12)
    assert move(offset=[0.0, 0.0, 1.0, 0.0]) == 0.0  # a loss of 0 is no tail
    assert move(cost=[1.0, 1.0, 1.0, 1.0]) == pytest.approx(3.0, abs=1e-12)  # the excess of row 1
    assert move(threshold_cost=1.0) == pytest.approx(1.0, abs=1e-12)  # t
    assert move(linear=[1.0, 0.0, 0.0]) == pytest.approx(0.5, abs=1e-12)  # w_1
    assert move(norm_cost=1.0) == pytest.approx(np.sqrt(0.375), abs=1e-12)  # |w|
    row = np.zeros((D + 1, ROWS))
    row[0, 0] = 1.0
    assert move(columns=row) == pytest.approx(-0.4 * 0.5, abs=1e-9)


def test_threshold_follows_the_row_on_its_hinge():
    given = program()
    motion = hinge_motion(given, moved(given, offset=[1.0, 0.0, 0.0, 0.0]), WEIGHTS, THRESHOLD)
    np.testing.assert_allclose(motion.weights, 0.0, atol=1e-9)
    assert float(motion.threshold) == pytest.approx(1.0, abs=1e-9)


def test_smooth_norm_in_closed_form():
    """Least g'w + rho |w| on the budget; equal losses cancel: w = 1/d - g~ / sqrt(d (rho^2 - |g~|^2)), g~ centred."""

    def minimiser(g, rho):
        centred = g - jnp.mean(g)
        return 1.0 / D - centred / jnp.sqrt(D * (rho**2 - centred @ centred))

    g, rho = jnp.array([0.1, -0.2, 0.3]), jnp.asarray(1.5)
    given = program(linear=g, norm_cost=rho)
    weights = minimiser(g, rho)
    by_linear, by_cost = jax.jacfwd(minimiser, argnums=(0, 1))(g, rho)
    for place in range(D):
        motion = hinge_motion(given, moved(given, linear=np.eye(D)[place]), weights, THRESHOLD)
        np.testing.assert_allclose(motion.weights, by_linear[:, place], atol=1e-9)
    motion = hinge_motion(given, moved(given, norm_cost=1.0), weights, THRESHOLD)
    np.testing.assert_allclose(motion.weights, by_cost, atol=1e-9)


def test_a_weight_on_its_bound_goes_with_it_and_the_others_make_room():
    lower = np.array([0.5, -9.0, -9.0])
    given = program(lower=lower, norm_cost=1.0)
    motion = hinge_motion(given, moved(given, lower=[1.0, 0.0, 0.0]), WEIGHTS, THRESHOLD)
    np.testing.assert_allclose(motion.weights, [1.0, -0.5, -0.5], atol=1e-9)
    # d|w| = w'dw / |w| = (.5 - .125 - .125) / sqrt(.375): the price of the bound
    assert float(motion.value) == pytest.approx(0.25 / np.sqrt(0.375), abs=1e-9)
    free = hinge_motion(given, moved(given, upper=[1.0, 1.0, 1.0]), WEIGHTS, THRESHOLD)
    np.testing.assert_allclose(free.weights, 0.0, atol=1e-12)
    assert float(free.value) == 0.0


def test_an_upper_bound_takes_its_weight_along_as_a_lower_one_does():
    given = program(upper=np.array([0.5, 9.0, 9.0]), norm_cost=1.0)
    motion = hinge_motion(given, moved(given, upper=[1.0, 0.0, 0.0]), WEIGHTS, THRESHOLD)
    np.testing.assert_allclose(motion.weights, [1.0, -0.5, -0.5], atol=1e-9)
    assert float(motion.value) == pytest.approx(0.25 / np.sqrt(0.375), abs=1e-9)


def test_tied_weights_stay_tied_under_the_maximum_norm():
    """(.4, .4, .2) with the third pinned: what it gains is taken from both others alike."""
    weights, bound = jnp.array([0.4, 0.4, 0.2]), np.array([-9.0, -9.0, 0.2])
    given = program(norm=MaximumNorm(), norm_cost=1.0, lower=bound)
    motion = hinge_motion(given, moved(given, lower=[0.0, 0.0, 1.0]), weights, THRESHOLD)
    np.testing.assert_allclose(motion.weights, [-0.5, -0.5, 1.0], atol=1e-9)
    assert float(motion.value) == pytest.approx(-0.5, abs=1e-9)
    loose = hinge_motion(
        program(norm=MaximumNorm(), lower=bound), moved(given, linear=[1.0, 0.0, 0.0]), weights, THRESHOLD
    )
    np.testing.assert_allclose(loose.weights, 0.0, atol=1e-9)  # without a cost nothing curves: least motion is none


def test_a_tie_decides_where_a_row_leaves_the_choice():
    """Row 2, -w_2 - 3 w_3 + t = 0 at (.4, .4, .2), moves by 1; w_1 = w_2 on the budget: dw = (x, x, -2x), x = .2."""
    columns = np.asarray(program().columns).copy()
    columns[:D, 2] = [0.0, -1.0, -3.0]
    given = program(norm=MaximumNorm(), norm_cost=1.0, columns=columns)
    weights = jnp.array([0.4, 0.4, 0.2])
    motion = hinge_motion(given, moved(given, offset=[0.0, 0.0, 1.0, 0.0]), weights, THRESHOLD)
    np.testing.assert_allclose(motion.weights, [0.2, 0.2, -0.4], atol=1e-9)


def test_duplicate_rows_share_their_multiplier():
    columns = np.asarray(program().columns).copy()
    columns[:, 2] = columns[:, 0]
    given = program(columns=columns)
    motion = hinge_motion(given, moved(given, offset=[1.0, 0.0, 0.0, 0.0]), WEIGHTS, THRESHOLD)
    assert float(motion.value) == pytest.approx(0.2, abs=1e-9)  # half of .4 each
    both = hinge_motion(given, moved(given, offset=[1.0, 0.0, 1.0, 0.0]), WEIGHTS, THRESHOLD)
    assert float(both.value) == pytest.approx(0.4, abs=1e-9)
    assert float(both.threshold) == pytest.approx(1.0, abs=1e-9)
    assert float(motion.threshold) == pytest.approx(0.5, abs=1e-9)  # the equations disagree: least squares


def test_motion_is_linear_in_what_moves():
    given = program(norm_cost=1.0, linear=np.array([0.1, -0.2, 0.3]))
    one, two = moved(given, linear=[1.0, 0.0, 2.0]), moved(given, norm_cost=0.3, offset=[0.1, 0.2, 0.0, 0.0])
    both = jax.tree.map(lambda a, b: 2.0 * a - 3.0 * b, one, two)
    parts = [hinge_motion(given, each, WEIGHTS, THRESHOLD) for each in (one, two, both)]
    for a, b, c in zip(*parts, strict=True):
        np.testing.assert_allclose(c, 2.0 * a - 3.0 * b, atol=1e-9)
