"""The Barndorff-Nielsen-Shephard test: by hand, its size, its power."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import gamma

from aurora_jax.invariants import jump_test
from tests.statistics import assert_mean

STEPS, PATHS = 400, 2000
test_batch = jax.jit(jax.vmap(jump_test))
test_batch.__test__ = False


def slow_twin(returns):
    count, size = len(returns), np.abs(returns)
    bipower = np.pi / 2 * count / (count - 1) * sum(size[i] * size[i - 1] for i in range(1, count))
    moment = 2 ** (2 / 3) * gamma(7 / 6) / gamma(1 / 2)
    triples = sum((size[i] * size[i - 1] * size[i - 2]) ** (4 / 3) for i in range(2, count))
    spread = count * moment**-3 * count / (count - 2) * triples / bipower**2
    error = np.sqrt((np.pi**2 / 4 + np.pi - 5) / count * max(1, spread))
    return (1 - bipower / np.sum(size**2)) / error, spread


def test_by_hand():
    # RV = 6.25, BV = pi/2 * 4/3 * 3.5 > RV; the two triple products are 1, TP / BV^2 < 1.
    statistic = (1 - np.pi / 2 * 4 / 3 * 3.5 / 6.25) / np.sqrt((np.pi**2 / 4 + np.pi - 5) / 4)
    result = jax.jit(jump_test)(jnp.array([1.0, -2.0, 0.5, 1.0]))
    np.testing.assert_allclose(result.statistic, statistic, rtol=1e-12)
    np.testing.assert_allclose(result.p_value, stats.norm.sf(statistic), rtol=1e-9)


def test_burst_of_volatility_against_a_slow_twin():
    """Where volatility is concentrated the tripower quarticity widens the error."""
    returns = np.array([0.1, -10.0, 10.0, 12.0, 0.1, -0.1, 0.2, 0.1])
    statistic, spread = slow_twin(returns)
    assert spread > 1.2
    np.testing.assert_allclose(jax.jit(jump_test)(jnp.asarray(returns)).statistic, statistic, rtol=1e-12)


@pytest.mark.stat
def test_size_and_power():
    random = np.random.default_rng(0)
    # Volatility moves by a factor of four within the path, slowly: still no jumps.
    volatility = np.exp(0.7 * np.sin(2 * np.pi * np.arange(STEPS) / STEPS))
    smooth = volatility * random.standard_normal((PATHS, STEPS))
    assert_mean(np.asarray(test_batch(jnp.asarray(smooth)).p_value) < 0.05, 0.05, bias=0.012)  # finite sample
    smooth[:, 150] += 16.0  # ten standard deviations of that time
    assert np.mean(np.asarray(test_batch(jnp.asarray(smooth)).p_value) < 0.05) > 0.9


def test_scale_does_not_matter():
    path = np.random.default_rng(1).standard_normal((PATHS, STEPS))
    statistic = test_batch(jnp.asarray(path)).statistic
    np.testing.assert_allclose(test_batch(jnp.asarray(1e-100 * path)).statistic, statistic, rtol=1e-9)


@pytest.mark.parametrize("returns", [np.zeros(5), np.array([0.0, 1.0, 0.0, 2.0, 0.0])])
def test_nothing_to_compare_with_is_no_evidence(returns):
    result = jump_test(jnp.asarray(returns))
    assert result.statistic == 0.0
    assert result.p_value == 1.0


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="at least 3 returns, found 2"):
        jump_test(jnp.ones(2))
    with pytest.raises(RuntimeError, match="NaN or infinity"):
        jump_test(jnp.array([1.0, jnp.nan, 2.0]))


@pytest.mark.parametrize("level", [0.0, 0.1, -3.0])
def test_returns_that_never_vary_hold_no_evidence(level):
    found = jump_test(jnp.full(100, level))
    assert (found.statistic, found.p_value) == (0.0, 1.0)
