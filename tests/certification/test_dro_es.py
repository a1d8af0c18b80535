import cvxpy as cp
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.certification import dro_es
from aurora_jax.core import Allocation, Outcome

N, D = 120, 10  # one shape for nearly all tests: a new one costs seconds of compilation
SETTINGS = {"tail_probability": 0.1, "radius": 2e-4, "lower": -0.2, "upper": 0.5}


def scenarios(seed, n=N, d=D):
    rng = np.random.default_rng(seed)
    common = rng.standard_t(4, size=(n, 1))
    return 0.01 * (rng.standard_t(4, size=(n, d)) + common * rng.uniform(0.2, 1.2, size=d)) + 3e-4 * rng.normal(size=d)


def reference(x, *, tail_probability, radius, lower, upper, metric="l2", pi=None, mean=None, previous=None, cost=0.0):
    """The program of the docstring, spelt out in cvxpy and solved by Clarabel."""
    n, d = x.shape
    pi = np.full(n, 1 / n) if pi is None else pi / pi.sum()
    w, t = cp.Variable(d), cp.Variable()
    shortfall = t + pi @ cp.pos(-x @ w - t) / tail_probability
    objective = shortfall + radius / tail_probability * cp.norm(w, {"l2": 2, "l1": "inf"}[metric])
    if mean is not None:
        objective -= mean @ w
    if previous is not None:
        objective += cost * cp.norm1(w - previous)
    # In units of 1 / 100, else the solver's absolute tolerances are loose.
    problem = cp.Problem(cp.Minimize(100 * objective), [cp.sum(w) == 1, w >= lower, w <= upper])
    problem.solve(solver="CLARABEL", tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    return problem.value / 100


def objective(x, allocation, mean=None, previous=None, cost=0.0):
    weights = np.asarray(allocation.weights)
    extra = 0.0 if mean is None else -mean @ weights
    return (
        float(allocation.worst_case_es) + extra + (0.0 if previous is None else cost * np.abs(weights - previous).sum())
    )


def assert_optimal(x, allocation, expected, **extra):
    value = objective(x, allocation, **extra)
    scale = max(abs(expected), 0.01)
    assert int(allocation.outcome) == Outcome.OK
    assert value == pytest.approx(expected, abs=1e-7 * scale)
    assert -1e-12 * scale <= float(allocation.duality_gap) <= 1e-8 * scale
    assert value - float(allocation.duality_gap) <= expected + 1e-9 * scale  # the bound is below the other solver's
    assert float(jnp.sum(allocation.weights)) == pytest.approx(1.0, abs=1e-12)


def instances():
    rng = np.random.default_rng(5)
    plain = scenarios(0)
    wins = scenarios(6)
    wins[:, 0] = 0.01 + 0.01 * wins[:, 0]
    return {
        **{f"random {seed}": (scenarios(seed), {"radius": 10.0 ** rng.uniform(-5, -1)}) for seed in range(6)},
        "plain shortfall": (plain, {"radius": 0.0}),
        "duplicates": (np.tile(plain[:20], (6, 1)), {}),
        "long only": (plain, {"lower": 0.0, "upper": 1.0, "radius": 0.0}),
        "active bounds": (plain, {"lower": np.full(D, 0.05), "upper": np.array([0.11, 0.12] + [0.5] * 8)}),
        "one dominates": (wins, {"lower": 0.0, "upper": 1.0}),
        "tail 3 %": (plain, {"tail_probability": 0.03}),
        "tail 60 %": (plain, {"tail_probability": 0.6}),
    }


@pytest.mark.parametrize("metric", ["l2", "l1"])
@pytest.mark.parametrize("name", instances())
def test_equals_clarabel(name, metric):
    x, changed = instances()[name]
    wanted = SETTINGS | changed | {"metric": metric}
    arrays = {k: jnp.asarray(v) if isinstance(v, np.ndarray) else v for k, v in wanted.items()}
    assert_optimal(x, dro_es(jnp.asarray(x), **arrays), reference(x, **wanted))


@pytest.mark.parametrize("kind", ["uniform", "decaying", "half are impossible"])
def test_probabilities(kind):
    x, rng = scenarios(1), np.random.default_rng(1)
    pi = {
        "uniform": np.ones(N),
        "decaying": 0.97 ** np.arange(N),
        "half are impossible": np.where(rng.uniform(size=N) < 0.5, 0.0, rng.uniform(size=N)),
    }[kind]
    assert_optimal(
        x, dro_es(jnp.asarray(x), probabilities=jnp.asarray(pi), **SETTINGS), reference(x, pi=pi, **SETTINGS)
    )


def test_turnover_and_expected_return_inside_a_scan_with_a_branch():
    """As the engine calls it, under `lax.cond` in a scan: types must not depend on the branch or the outcome."""
    x, rng = scenarios(2), np.random.default_rng(2)
    mean, previous = 2e-3 * rng.normal(size=D), rng.dirichlet(np.ones(D))
    wanted = SETTINGS | {"expected_return": jnp.asarray(mean), "previous": jnp.asarray(previous)}

    def bar(kept, cost):
        found = jax.lax.cond(
            cost >= 0.0, lambda: dro_es(jnp.asarray(x), turnover_cost=jnp.maximum(cost, 0.0), **wanted), lambda: kept
        )
        return found, found

    nothing = Allocation(jnp.full(D, 1 / D), *[jnp.zeros(())] * 4, jnp.full((), int(Outcome.REFUSED)))
    costs = [-1.0, 1e-4, 1e-3, 1.0]
    _, found = jax.lax.scan(bar, nothing, jnp.array(costs))
    assert int(found.outcome[0]) == Outcome.REFUSED
    for place in (1, 2, 3):
        cost = costs[place]
        expected = reference(x, mean=mean, previous=previous, cost=cost, **SETTINGS)
        alone = jax.tree.map(lambda leaf, place=place: leaf[place], found)
        assert_optimal(x, alone, expected, mean=mean, previous=previous, cost=cost)
    np.testing.assert_allclose(found.weights[-1], previous, atol=1e-6)  # too dear to trade
    assert not any(leaf.weak_type for leaf in dro_es(jnp.asarray(x), **SETTINGS))


def test_published_instance():
    """RSOME's and MOSEK's instance of Esfahani and Kuhn's experiment: mean-risk, ground metric l1.

    sup E(loss) + rho CVaR(loss) = rho (worst ES - mean'w / rho) at radius eps (alpha / rho + 1): the Lipschitz constant
    of the whole integrand is 1 + rho / alpha. Its support z >= -1 is not active, so it may be left out. Its 30
    scenarios are repeated, which changes no law.
    """
    rho, alpha, radius = 10.0, 0.2, 0.01
    assets, random = np.arange(1, D + 1), np.random.RandomState(1)
    common = 0.02 * random.normal(size=(30, D))
    x = np.maximum(common + 0.03 * assets + 0.025 * assets * random.normal(size=(30, D)), -1)
    x = np.tile(x, (N // 30, 1))
    mean = x.mean(axis=0) / rho
    found = dro_es(
        jnp.asarray(x),
        tail_probability=alpha,
        radius=radius * (alpha / rho + 1),
        lower=0.0,
        upper=1.0,
        metric="l1",
        expected_return=jnp.asarray(mean),
    )
    assert rho * objective(x, found, mean=mean) == pytest.approx(-1.1362073575769465, abs=1e-8)


@pytest.mark.parametrize(("metric", "increment"), [("l2", 0.0547722558), ("l1", 0.04)])
def test_worst_case_adds_the_dual_norm_over_p(metric, increment):
    """Fixed weights (.4, .3, .2, .1), p = .1, eps = .01: eps / p times .54772 (l2) or .4 (dual of l1)."""
    weights = np.array([0.4, 0.3, 0.2, 0.1] + [0.0] * (D - 4))
    x, tail_count = scenarios(3), N // 10
    pinned = jnp.asarray(weights)
    found = dro_es(jnp.asarray(x), tail_probability=0.1, radius=0.01, lower=pinned, upper=pinned, metric=metric)
    assert int(found.outcome) == Outcome.OK
    assert float(found.worst_case_es - found.es) == pytest.approx(increment, abs=1e-10)
    losses = np.sort(-x @ weights)[::-1]
    assert float(found.es) == pytest.approx(losses[:tail_count].mean(), abs=1e-12)
    assert float(found.var) == pytest.approx(losses[tail_count - 1], abs=1e-12)
    # The worst law, by explicit transport: the tail moves by eps / p where that costs least and hurts most.
    direction = weights / np.linalg.norm(weights) if metric == "l2" else np.eye(D)[0]
    tail = np.argsort(-x @ weights)[::-1][:tail_count]
    moved = x.copy()
    moved[tail] -= 0.01 / 0.1 * direction
    distance = np.linalg.norm(moved - x, ord={"l2": 2, "l1": 1}[metric], axis=1).mean()
    assert distance == pytest.approx(0.01)
    moved_tail = np.sort(-moved @ weights)[::-1][:tail_count]
    assert moved_tail.mean() == pytest.approx(float(found.worst_case_es), abs=1e-12)


def test_frontier_over_the_radius_with_fewer_scenarios_than_assets():
    """Value is increasing and concave in the radius, the weights tend to equal ones; by one vmapped solve."""
    n, d = 20, 24
    x = scenarios(8, n, d)
    radii = jnp.append(jnp.linspace(0.0, 4e-3, 9), 1e3)
    wanted = {key: value for key, value in SETTINGS.items() if key != "radius"}
    frontier = jax.jit(jax.vmap(lambda radius: dro_es(jnp.asarray(x), radius=radius, **wanted)))(radii)
    assert bool(jnp.all(frontier.outcome == Outcome.OK))
    value = np.asarray(frontier.worst_case_es)[:-1]
    assert np.all(np.diff(value) > 0.0)
    assert np.all(np.diff(value, 2) < 1e-10)
    assert np.all(np.diff(np.asarray(frontier.es)) > -1e-9)  # what robustness costs on the scenarios themselves
    np.testing.assert_allclose(frontier.weights[-1], 1 / d, atol=1e-5)
    for place in (0, 4):
        one = jax.tree.map(lambda leaf, place=place: leaf[place], frontier)
        assert_optimal(x, one, reference(x, radius=float(radii[place]), **wanted))


def test_order_of_assets_and_scenarios_does_not_matter():
    x, rng = scenarios(5), np.random.default_rng(5)
    assets, rows = rng.permutation(D), rng.permutation(N)
    plain, shuffled = dro_es(jnp.asarray(x), **SETTINGS), dro_es(jnp.asarray(x[rows][:, assets]), **SETTINGS)
    np.testing.assert_allclose(shuffled.weights, plain.weights[assets], atol=1e-6)
    assert float(shuffled.worst_case_es) == pytest.approx(float(plain.worst_case_es), abs=1e-10)


def test_units_do_not_matter():
    x = jnp.asarray(scenarios(5))
    plain, percent = dro_es(x, **SETTINGS), dro_es(100 * x, **SETTINGS | {"radius": 0.02})
    np.testing.assert_allclose(percent.weights, plain.weights, atol=1e-6)
    assert float(percent.worst_case_es) == pytest.approx(100 * float(plain.worst_case_es), rel=1e-8)


def test_one_asset_is_held_whole_and_its_shortfall_is_by_hand():
    x = -jnp.arange(1.0, 21.0)[:, None]  # losses 1 ... 20
    found = dro_es(x, tail_probability=0.1, radius=0.5, lower=0.0, upper=1.0)
    assert int(found.outcome) == Outcome.OK
    np.testing.assert_allclose(found.weights, 1.0, rtol=1e-12)
    assert (float(found.var), float(found.es)) == (19.0, 19.5)
    assert float(found.worst_case_es) == pytest.approx(19.5 + 0.5 / 0.1)
    assert int(dro_es(x, tail_probability=0.1, radius=0.5, lower=0.0, upper=0.5).outcome) == Outcome.INFEASIBLE


PREVIOUS = np.array([0.3, 0.3, 0.1, 0.1, 0.1, 0.1] + [0.0] * (D - 6))


def failing():
    x = scenarios(0)
    hole, infinite = x.copy(), x.copy()
    hole[3, 2], infinite[5, 0] = np.nan, np.inf
    ones = np.ones(N)
    return {
        "hole": (hole, {}, Outcome.NON_FINITE),
        "infinite": (infinite, {}, Outcome.NON_FINITE),
        "nan radius": (x, {"radius": np.nan}, Outcome.NON_FINITE),
        "nan bound": (x, {"lower": np.nan}, Outcome.NON_FINITE),
        "nan probability": (x, {"probabilities": np.where(np.arange(N) == 2, np.nan, 1.0)}, Outcome.NON_FINITE),
        "no room": (x, {"upper": 0.09}, Outcome.INFEASIBLE),
        "too much": (x, {"lower": 0.3}, Outcome.INFEASIBLE),
        "crossed": (
            x,
            {"lower": np.array([0.4] + [0.0] * 9), "upper": np.array([0.3] + [1.0] * 9)},
            Outcome.INFEASIBLE,
        ),
        "few": (x, {"tail_probability": 0.008}, Outcome.TOO_SHORT),
        "few that count": (x, {"probabilities": np.where(np.arange(N) < 5, 1.0, 1e-12)}, Outcome.TOO_SHORT),
        "negative radius": (x, {"radius": np.asarray(-1e-3)}, Outcome.REFUSED),
        "negative probability": (x, {"probabilities": np.where(np.arange(N) == 2, -1.0, 1.0)}, Outcome.REFUSED),
        "no probability": (x, {"probabilities": 0 * ones}, Outcome.TOO_SHORT),
        "tail of all": (x, {"tail_probability": np.asarray(1.0)}, Outcome.REFUSED),
    }


@pytest.mark.parametrize("name", failing())
def test_failure_is_a_record_with_the_previous_weights(name):
    x, changed, outcome = failing()[name]
    arrays = {k: jnp.asarray(v) if isinstance(v, np.ndarray) else v for k, v in (SETTINGS | changed).items()}
    found = dro_es(jnp.asarray(x), previous=jnp.asarray(PREVIOUS), **arrays)
    assert Outcome(int(found.outcome)) == outcome
    np.testing.assert_array_equal(found.weights, PREVIOUS)
    assert not any(bool(jnp.any(jnp.isnan(leaf))) for leaf in found)
    assert float(found.duality_gap) == np.inf
    if outcome in (Outcome.INFEASIBLE, Outcome.TOO_SHORT) and "probabilities" not in changed:
        losses = np.sort(-x @ PREVIOUS)[::-1]  # the weights kept are still reported honestly
        expected = losses[max(round(arrays["tail_probability"] * N) - 1, 0)]
        np.testing.assert_allclose(found.var, expected, rtol=1e-12)  # the order of a sum is the platform's
    fresh = dro_es(jnp.asarray(x), **arrays)
    np.testing.assert_allclose(fresh.weights, 1 / D)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"metric": "linf"}, '"linf"'),
        ({"turnover_cost": 1e-3}, "previous weights"),
        ({"tail_probability": 0.0}, "was 0.0"),
        ({"radius": -1.0}, "was -1.0"),
        ({"turnover_cost": -1.0, "previous": jnp.full(D, 1 / D)}, "was -1.0"),
    ],
)
def test_callers_mistakes_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        dro_es(jnp.asarray(scenarios(0)), **SETTINGS | wrong)
