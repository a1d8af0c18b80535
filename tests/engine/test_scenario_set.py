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


def test_scenario_set_keeps_the_tail_its_mass(key):
    """100 rows, 10 of them tail: five tail rows share 0.1, ten body rows 0.9, and the tail holds the worst row."""
    returns = jax.random.normal(key, (3, 100, 2), float)
    scenarios = thinned(returns)
    assert scenarios.returns.shape == (3, 15, 2)
    np.testing.assert_allclose(scenarios.probabilities[:, :5], 0.02)
    np.testing.assert_allclose(scenarios.probabilities[:, 5:], 0.09)
    mean = np.asarray(returns).mean(axis=2)
    for family in range(3):
        ordered = np.sort(mean[family])
        kept = np.asarray(scenarios.returns[family]).mean(axis=1)
        assert kept[0] == ordered[0]
        # Ranks spread evenly over 0..9 and 10..99, both ends included.
        np.testing.assert_array_equal(kept[:5], ordered[[0, 2, 4, 6, 9]])
        assert kept[5] == ordered[10]
        assert kept[-1] == ordered[99]


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
