"""Both laws of the emission, against scipy, against each other's limits, and by their draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from aurora_jax.student import GaussianMixtureEmission, StudentTEmission

LEVELS = jnp.asarray([0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])


@pytest.fixture(scope="module")
def mixture():
    return GaussianMixtureEmission(3, 5.0)


def _parts(mixture):
    return np.asarray(mixture.weights, float), np.asarray(mixture.scales, float)


def _density(mixture, x):
    weights, scales = _parts(mixture)
    return np.sum(weights * stats.norm.pdf(x[..., None], scale=scales), axis=-1)


def _distribution(mixture, x):
    weights, scales = _parts(mixture)
    return np.sum(weights * stats.norm.cdf(np.asarray(x)[..., None], scale=scales), axis=-1)


def test_densities_of_the_mixture_are_those_of_scipy(mixture):
    rng = np.random.default_rng(0)
    white = rng.standard_t(3, (4, 5, 3)).astype(np.float32)
    np.testing.assert_allclose(mixture.log_density(jnp.asarray(white)), np.log(_density(mixture, white)), rtol=1e-5)
    weights, scales = _parts(mixture)
    joint = sum(
        weight * stats.multivariate_normal(np.zeros(3), scale**2 * np.eye(3)).pdf(white)
        for weight, scale in zip(weights, scales, strict=True)
    )
    np.testing.assert_allclose(mixture.joint_log_density(jnp.asarray(white)), np.log(joint), rtol=1e-5)


def test_of_one_asset_the_joint_density_is_the_single_one(mixture):
    x = jnp.linspace(-4.0, 4.0, 9, dtype=jnp.float32)
    for law in (mixture, StudentTEmission(4.0)):
        np.testing.assert_allclose(law.joint_log_density(x[:, None]), law.log_density(x), rtol=1e-5)


def test_student_t_densities_are_those_of_scipy():
    white = np.random.default_rng(1).standard_t(3, (6, 3)).astype(np.float32)
    law, nu = StudentTEmission(4.5), 4.5
    np.testing.assert_allclose(law.log_density(jnp.asarray(white)), stats.t(nu).logpdf(white), rtol=1e-4)
    expected = stats.multivariate_t(np.zeros(3), np.eye(3), df=nu).logpdf(white)
    np.testing.assert_allclose(law.joint_log_density(jnp.asarray(white)), expected, rtol=1e-4)


@pytest.mark.parametrize("components", [2, 4, 7])
def test_a_mixture_starts_with_the_variance_of_its_student_t_law(components):
    """And ever nearer to it: its distribution at K = 7 is within 1e-2 of the t law's everywhere."""
    weights, scales = _parts(GaussianMixtureEmission(components, 5.0))
    np.testing.assert_allclose(weights.sum(), 1.0, rtol=1e-6)
    np.testing.assert_allclose(weights @ scales**2, 5.0 / 3.0, rtol=1e-5)
    np.testing.assert_allclose(weights[:-1], 0.5 ** np.arange(1, components), rtol=1e-5)
    x = np.linspace(-6.0, 6.0, 49)
    gap = np.abs(_distribution(GaussianMixtureEmission(components, 5.0), x) - stats.t(5.0).cdf(x)).max()
    assert gap < (0.05 if components == 2 else 0.025)


def test_each_bin_lies_at_the_mean_of_the_mixing_variable_in_it():
    """By quadrature of w's own density, w = nu / X: in the smallest half, and in the largest eighth."""
    nu = 5.0
    _, scales = _parts(GaussianMixtureEmission(4, nu))
    law = stats.invgamma(nu / 2, scale=nu / 2)
    for place, (low, high) in ((0, (0.0, law.ppf(0.5))), (3, (law.ppf(0.875), np.inf))):
        mean = integrate.quad(lambda w: w * law.pdf(w), low, high)[0] / (law.cdf(high) - law.cdf(low))
        np.testing.assert_allclose(scales[place] ** 2, mean, rtol=1e-4)


def test_quantiles_undo_the_distribution(mixture):
    np.testing.assert_allclose(_distribution(mixture, mixture.quantile(LEVELS)), LEVELS, rtol=1e-6)
    np.testing.assert_allclose(StudentTEmission(4.5).quantile(LEVELS), stats.t(4.5).ppf(LEVELS), rtol=1e-5, atol=1e-9)


def test_degrees_of_freedom_of_a_mixture_give_the_same_tail(mixture):
    """The t law's 99 % quantile over its 75 % quantile is the mixture's; wide bins keep it off the source's."""
    tail, body = np.asarray(mixture.quantile(jnp.asarray([0.99, 0.75])))
    law = stats.t(float(mixture.degrees_of_freedom))
    np.testing.assert_allclose(law.ppf(0.99) / law.ppf(0.75), tail / body, rtol=1e-5)
    assert float(GaussianMixtureEmission(9, 5.0).degrees_of_freedom) == pytest.approx(5.0, abs=0.4)


@pytest.mark.stat
@pytest.mark.parametrize("law", [GaussianMixtureEmission(3, 5.0), StudentTEmission(5.0)])
def test_draws_have_the_law(law):
    """Mixing variable times a normal, at the 1e-3 level."""
    draws = 4000
    w = np.asarray(law.mixing(jax.random.key(3), draws, jnp.dtype(float)))
    x = np.sqrt(w) * np.random.default_rng(4).standard_normal(draws)
    distribution = stats.t(5.0).cdf if isinstance(law, StudentTEmission) else (lambda x: _distribution(law, x))
    assert stats.kstest(x, distribution).pvalue > 1e-3
    assert stats.kstest(2.0 * x, distribution).pvalue < 1e-6  # the test has power


def test_a_mixture_of_one_is_refused():
    with pytest.raises(ValueError, match="at least 2 components, was 1"):
        GaussianMixtureEmission(1, 5.0)


def test_gradients_are_finite_in_the_far_tail(mixture):
    far = jnp.asarray([0.0, 50.0, -200.0], jnp.float32)
    for law in (mixture, StudentTEmission(3.0)):
        assert np.all(np.isfinite(jax.vmap(jax.grad(law.log_density))(far)))
