"""Forecast laws against scipy and against sums written out; rivals against recursions by hand and known laws."""

import numpy as np
import pytest
from arch import arch_model
from scipy import integrate, stats

from aurora_jax.study import (
    HistoricalForecast,
    NormalMixtureForecast,
    StudentTForecast,
    ewma_t_forecast,
    garch_t_forecast,
    gjr_garch_t_forecast,
    historical_forecast,
)

_RNG = np.random.default_rng(0)


def _law():
    return StudentTForecast(
        0.01 * _RNG.standard_normal((4, 2)), np.exp(_RNG.standard_normal((4, 2))), 3.0 + _RNG.random((4, 2))
    )


def test_a_student_t_forecast_is_scipys():
    law, observed = _law(), _RNG.standard_normal((4, 2))
    frozen = stats.t(law.degrees_of_freedom, law.mean, law.scale)
    np.testing.assert_allclose(law.log_score(observed), -frozen.logpdf(observed), rtol=1e-9)
    np.testing.assert_allclose(law.probability(observed), frozen.cdf(observed), rtol=1e-12)
    np.testing.assert_allclose(law.probability(law.quantile(0.05)), 0.05, rtol=1e-9)


def test_its_ranked_probability_score_is_the_integral():
    law = StudentTForecast(np.full((1, 1), 0.3), np.full((1, 1), 0.7), np.full((1, 1), 4.0))
    cdf = stats.t(4.0, 0.3, 0.7).cdf
    below, _ = integrate.quad(lambda x: cdf(x) ** 2, -np.inf, -0.5)
    above, _ = integrate.quad(lambda x: (1.0 - cdf(x)) ** 2, -0.5, np.inf)
    np.testing.assert_allclose(law.ranked_probability_score(np.full((1, 1), -0.5)), below + above, rtol=1e-7)


def _mixture():
    """Two components: a body and a tail, of weight .8 and .2."""
    law = NormalMixtureForecast(np.full((1, 1), 0.3), np.full((1, 1), 0.7), np.array([0.8, 0.2]), np.array([0.6, 2.0]))
    body, tail = stats.norm(0.3, 0.42), stats.norm(0.3, 1.4)
    return law, lambda x: 0.8 * body.cdf(x) + 0.2 * tail.cdf(x), lambda x: 0.8 * body.pdf(x) + 0.2 * tail.pdf(x)


def test_a_normal_mixture_forecast_is_the_sum_of_two_normals():
    law, cdf, pdf = _mixture()
    for at in (-1.5, 0.3, 4.0):
        observed = np.full((1, 1), at)
        np.testing.assert_allclose(law.log_score(observed), -np.log(pdf(at)), rtol=1e-9)
        np.testing.assert_allclose(law.probability(observed), cdf(at), rtol=1e-9)
        below, _ = integrate.quad(lambda x: cdf(x) ** 2, -np.inf, at)
        above, _ = integrate.quad(lambda x: (1.0 - cdf(x)) ** 2, at, np.inf)
        np.testing.assert_allclose(law.ranked_probability_score(observed), below + above, rtol=1e-6)
    np.testing.assert_allclose(cdf(law.quantile(0.05)), 0.05, rtol=1e-8)


@pytest.mark.parametrize(("observed", "scale", "words"), [(np.nan, 0.7, "observed"), (0.1, 0.0, "scale of a forecast")])
def test_a_mixture_refuses_what_has_no_score(observed, scale, words):
    law = _mixture()[0]
    broken = NormalMixtureForecast(law.mean, np.full((1, 1), scale), law.weights, law.scales)
    for score in (broken.log_score, broken.ranked_probability_score):
        with pytest.raises(RuntimeError, match=words):
            score(np.full((1, 1), observed))


def test_a_historical_forecast_has_seen_the_bars_before_and_no_other():
    """Windows of three: the law of bar 4 is that of bars 1, 2, 3."""
    returns = np.array([9.0, 1.0, 2.0, 4.0, 3.0, 8.0])[:, None]
    law = HistoricalForecast(returns, 4, 3)
    np.testing.assert_array_equal(law.samples[:, 0], [[1, 2, 4], [2, 4, 3]])
    np.testing.assert_allclose(law.quantile(0.5)[:, 0], [2, 3])
    np.testing.assert_allclose(law.probability(returns[4:])[:, 0], [2 / 3, 1.0])
    # |x - 3| averages 4/3; the mean distance of two of 1, 2, 4 drawn with return is 12/9.
    np.testing.assert_allclose(law.ranked_probability_score(returns[4:])[0, 0], 4 / 3 - 0.5 * 12 / 9)
    assert law.log_score(returns[4:]) is None


