"""The objective is the weighted sum of its parts, each of which can be switched off."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.teacher import (
    PathView,
    SignatureSettings,
    TeacherData,
    Weights,
    Windows,
    initial_model,
    log_likelihood,
    objective,
    separation,
    shocked,
    signature_distance,
)

BLOCKS, BARS, ASSETS, WINDOWS = 3, 16, 2, 8
SETTINGS = SignatureSettings(depth=2, kernel=None, step_size=1)
VIEW = PathView(jnp.eye(ASSETS, dtype=jnp.float32), jnp.full(ASSETS, 0.02, jnp.float32))


@pytest.fixture(scope="module")
def small():
    covariance = jnp.array([[2.0e-4, 0.9e-4], [0.9e-4, 4.0e-4]], jnp.float32)
    mean = jnp.zeros(ASSETS, jnp.float32)
    return initial_model(jax.random.key(0), mean_return=mean, covariance=covariance, embedding_size=3, width=8)


@pytest.fixture(scope="module")
def market():
    rng = np.random.default_rng(0)
    single = jnp.float32
    reading = 0.3 * rng.normal(size=(BLOCKS, BARS + 1, 1))
    data = TeacherData(
        jnp.asarray(0.015 * rng.normal(size=(BLOCKS, BARS, ASSETS)), single),
        jnp.asarray(reading, single),
        jnp.asarray(0.3 * reading, single),
        jnp.array([0, 1, 2]),
        jnp.asarray(0.1, single),
    )
    returns = jnp.asarray(0.02 * rng.normal(size=(WINDOWS, BARS, ASSETS)), single)
    return data, Windows(returns, jnp.zeros((WINDOWS, 1), single), jnp.arange(WINDOWS) % 3)


@pytest.mark.slow  # compiles a simulation
@pytest.mark.parametrize("weights", [Weights(0.7, 2.0), Weights(0.0, 2.0), Weights(0.7, 0.0)])
def test_the_total_is_the_weighted_sum_and_zero_leaves_a_part_out(small, market, weights):
    data, windows = market
    key = jax.random.key(1)
    run = jax.jit(lambda: objective(small, key, data, windows, VIEW, weights=weights, settings=SETTINGS))
    total, parts = run()
    fit, apart = -float(log_likelihood(small, data)), float(separation(small, data))
    expected, distance = fit + weights.separation * apart, 0.0
    if weights.signature:
        distance = float(signature_distance(small, key, windows, VIEW, **SETTINGS._asdict()))
        assert abs(distance) > 1e-3
    np.testing.assert_allclose(parts, (fit, distance, apart), rtol=2e-4, atol=2e-6)
    np.testing.assert_allclose(total, expected + weights.signature * distance, rtol=2e-4)


def test_without_the_distance_no_path_is_simulated(small, market):
    data, windows = market
    impossible = windows._replace(returns=jnp.full_like(windows.returns, jnp.nan))
    total, _ = objective(small, jax.random.key(1), data, impossible, VIEW, weights=Weights(0.0, 0.0), settings=SETTINGS)
    assert np.isfinite(float(total))


def test_separation_by_hand(small, market):
    """At v = 0 the slope of g is L itself: its squared norm is the trace of the regime's covariance."""
    data, _ = market
    flat = data._replace(smooth_log_volatility=jnp.zeros_like(data.smooth_log_volatility))
    table = small.by_regime()
    unit = ASSETS * float(small.diffusion.size) ** 2
    trace = [float(jnp.trace(factor @ factor.T)) / unit for factor in table.price_factor]
    at_rest = [float(i + 0.5 * r[0]) for i, r in zip(table.jump_law.intensity, table.jump_law.response, strict=True)]
    rate = np.mean(at_rest) / (1.0 - float(small.branching_ratio))
    np.testing.assert_allclose(separation(small, flat), rate + np.mean(trace), rtol=1e-5)
    # Volatility up by log 2: the squared slope is four times as large, the jumps are as many.
    louder = flat._replace(smooth_log_volatility=flat.smooth_log_volatility + jnp.float32(np.log(2.0)))
    np.testing.assert_allclose(separation(small, louder), rate + 4.0 * np.mean(trace), rtol=1e-5)
    # The row after the block drives no bar of it.
    later = louder._replace(smooth_log_volatility=louder.smooth_log_volatility.at[:, -1].set(3.0))
    np.testing.assert_allclose(separation(small, later), separation(small, louder), rtol=1e-6)
    # Daily or one-minute bars: what the slope costs does not depend on how large a bar's returns are.
    minute = shocked(small, volatility=0.01)
    np.testing.assert_allclose(separation(minute, louder), separation(small, louder), rtol=1e-4)
