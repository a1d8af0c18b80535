"""Scores of forecasts by hand, and tests between forecasters whose order is known."""

import numpy as np
import pytest
from scipy import stats

from aurora_jax.inference import diebold_mariano
from aurora_jax.study import StudentTForecast, default_lags, differences, score_forecast

BARS = 3000


@pytest.fixture(scope="module")
def observed():
    return 0.01 * np.random.default_rng(0).standard_t(5.0, (BARS, 2))


def _law(scale, bars=BARS):
    shape = (bars, 2)
    return StudentTForecast(np.zeros(shape), np.full(shape, scale), np.full(shape, 5.0))


@pytest.fixture(scope="module")
def scored(observed):
    everything = np.ones(observed.shape, bool)
    return {scale: score_forecast(_law(scale), observed, everything) for scale in (0.01, 0.02, 0.0102)}


def test_the_right_law_is_calibrated(scored):
    right = scored[0.01]
    error = np.sqrt(0.1 * 0.9 / (2 * BARS))
    np.testing.assert_allclose(right.histogram, 0.1, atol=4 * error)
    assert right.kolmogorov_smirnov < 1.63 / np.sqrt(2 * BARS)  # 1 % level
    for level, share in right.levels.items():
        assert share == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / (2 * BARS)))


def test_a_law_twice_too_wide_has_a_hump_and_loses(scored):
    right, wide = scored[0.01], scored[0.02]
    assert wide.histogram[4] > 0.15 > 0.05 > wide.histogram[0]
    # P(T <= t(.05) * 2) of the true law lies at or below the wide law's 5 % quantile.
    assert wide.levels[0.05] == pytest.approx(stats.t.cdf(2 * stats.t.ppf(0.05, 5), 5), abs=0.005)
    found = differences(right, {"wide": wide})["wide"]
    assert set(found) == {"CRPS", "NLL", *(f"pinball {level} %" for level in (5, 25, 50, 75, 95))}
    for name in ("CRPS", "NLL", "pinball 5 %", "pinball 95 %"):
        assert found[name].statistic < -10.0
        assert found[name].p_value < 1e-6
    # The median is the same: its loss is, too.
    assert found["pinball 50 %"].difference == 0.0
    back = differences(wide, {"right": right})["right"]
    assert back["NLL"].difference == pytest.approx(-found["NLL"].difference)


def test_differences_are_the_mean_losses_and_the_test_the_inference_package_has(scored):
    first, second = scored[0.0102], scored[0.01]
    found = differences(first, {"other": second}, lags=3)["other"]
    gap = np.mean(first.losses["CRPS"]) - np.mean(second.losses["CRPS"])
    assert found["CRPS"].difference == pytest.approx(gap)
    assert found["CRPS"].relative == pytest.approx(gap / np.mean(second.losses["CRPS"]))
    assert found["NLL"].relative == found["NLL"].difference  # nats are no share of anything
    expected = diebold_mariano(first.losses["NLL"], second.losses["NLL"], lags=3)
    assert found["NLL"].p_value == pytest.approx(float(expected.p_value))
    assert default_lags(100) == 4
    assert default_lags(3) == 1


def test_missing_bars_count_for_nobody(observed):
    """Absurd returns that were not observed change no score; a bar without any asset is left out."""
    counted = np.ones(observed.shape, bool)
    counted[5], counted[7, 0] = False, False
    absurd = np.where(counted, observed, 1e6)
    found = score_forecast(_law(0.01), absurd, counted)
    assert len(found.losses["CRPS"]) == BARS - 1
    whole = score_forecast(_law(0.01), observed, np.ones(observed.shape, bool))
    single = score_forecast(_law(0.01, 1), observed[7:8], np.array([[False, True]]))
    np.testing.assert_allclose(found.losses["NLL"][:5], whole.losses["NLL"][:5], rtol=1e-12)
    np.testing.assert_allclose(found.losses["NLL"][6], single.losses["NLL"][0], rtol=1e-12)
    np.testing.assert_allclose(found.losses["NLL"][7:], whole.losses["NLL"][8:], rtol=1e-12)
    with pytest.raises(ValueError, match="no return counts"):
        score_forecast(_law(0.01), observed, np.zeros(observed.shape, bool))