def test_ties_count_half():
    law = HistoricalForecast(np.array([0.0, 0.0, 1.0, -1.0, 0.0])[:, None], 4, 4)
    assert law.probability(np.zeros((1, 1)))[0, 0] == pytest.approx(0.25 + 0.25)


@pytest.mark.parametrize("window", [1, 5])
def test_a_window_that_is_not_there_is_refused(window):
    with pytest.raises(ValueError, match=rf"\[2, 4\], the bars before, was {window}"):
        historical_forecast(np.zeros((6, 1)), first=4, window_bars=window)


@pytest.fixture(scope="module")
def garch():
    """GARCH(1,1)-t of two assets at the scale of daily returns."""
    rng = np.random.default_rng(1)
    bars, returns, variances = 6000, [], []
    for omega, alpha, beta in ((2e-6, 0.08, 0.9), (1e-5, 0.15, 0.7)):
        variance, path, seen = omega / (1 - alpha - beta), [], []
        for shock in rng.standard_t(6.0, bars) * np.sqrt(4.0 / 6.0):
            seen.append(variance)
            path.append(np.sqrt(variance) * shock)
            variance = omega + alpha * path[-1] ** 2 + beta * variance
        returns.append(path)
        variances.append(seen)
    return np.asarray(returns).T, np.asarray(variances).T


def test_garch_finds_the_variance_that_made_the_returns(garch):
    """And knows nothing of a bar before it is over: later returns change no earlier forecast."""
    returns, variance = garch
    law = garch_t_forecast(returns, training_bars=4000, first=4000)
    nu = law.degrees_of_freedom
    found = law.scale * np.sqrt(nu / (nu - 2.0))
    assert np.all(np.abs(np.log(found / np.sqrt(variance[4000:]))).mean(axis=0) < 0.05)
    np.testing.assert_allclose(nu[0], 6.0, atol=1.2)
    other = returns.copy()
    other[5000:] *= 3.0
    again = garch_t_forecast(other, training_bars=4000, first=4000)
    np.testing.assert_array_equal(again.scale[:1001], law.scale[:1001])
    assert np.all(again.scale[1001] != law.scale[1001])


def test_gjr_garch_is_archs_own_and_looks_at_no_later_bar(garch):
    returns, _ = garch
    law = gjr_garch_t_forecast(returns, training_bars=4000, first=4000)
    unit = returns[:4000, 0].std()
    model = arch_model(returns[:4000, 0] / unit, p=1, o=1, q=1, dist="t", rescale=False)
    fitted = model.fit(disp="off")
    # One bar after the end of what arch was given, its own forecast.
    ahead = float(np.sqrt(fitted.forecast(horizon=1).variance.iloc[-1, 0]))
    nu = fitted.params["nu"]
    assert law.scale[0, 0] == pytest.approx(unit * ahead * np.sqrt((nu - 2.0) / nu), rel=1e-4)
    other = returns.copy(order="K")  # in another order sums round differently, and the optimiser ends elsewhere
    other[5000:] *= 3.0
    again = gjr_garch_t_forecast(other, training_bars=4000, first=4000)
    np.testing.assert_allclose(again.scale[:1001], law.scale[:1001], rtol=1e-10)


def test_ewma_by_hand_and_its_t_law_by_simulation():
    """Constant volatility 2, t with 5 degrees of freedom: the recursion is exact, the factor and nu are found."""
    returns = 2.0 * np.random.default_rng(2).standard_t(5.0, (8000, 1))
    law = ewma_t_forecast(returns, training_bars=7998, first=7998, decay=0.999)
    start = np.mean(returns[:7998] ** 2)
    weights = 0.001 * 0.999 ** np.arange(7998)[::-1]
    variance = 0.999**7998 * start + np.sum(weights * returns[:7998, 0] ** 2)
    following = 0.999 * variance + 0.001 * returns[7998, 0] ** 2
    factor = law.scale[:, 0] / np.sqrt([variance, following])
    np.testing.assert_allclose(factor[0], factor[1], rtol=1e-10)
    assert factor[0] == pytest.approx(np.sqrt(3.0 / 5.0), rel=0.04)
    assert law.degrees_of_freedom[0, 0] == pytest.approx(5.0, abs=0.6)
    assert not law.mean.any()
