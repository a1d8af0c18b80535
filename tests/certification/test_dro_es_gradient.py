"""Derivatives of the allocation: a closed form, differences of independent solutions, and laws of scale."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.certification import dro_es
from aurora_jax.core import Outcome

N, D = 120, 10  # the shape of test_dro_es: what is compiled there serves here
SETTINGS = {"tail_probability": 0.1, "lower": -0.2, "upper": 0.5}
RADIUS, WIDE = 2e-4, 2e-3
FIELDS = ("var", "es", "worst_case_es")


def scenarios(seed):
    rng = np.random.default_rng(seed)
    common = rng.standard_t(4, size=(N, 1))
    return 0.01 * (rng.standard_t(4, size=(N, D)) + common * rng.uniform(0.2, 1.2, size=D)) + 3e-4 * rng.normal(size=D)


def asked(x, radius, **changed):
    return dro_es(jnp.asarray(x), radius=jnp.asarray(radius), **SETTINGS | changed)


def along(function, at, direction, step=1e-4):
    """Return the function's derivative in a direction, and central differences of its values at two steps."""
    _, exact = jax.jvp(function, (at,), (direction,))

    def difference(step):
        ahead, behind = function(at + step * direction), function(at - step * direction)
        return [np.asarray(a - b) / (2.0 * step) for a, b in zip(ahead[:4], behind[:4], strict=True)]

    return exact, difference(step), difference(2.0 * step)


def assert_derivative(exact, near, far, *, moves=True, tolerance=2e-3):
    """Both differences must agree, else the active set changes between them and the instance proves nothing."""
    for name, ours, close, wide in zip(("weights", *FIELDS), exact, near, far, strict=False):
        scale = max(np.max(np.abs(close)), 1e-3)
        np.testing.assert_allclose(wide, close, atol=0.5 * tolerance * scale, err_msg=f"unstable {name}")
        np.testing.assert_allclose(ours, close, atol=tolerance * scale, err_msg=name)
    assert (float(jnp.max(jnp.abs(exact.weights))) > 1e-3) is moves
    assert float(jnp.sum(exact.weights)) == pytest.approx(0.0, abs=1e-9)  # the budget stays met


CRASH = np.array([-0.05, -0.04, -0.06, -0.055, -0.045, -0.05, -0.052, -0.047, -0.051, -0.049])


def one_crash(crash, radius):
    """Least -crash'w + rho |w| on the budget: 1/d - c / sqrt(d (rho^2 - |c|^2)), c = mean less crash, rho = eps/p."""
    c = -crash + jnp.mean(crash)
    rho = radius * N
    return 1.0 / D - c / jnp.sqrt(D * (rho**2 - c @ c))


def test_closed_form_of_one_crash():
    """A tail of one scenario and a wide box: the minimiser is a formula, whose derivative is jax's own."""
    quiet = 0.001 * np.random.default_rng(0).normal(size=(N - 1, D))
    radius = 0.05 / N

    def weights(crash, radius):
        x = jnp.concatenate([crash[None], jnp.asarray(quiet)])
        return dro_es(x, tail_probability=1.0 / N, radius=radius, lower=-1.0, upper=1.0).weights

    crash = jnp.asarray(CRASH)
    np.testing.assert_allclose(weights(crash, radius), one_crash(crash, radius), atol=1e-6)
    found = jax.jacfwd(weights, argnums=(0, 1))(crash, radius)
    expected = jax.jacfwd(one_crash, argnums=(0, 1))(crash, radius)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4 * float(jnp.max(jnp.abs(theirs))))


MEAN = 1e-3 * np.random.default_rng(3).normal(size=D)
HELD = np.random.default_rng(4).dirichlet(np.ones(D))


