import numpy as np
import pytest
from scipy import stats

from aurora_jax.inference import diebold_mariano
from tests.inference.unchecked import unchecked

TRUTH = np.array([10.0, 20.0, 30.0, 40.0, 50.0])
FIRST = (TRUTH - np.array([11.0, 21.0, 29.0, 42.0, 53.0])) ** 2
SECOND = (TRUTH - np.array([13.0, 26.0, 24.0, 40.0, 59.0])) ** 2


def test_the_published_example_to_the_printed_digits():
    found = diebold_mariano(FIRST, SECOND)
    np.testing.assert_allclose(found.statistic, -2.2229922805746782, rtol=1e-12)
    np.testing.assert_allclose(found.p_value_better, 0.0451556586, atol=5e-11)
    np.testing.assert_allclose(found.p_value, 2 * found.p_value_better, rtol=1e-12)
    np.testing.assert_allclose(found.p_value_worse, 1 - found.p_value_better, rtol=1e-12)


def test_two_periods_ahead_by_hand():
    # Bartlett weight 1/2 at lag 1; the correction is (T + 1 - 4 + 2 / T) / T.
    d = FIRST - SECOND
    e = d - d.mean()
    variance = (e @ e + 2 * 0.5 * (e[1:] @ e[:-1])) / 5
    statistic = np.sqrt((5 + 1 - 4 + 2 / 5) / 5) * d.mean() / np.sqrt(variance / 5)
    found = diebold_mariano(FIRST, SECOND, horizon=2)
    np.testing.assert_allclose(found.statistic, statistic, rtol=1e-12)
    np.testing.assert_allclose(found.p_value, 2 * stats.t.cdf(-abs(statistic), 4), rtol=1e-10)


def test_swapping_the_forecasts_swaps_the_verdict():
    one, other = diebold_mariano(FIRST, SECOND), diebold_mariano(SECOND, FIRST)
    np.testing.assert_allclose(one.statistic, -other.statistic, rtol=1e-12)
    np.testing.assert_allclose(one.p_value_better, other.p_value_worse, rtol=1e-12)


def test_differences_that_never_vary():
    same = diebold_mariano(FIRST, FIRST)
    assert same.statistic == 0.0
    assert same.p_value == 1.0
    always = diebold_mariano(np.ones(8), np.full(8, 2.0))
    assert always.statistic == -np.inf
    assert always.p_value_better == 0.0
    assert always.p_value_worse == 1.0


@pytest.mark.slow
@pytest.mark.stat
def test_size_under_the_null():
    """5 % of equal forecasts are called different; 400 draws know that to 1.1 %."""
    losses = np.random.default_rng(2).chisquare(1, (400, 2, 60))
    rejected = [diebold_mariano(first, second).p_value < 0.05 for first, second in losses]
    assert abs(np.mean(rejected) - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 400)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="at least 2 periods, were 1"):
        diebold_mariano(FIRST[:1], SECOND[:1])
    with unchecked(), pytest.raises(ValueError, match="had 5 and 1"):
        diebold_mariano(FIRST, SECOND[:1])
    with pytest.raises(ValueError, match="were 0 and 0"):
        diebold_mariano(FIRST, SECOND, horizon=0, lags=0)
    with pytest.raises(ValueError, match="finite"):
        diebold_mariano(FIRST, np.where(FIRST > 4, np.nan, SECOND))
