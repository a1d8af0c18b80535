"""The likelihood of readings against the exact multivariate normal one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from aurora_jax.core import stream
from aurora_jax.stochastic import fractional_covariance, fractional_gaussian_noise
from aurora_jax.training.posterior.volatility_likelihood import (
    reading_autocovariance,
    reading_power,
    reading_table,
    volatility_log_likelihood,
)

LAW = {"hurst": 0.12, "volatility_of_volatility": 0.3, "error_variance": 0.08}


def exact_covariance(steps, *, hurst, volatility_of_volatility, error_variance):
    differences = np.diff(np.eye(steps + 1), axis=0)
    noise = np.asarray(jax.jit(fractional_covariance)(jnp.full(steps, hurst)))
    return volatility_of_volatility**2 * noise + error_variance * differences @ differences.T


def normal_logpdf(values, covariance):
    """By Cholesky, ten times as fast as scipy's eigenvectors; the constant is left out."""
    factor = np.linalg.cholesky(covariance)
    return -0.5 * np.sum(np.linalg.solve(factor, values) ** 2) - np.sum(np.log(np.diag(factor)))


def readings(key, steps, hurst=0.12):
    noise = 0.3 * np.asarray(fractional_gaussian_noise(stream(key, "noise"), hurst=hurst, steps=steps))
    return noise + np.diff(np.sqrt(0.08) * np.random.default_rng(1).normal(size=steps + 1))


def test_autocovariance_is_that_of_differenced_noisy_motion():
    covariance = exact_covariance(40, **LAW)
    np.testing.assert_allclose(reading_autocovariance(**LAW, steps=40), covariance[0], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("hurst", [0.02, 0.1234, 0.5, 0.9])
def test_it_is_the_exact_likelihood_of_a_block(key, hurst):
    """At nodes of H and between them, whatever the two sizes."""
    increments, table = readings(key, 64), reading_table(64)
    power = reading_power(jnp.asarray(increments), table)
    for scale, error in ((0.3, 0.08), (1.1, 0.02), (0.05, 0.3)):
        law = {"hurst": hurst, "volatility_of_volatility": scale, "error_variance": error}
        exact = stats.multivariate_normal.logpdf(increments, cov=exact_covariance(64, **law))
        assert float(volatility_log_likelihood(power, table, **law)) == pytest.approx(exact, rel=1e-6, abs=1e-5)


def test_it_is_exact_at_a_node(key):
    increments, table = readings(key, 32), reading_table(32)
    law = {**LAW, "hurst": float(table.nodes[17])}
    found = volatility_log_likelihood(reading_power(jnp.asarray(increments), table), table, **law)
    exact = stats.multivariate_normal.logpdf(increments, cov=exact_covariance(32, **law))
    assert float(found) == pytest.approx(exact, rel=1e-10)


@pytest.mark.slow
def test_blocks_add_up_and_a_rest_is_left_out(key):
    increments, table = readings(key, 1026), reading_table(1026)
    found = volatility_log_likelihood(reading_power(jnp.asarray(increments), table), table, **LAW)
    block = stats.multivariate_normal(cov=exact_covariance(256, **LAW))
    exact = sum(block.logpdf(increments[i : i + 256]) for i in range(0, 1024, 256))
    assert float(found) == pytest.approx(exact, rel=1e-5)


def test_the_slope_in_hurst_is_that_of_the_exact_likelihood(key):
    increments, table = readings(key, 64), reading_table(64)
    power = reading_power(jnp.asarray(increments), table)
    settings = {"volatility_of_volatility": 0.3, "error_variance": 0.08}
    slope = jax.grad(lambda h: volatility_log_likelihood(power, table, hurst=h, **settings))(0.15)
    exact = [
        stats.multivariate_normal.logpdf(increments, cov=exact_covariance(64, hurst=h, **settings))
        for h in (0.149, 0.151)
    ]
    assert float(slope) == pytest.approx((exact[1] - exact[0]) / 0.002, rel=1e-3)


@pytest.mark.slow
def test_independent_blocks_lose_little(key):
    """Posterior of H over 1024 bars in blocks of 256 against the whole at once: a tenth of its deviation."""
    increments, grid = readings(key, 1024), np.linspace(0.04, 0.4, 37)
    table = reading_table(1024)
    power = reading_power(jnp.asarray(increments), table)
    settings = {"volatility_of_volatility": 0.3, "error_variance": 0.08}
    blocks = np.asarray(
        jax.vmap(lambda h: volatility_log_likelihood(power, table, hurst=h, **settings))(jnp.asarray(grid))
    )
    exact = np.array([normal_logpdf(increments, exact_covariance(1024, hurst=h, **settings)) for h in grid])
    weights = [np.exp(values - values.max()) for values in (blocks, exact)]
    means = [np.sum(w * grid) / np.sum(w) for w in weights]
    spreads = [np.sqrt(np.sum(w * (grid - m) ** 2) / np.sum(w)) for w, m in zip(weights, means, strict=True)]
    assert abs(means[0] - means[1]) < 0.3 * spreads[1]
    assert spreads[0] == pytest.approx(spreads[1], rel=0.1)


def test_too_few_steps_are_refused():
    with pytest.raises(ValueError, match="steps must be at least 3, was 2"):
        reading_table(2)