def cases():
    """Each argument with a direction in which it moves."""
    rng = np.random.default_rng(7)
    plain = jnp.asarray(scenarios(0))
    weighted = rng.uniform(0.5, 1.5, size=N)
    cost = {"expected_return": jnp.asarray(MEAN), "previous": jnp.asarray(HELD), "turnover_cost": 2e-4}
    some = rng.normal(size=D)

    def of_bound(lower):
        return dro_es(plain, radius=RADIUS, **SETTINGS | {"lower": lower})

    def of_previous(previous):
        return asked(plain, WIDE, **cost | {"previous": previous / jnp.sum(previous)})

    return {
        "scenarios": (lambda x: asked(x, RADIUS), plain, 0.01 * rng.normal(size=(N, D))),
        "more scenarios": (lambda x: asked(x, 2 * RADIUS), jnp.asarray(scenarios(1)), 0.01 * rng.normal(size=(N, D))),
        "scenarios, l1": (lambda x: asked(x, RADIUS, metric="l1"), plain, 0.01 * rng.normal(size=(N, D))),
        "radius": (lambda r: asked(plain, r), WIDE, 100.0 * WIDE),
        "tail": (lambda p: dro_es(plain, radius=RADIUS, **SETTINGS | {"tail_probability": p}), 0.104, 0.01),
        "probabilities": (lambda q: asked(plain, RADIUS, probabilities=q), weighted, rng.normal(size=N) * weighted),
        "expected return": (lambda m: asked(plain, WIDE, expected_return=m), MEAN, 1e-2 * some),
        "bound": (of_bound, np.full(D, 0.02), np.linspace(0.005, 0.02, D)),
        "scenarios at a cost": (lambda x: asked(x, RADIUS, **cost), plain, 0.01 * rng.normal(size=(N, D))),
        "held at a cost": (of_previous, HELD, HELD * some),
        "cost": (lambda k: asked(plain, WIDE, **cost | {"turnover_cost": k}), 2e-4, 1e-2),
    }


@pytest.mark.parametrize("name", cases())
def test_equals_central_differences(name):
    function, at, direction = cases()[name]
    assert_derivative(*along(function, jnp.asarray(at), jnp.asarray(direction)))


def test_under_l1_the_weights_do_not_follow_the_radius():
    plain = jnp.asarray(scenarios(0))
    found = along(lambda r: asked(plain, r, metric="l1"), jnp.asarray(RADIUS), jnp.asarray(RADIUS))
    assert_derivative(*found, moves=False)


@pytest.mark.parametrize("metric", ["l2", "l1"])
def test_gradient_of_the_value_is_the_worst_law(metric):
    """The envelope by hand: a scenario's gradient is minus its share of the tail times the weights.

    The shares sum to 1, none exceeds pi / p. Loss and radius have one unit: Euler's theorem gives the value back.
    """
    x, radius = jnp.asarray(scenarios(2)), jnp.asarray(RADIUS)
    value = lambda x, radius: asked(x, radius, metric=metric).worst_case_es  # noqa: E731
    by_scenario, by_radius = jax.grad(value, argnums=(0, 1))(x, radius)
    found = asked(x, radius, metric=metric)
    share = -by_scenario @ found.weights / (found.weights @ found.weights)
    np.testing.assert_allclose(by_scenario, -jnp.outer(share, found.weights), atol=1e-9)
    assert float(jnp.sum(share)) == pytest.approx(1.0, abs=1e-6)
    assert float(jnp.min(share)) > -1e-9
    assert float(jnp.max(share)) < 1.0 / (0.1 * N) + 1e-9
    assert np.count_nonzero(np.asarray(share) > 1e-9) < 2 * D + 12  # only the tail matters
    norm = float(jnp.linalg.norm(found.weights) if metric == "l2" else jnp.max(jnp.abs(found.weights)))
    assert float(by_radius) == pytest.approx(norm / 0.1, rel=1e-6)
    assert float(jnp.sum(by_scenario * x) + by_radius * radius) == pytest.approx(float(found.worst_case_es), rel=1e-8)


def test_duplicates_share_what_one_scenario_had():
    """Equations that depend on each other: a scenario given eight times moves the value as it did alone, in sum."""
    few = scenarios(5)[: N // 8]
    tiled = jnp.asarray(np.tile(few, (8, 1)))
    direction = 0.01 * np.random.default_rng(6).normal(size=few.shape)
    assert_derivative(*along(lambda x: asked(x, RADIUS), tiled, jnp.asarray(np.tile(direction, (8, 1)))))


def test_where_there_is_no_portfolio_every_derivative_is_zero():
    x = jnp.asarray(scenarios(0)).at[3, 2].set(jnp.nan)
    assert int(asked(x, RADIUS).outcome) == Outcome.NON_FINITE
    by_scenario, by_radius = jax.grad(lambda x, r: asked(x, r).worst_case_es, argnums=(0, 1))(x, jnp.asarray(RADIUS))
    np.testing.assert_array_equal(by_scenario, 0.0)
    assert float(by_radius) == 0.0
    moved = jax.jvp(lambda p: dro_es(x, radius=RADIUS, **SETTINGS | {"tail_probability": p}), (0.0,), (1.0,))[1]
    assert all(bool(jnp.all(leaf == 0.0)) for leaf in moved[:5])
