"""Trailing volatility and correlation by hand."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.student import Trailing, fit_trailing

_BASE = jnp.array([[1.0, 0.5], [0.5, 1.0]])


@jax.jit
def _three_bars(trailing, returns):
    state = trailing.init()
    for t in range(3):
        state = trailing.step(state, returns[t])
    return state, trailing.correlation(state)


def test_one_step_by_hand():
    """Variance half old, half new; moments a quarter old, three quarters new; the standardised return is cut at 4."""
    trailing = Trailing(_BASE, jnp.array([4.0, 1.0]), volatility_half_life_bars=1.0, correlation_half_life_bars=0.5)
    state = trailing.step(trailing.init(), jnp.array([2.0, -10.0]))
    np.testing.assert_allclose(state.variance, [0.5 * 4.0 + 0.5 * 4.0, 0.5 * 1.0 + 0.5 * 100.0])
    np.testing.assert_allclose(state.moments, [[1.0, 0.125 - 3.0], [0.125 - 3.0, 0.25 + 12.0]])
    correlation = -2.875 / np.sqrt(12.25)
    expected = 0.5 * 0.5 + 0.5 * correlation
    np.testing.assert_allclose(trailing.correlation(state), [[1.0, expected], [expected, 1.0]])


def test_a_bar_without_the_second_asset_by_hand():
    """As above for the first asset; the second keeps variance 1 and moment 1, the pair's fades by sqrt(1/4)."""
    trailing = Trailing(_BASE, jnp.array([4.0, 1.0]), volatility_half_life_bars=1.0, correlation_half_life_bars=0.5)
    state = trailing.step(trailing.init(), jnp.array([4.0, jnp.nan]), jnp.array([True, False]))
    np.testing.assert_allclose(state.variance, [0.5 * 4.0 + 0.5 * 16.0, 1.0])
    np.testing.assert_allclose(state.moments, [[0.25 + 0.75 * 4.0, 0.25], [0.25, 1.0]])


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_missing_correlations_stay_those_of_a_law(seed):
    """No eigenvalue below the base's share: a pair's moment outlives neither asset's own.

    The case that breaks moments which wait: two assets move together, then one is gone while the other falls still.
    """
    rng = np.random.default_rng(seed)
    base = jnp.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1.0]])
    trailing = Trailing(base, jnp.full(3, 1e-4), correlation_half_life_bars=5.0, volatility_half_life_bars=500.0)
    common = rng.standard_normal((40, 1))
    together = 0.01 * np.concatenate([common, common, rng.standard_normal((40, 1))], axis=1)
    returns = np.concatenate([together, 1e-4 * rng.standard_normal((40, 3)), 0.02 * rng.standard_normal((40, 3))])
    observed = rng.random((120, 3)) < 0.6
    observed[:40], observed[40:80, 1] = True, False
    step, state = eqx.filter_jit(trailing.step), trailing.init()
    floor = 0.5 * np.linalg.eigvalsh(base)[0]
    for now, seen in zip(returns, observed, strict=True):
        state = step(state, jnp.asarray(now), jnp.asarray(seen))
        assert np.linalg.eigvalsh(trailing.correlation(state))[0] >= floor - 1e-12


def test_half_lives_are_half_lives():
    """Eleven bars without a move halve the variance; sixty halve the moments."""
    trailing = Trailing(_BASE, jnp.array([4.0, 1.0]))
    states = [trailing.init()]
    step = eqx.filter_jit(trailing.step)
    for _ in range(60):
        states.append(step(states[-1], jnp.zeros(2)))
    np.testing.assert_allclose(states[11].variance, [2.0, 0.5], rtol=1e-12)
    np.testing.assert_allclose(states[60].moments, 0.5 * _BASE, rtol=1e-12)


def test_the_variance_has_a_floor():
    trailing = Trailing(_BASE, jnp.full(2, 1e-12))
    state = trailing.step(trailing.init()._replace(variance=jnp.full(2, 1e-12)), jnp.zeros(2))
    np.testing.assert_allclose(state.variance, 1e-10)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1.0, 1.0, allow_subnormal=False), min_size=6, max_size=6), st.floats(-0.95, 0.95))
def test_the_correlation_stays_positive_definite(returns, base):
    """Even for bars in which both assets move as one, or not at all."""
    trailing = Trailing(jnp.array([[1.0, base], [base, 1.0]]), jnp.array([1e-4, 1e-2]))
    _, correlation = _three_bars(trailing, jnp.array(returns).reshape(3, 2))
    np.testing.assert_allclose(np.diag(correlation), 1.0, rtol=1e-12)
    # Half of the base's smallest eigenvalue is left whatever the returns were.
    assert np.linalg.eigvalsh(correlation)[0] >= 0.5 * (1.0 - abs(base)) - 1e-9


def test_fit_takes_the_moments_of_the_training_period():
    returns = np.random.default_rng(1).standard_normal((200, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0], [0, 0.3, 2]]) + 1.0
    trailing = fit_trailing(jnp.asarray(returns))
    expected = 0.95 * np.corrcoef(returns.T) + 0.05 * np.eye(3)
    np.testing.assert_allclose(trailing.base_correlation, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(trailing.base_variance, np.var(returns, axis=0), rtol=1e-10)


@pytest.mark.parametrize("shrinkage", [0.0, -0.1, 1.5])
def test_shrinkage_outside_its_range_is_refused(shrinkage):
    with pytest.raises(ValueError, match=f"was {shrinkage}"):
        Trailing(_BASE, jnp.ones(2), shrinkage=shrinkage)
