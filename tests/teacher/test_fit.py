"""Fitting: blocks by hand, and a known model found again in part."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.teacher import (
    VolatilityMeasure,
    fit,
    initial_state,
    log_likelihood,
    penalised_loss,
    shocked,
    simulate,
    teacher_data,
)

BLOCKS, BARS = 12, 40


def _measure(reading, error_variance=0.0):
    return VolatilityMeasure(jnp.asarray(reading), jnp.asarray(error_variance, reading.dtype))


@pytest.mark.slow
def test_blocks_by_hand():
    """Seven returns, two blocks of three; a block ends with the reading after it; a bar knows those before it."""
    returns = jnp.arange(14.0).reshape(7, 2)
    reading = np.array([1.0, 3.0, 2.0, 5.0, 4.0, 7.0, 6.0])[:, None]
    data = teacher_data(returns, _measure(reading), jnp.array([2, 0]), block_bars=3, smoothing_bars=1.0)
    np.testing.assert_array_equal(data.returns[1], [[6.0, 7.0], [8.0, 9.0], [10.0, 11.0]])
    np.testing.assert_array_equal(data.log_volatility[..., 0], [[1.0, 3.0, 2.0, 5.0], [5.0, 4.0, 7.0, 6.0]])
    known = [[0.0, 0.5, 1.75, 1.875], [1.875, 3.4375, 3.71875, 5.359375]]
    np.testing.assert_allclose(data.smooth_log_volatility[..., 0], known)
    unsmoothed = teacher_data(returns, _measure(reading), jnp.array([2, 0]), block_bars=3, smoothing_bars=0.0)
    np.testing.assert_array_equal(unsmoothed.smooth_log_volatility[:, 1:], unsmoothed.log_volatility[:, :-1])


@pytest.mark.slow
def test_a_series_too_short_for_its_blocks_is_refused():
    with pytest.raises(ValueError, match="need 7 returns, found 6"):
        teacher_data(jnp.zeros((6, 2)), _measure(np.zeros((6, 1))), jnp.array([0, 0]), block_bars=3)


@pytest.fixture(scope="module")
def fitted(model):
    """Data of a market twice as volatile as the model that the fit starts from."""
    truth = shocked(model, volatility=2.0)
    regime = jnp.asarray(np.arange(BLOCKS) % 3)

    def market(seed):
        path = simulate(truth, jax.random.key(seed), initial_state(truth), regime, steps=BLOCKS * BARS)
        returns = jnp.diff(path.log_price, axis=0)
        returns = jnp.concatenate([returns, jnp.zeros((1, 2), returns.dtype)])
        return teacher_data(returns, _measure(path.log_volatility), regime, block_bars=BARS, smoothing_bars=0.0)

    training, held_out = market(1), market(2)
    calls = []
    result = fit(
        model, training, held_out, steps=120, learning_rate=2e-2, on_step=lambda step, loss: calls.append((step, loss))
    )
    return result, training, held_out, calls


@pytest.mark.slow
def test_fitting_lowers_the_loss_also_on_unseen_blocks(fitted):
    """Two prices at half the true scale cost about 2 (4 / 2 - 1/2 - log 2) = 1.6 a bar."""
    result, _, _, calls = fitted
    assert result.losses[-1] < result.losses[0] - 0.5
    assert result.held_out < result.held_out_before - 0.5
    np.testing.assert_allclose([loss for _, loss in calls], result.losses)


@pytest.mark.slow
def test_fitting_finds_the_greater_volatility(fitted, model):
    result = fitted[0]
    ratio = [np.linalg.norm(m.by_regime().price_factor) for m in (result.model, model)]
    assert 1.4 < ratio[0] / ratio[1] < 2.8


@pytest.mark.slow
def test_scores_are_minus_the_log_likelihood(fitted, model):
    result, training, held_out, _ = fitted
    likelihood = jax.jit(log_likelihood)
    np.testing.assert_allclose(result.held_out, -likelihood(result.model, held_out), rtol=1e-4)
    np.testing.assert_allclose(result.held_out_before, -likelihood(model, held_out), rtol=1e-4)
    table = jax.tree.map(np.asarray, model.by_regime())
    level = np.exp(2.0 * np.asarray(training.smooth_log_volatility)[:, :-1, 0])
    unit = 2.0 * float(model.diffusion.size) ** 2
    size = np.sum(table.price_factor**2, axis=(1, 2))[np.asarray(training.regime)] / unit
    at_rest = table.jump_law.intensity + 0.5 * table.jump_law.response[:, 0]
    rate = np.mean(at_rest[np.asarray(training.regime)]) / (1.0 - float(model.branching_ratio))
    penalty = rate + np.mean(level * size[:, None])
    expected = -likelihood(model, training) + 0.5 * penalty
    np.testing.assert_allclose(penalised_loss(model, training, 0.5), expected, rtol=1e-4)
