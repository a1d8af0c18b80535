import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.engine import ScenarioSet, expected_shortfall, scenario_set
from aurora_jax.engine.history import empty_history, remember
from aurora_jax.engine.scenario_set import join


def slow_expected_shortfall(losses, probabilities, p):
    """Walk down from the worst loss and take probability until p of it is taken."""
    left, total = p, 0.0
    for loss, probability in sorted(zip(losses.tolist(), probabilities.tolist(), strict=True), reverse=True):
        taken = min(probability, left)
        total += taken * loss
        left -= taken
    return total / p


def test_expected_shortfall_splits_the_boundary_atom():
    """p = 0.3 takes all of 8 (0.2) and half of 4 (0.1 of 0.2): (1.6 + 0.4) / 0.3."""
    losses, probabilities = jnp.array([1.0, 8.0, 4.0]), jnp.array([0.6, 0.2, 0.2])
    assert jnp.allclose(expected_shortfall(losses, probabilities, tail_probability=0.3), 2.0 / 0.3)


def test_expected_shortfall_of_everything_is_the_mean():
    losses, probabilities = jnp.array([1.0, 8.0, 4.0]), jnp.array([0.6, 0.2, 0.2])
    assert jnp.allclose(expected_shortfall(losses, probabilities, tail_probability=1.0), 3.0)


def test_expected_shortfall_agrees_with_the_slow_walk(key):
    losses = jax.random.normal(key, (50,), float)
    probabilities = jax.nn.softmax(jax.random.normal(jax.random.fold_in(key, 1), (50,), float))
    found = [float(expected_shortfall(losses, probabilities, tail_probability=p)) for p in (0.013, 0.1, 0.77)]
    slow = [slow_expected_shortfall(losses, probabilities, p) for p in (0.013, 0.1, 0.77)]
    np.testing.assert_allclose(found, slow, rtol=1e-12)


def thinned(returns, **changes):
    asked = {"tail_probability": 0.1, "tail_rows": 5, "body_rows": 10, "simulated_share": 0.4, **changes}
    return scenario_set(returns, **asked)


def test_each_row_has_the_mass_of_the_ranks_it_stands_for(key):
    """100 rows, 10 of them tail: five tail rows stand for two ranks each, ten body rows for nine."""
    returns = jax.random.normal(key, (3, 100, 2), float)
    scenarios = thinned(returns)
    assert scenarios.returns.shape == (3, 15, 2)
    np.testing.assert_allclose(scenarios.probabilities[:, :5], 0.02)
    np.testing.assert_allclose(scenarios.probabilities[:, 5:], 0.09)
    uneven = thinned(returns, tail_rows=4, body_rows=8)  # of 10 ranks: 2, 2, 3, 3
    np.testing.assert_allclose(uneven.probabilities[0, :4], [0.02, 0.02, 0.03, 0.03])
    np.testing.assert_allclose(uneven.probabilities.sum(axis=1), 1.0, rtol=1e-12)
    ordered = np.sort(np.asarray(returns).mean(axis=2))
    for family, kept in zip(ordered, np.asarray(uneven.returns).mean(axis=2), strict=True):
        for row, (start, stop) in zip(kept[:4], [(0, 2), (2, 4), (4, 7), (7, 10)], strict=True):
            run = family[start:stop]
            assert row == run[np.argmin(np.abs(run - run.mean()))]


def test_thinning_keeps_the_shortfall():
    """Heavy tails, the sizes of the quickstart: the thinned law has the shortfall of all rows, at any depth.

    A mean of 40 samples; a row that stood for more than its ranks (the worst one, say, for 1.6) would show as 1 %.
    """
    rng = np.random.default_rng(4)
    returns = jnp.asarray(0.01 * rng.standard_t(3.2, size=(40, 8192, 1)))
    scenarios = thinned(returns, tail_probability=0.05, tail_rows=256, body_rows=256)
    even = jnp.full(8192, 1.0 / 8192)
    for p in (0.05, 0.01):
        full = jax.vmap(lambda r, p=p: expected_shortfall(-r[:, 0], even, tail_probability=p))(returns)
        thin = jax.vmap(lambda r, m, p=p: expected_shortfall(-r[:, 0], m, tail_probability=p))(
            scenarios.returns, scenarios.probabilities
        )
        np.testing.assert_allclose(jnp.mean(thin / full), 1.0, atol=2e-3)


def test_scenario_rows_are_whole_rows(key):
    """Assets of one row stay together: dependence survives the thinning."""
    returns = jax.random.normal(key, (1, 100, 2), float)
    rows = {tuple(row) for row in np.asarray(returns[0]).tolist()}
    assert all(tuple(row) in rows for row in np.asarray(thinned(returns).returns[0]).tolist())


@pytest.mark.parametrize("changes", [{"tail_rows": 11}, {"body_rows": 91}])
def test_too_few_simulated_rows_are_refused(changes):
    with pytest.raises(ValueError, match=r"100 simulated rows give 10 in the tail, .* simulate more"):
        thinned(jnp.zeros((3, 100, 2)), **changes)


def test_a_scenario_set_needs_a_probability_for_each_row():
    with pytest.raises(Exception, match="probabilities"):
        ScenarioSet(jnp.zeros((3, 4, 2)), jnp.zeros((3, 5)), jnp.zeros(()))


def partly_filled():
    history = empty_history(4, 2)
    for value in (0.1, 0.2, 0.3):
        history = remember(history, jnp.log1p(jnp.array([value, -value])))
    return history


def test_join_of_a_partly_filled_history():
    """Three of four rows are held: they share 1 - 0.4; the empty row has none; the likeliest family gets 0.4."""
    returns = jnp.arange(12.0).reshape(3, 2, 2)
    scenarios = ScenarioSet(returns, jnp.array([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]]), jnp.asarray(0.4))
    rows, probabilities = join(scenarios, partly_filled(), jnp.array([0.2, 0.5, 0.3]))
    np.testing.assert_allclose(probabilities, [0.2, 0.2, 0.2, 0.0, 0.1, 0.3], rtol=1e-14)
    np.testing.assert_allclose(rows[:3], [[0.1, -0.1], [0.2, -0.2], [0.3, -0.3]], rtol=1e-14)
    np.testing.assert_array_equal(rows[4:], returns[1])


def test_join_without_simulation_is_history_alone():
    none = ScenarioSet(jnp.zeros((3, 0, 2)), jnp.zeros((3, 0)), jnp.asarray(0.4))
    rows, probabilities = join(none, partly_filled(), jnp.ones(3) / 3)
    assert rows.shape == (4, 2)
    np.testing.assert_allclose(probabilities, [1 / 3, 1 / 3, 1 / 3, 0.0], rtol=1e-14)


def test_history_is_a_ring():
    history = partly_filled()
    for value in (0.4, 0.5):
        history = remember(history, jnp.log1p(jnp.array([value, value])))
    assert history.count == 5
    assert bool(jnp.all(history.held))
    np.testing.assert_allclose(history.rows[:, 0], [0.5, 0.2, 0.3, 0.4], rtol=1e-14)
