"""Closed forms are those of spec/oracles.md, not of the code."""

import jax
import numpy as np
import pytest
from scipy import integrate, stats

from aurora_jax.scenarios import FractionalGaussian, MaxAutoregression, StudentTCopula
from tests.statistics import assert_mean

STEPS, PATHS = 256, 400


def sample(law, key):
    return np.asarray(jax.jit(jax.vmap(lambda k: law.returns(k, steps=STEPS)))(jax.random.split(key, PATHS)))


@pytest.mark.parametrize(("hurst", "lag_one"), [(0.1, -0.42565), (0.7, 0.31951)])
def test_fractional_gaussian_has_its_scale_and_its_lag_one_correlation(key, hurst, lag_one):
    returns = sample(FractionalGaussian(hurst=hurst, scale=0.02), key)
    assert returns.shape == (PATHS, STEPS, 2)
    assert_mean(np.mean(returns**2, axis=(1, 2)) / 0.02**2, 1.0)
    assert_mean(np.mean(returns[:, 1:] * returns[:, :-1], axis=(1, 2)) / 0.02**2, lag_one)
    assert_mean(np.mean(returns[:, :, 0] * returns[:, :, 1], axis=1) / 0.02**2, 0.0)  # assets are independent


@pytest.mark.parametrize(
    ("nu", "rho", "dependence"), [(2.0, 0.5, 0.3910), (4.0, 0.5, 0.2532), (10.0, 0.5, 0.0819), (4.0, 0.0, 0.0756)]
)
def test_student_t_truth_is_the_published_tail_dependence(nu, rho, dependence):
    truth = StudentTCopula(degrees_of_freedom=nu, correlation=rho).truth()
    assert truth["tail_dependence"] == pytest.approx(dependence, abs=5e-5)
    assert truth["tail_index"] == pytest.approx(1 / nu)


def test_student_t_margins_and_shared_mixing(key):
    """t4 with rho = .5: median of |t4| .740697; joint exceedances at q = .99 are .287 (oracles), not .046."""
    returns = sample(StudentTCopula(degrees_of_freedom=4.0, correlation=0.5, scale=1.0), key)
    inside = np.mean(np.abs(returns) < 0.740697, axis=(1, 2))
    assert_mean(inside, 0.5)
    flat = returns.reshape(-1, 2)
    beyond = flat > 3.746947  # the .99 quantile of t4
    joint = beyond.all(axis=1).reshape(PATHS, -1).mean(axis=1) / 0.01
    assert_mean(joint, 0.287, bias=0.002)


def test_one_asset_has_no_tail_dependence_to_know():
    assert "tail_dependence" not in StudentTCopula(degrees_of_freedom=4.0, correlation=0.0, assets=1).truth()


def test_max_autoregression_margin_clusters_and_mean(key):
    """P(Y <= y) = exp(-1/y), and P(Y_0, Y_1 <= y) = exp(-(2 - a) / y): both by hand from the recursion."""
    a, xi = 0.6, 0.25
    returns = sample(MaxAutoregression(persistence=a, tail_index=xi, scale=1.0), key)
    y = (1.2254167024651776 - returns) ** (1 / xi)  # Gamma(3/4)
    assert_mean(np.mean(y <= 2.0, axis=(1, 2)), np.exp(-0.5))
    pairs = (y[:, 1:] <= 2.0) & (y[:, :-1] <= 2.0)
    assert_mean(np.mean(pairs, axis=(1, 2)), np.exp(-(2 - a) / 2.0))
    assert_mean(np.mean(y[:, :1] <= 2.0, axis=(1, 2)), np.exp(-0.5))  # stationary from the first step
    assert_mean(np.mean(returns, axis=(1, 2)), 0.0)
    assert MaxAutoregression(persistence=a, tail_index=xi).truth() == {"tail_index": xi, "extremal_index": 1 - a}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FractionalGaussian(hurst=1.2), r"hurst must lie in \(0, 1\), was 1\.2"),
        (lambda: FractionalGaussian(hurst=0.3, assets=0), "at least 1, was 0"),
        (lambda: FractionalGaussian(hurst=0.3, scale=0.0), r"scale must be positive, was 0\.0"),
        (lambda: StudentTCopula(degrees_of_freedom=-1.0, correlation=0.0), r"degrees_of_freedom.*was -1\.0"),
        (lambda: StudentTCopula(degrees_of_freedom=4.0, correlation=-0.6, assets=3), r"positive definite.*was -0\.6"),
        (lambda: MaxAutoregression(persistence=1.0, tail_index=0.3), r"persistence.*was 1\.0"),
        (lambda: MaxAutoregression(persistence=0.5, tail_index=1.5), r"tail_index.*was 1\.5"),
    ],
)
def test_parameters_out_of_range_name_the_value(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_at_the_level_measured_tail_dependence_is_the_one_computed_elsewhere():
    """Oracles, by simulation: t4, rho = .5 at q = .95 / .99: .340 / .287. Exactly: given X_1, X_2 is a t5."""
    law = StudentTCopula(degrees_of_freedom=4.0, correlation=0.5)
    for quantile, simulated in ((0.95, 0.340), (0.99, 0.287), (0.999, None)):
        level = stats.t(4).ppf(quantile)

        def joint(x, level=level):
            spread = np.sqrt((4.0 + x**2) * 0.75 / 5.0)
            return stats.t(4).pdf(x) * stats.t(5).sf((level - 0.5 * x) / spread)

        exact = integrate.quad(joint, level, np.inf, epsabs=1e-12)[0] / (1.0 - quantile)
        found = law.at_level(tail_share=0.025, extreme_quantile=quantile)["tail_dependence"]
        assert found == pytest.approx(exact, rel=1e-5)
        assert simulated is None or found == pytest.approx(simulated, abs=0.002)


def test_at_the_level_measured_the_tail_index_is_hills_expectation(key):
    """Against Hill's formula on many draws at the known threshold."""
    student = StudentTCopula(degrees_of_freedom=4.0, correlation=0.0, assets=1, scale=1.0)
    maxima = MaxAutoregression(persistence=0.0, tail_index=0.3, assets=1, scale=1.0)
    for law in (student, maxima):
        loss = -sample(law, key).ravel()
        threshold = np.quantile(loss, 0.975)
        excess = np.log(loss[loss > threshold] / threshold)
        assert_mean(excess, law.at_level(tail_share=0.025, extreme_quantile=0.95)["tail_index"], bias=0.003)
