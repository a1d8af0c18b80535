"""A step of the trainer: parts add up to the whole, and a lost number changes nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.teacher import TeacherData, Weights, Windows, initial_model, kernel_of, path_view
from aurora_jax.training.trainer import TrainData, Trainer, TrainSettings

BLOCKS, BARS, ASSETS = 4, 16, 2
LIKELIHOOD = TrainSettings(steps=20, weights=Weights(0.0, 1e-3), patience=2)


@pytest.fixture(scope="module")
def start():
    covariance = jnp.array([[2.0e-4, 0.9e-4], [0.9e-4, 4.0e-4]], jnp.float32)
    mean = jnp.zeros(ASSETS, jnp.float32)
    return initial_model(jax.random.key(0), mean_return=mean, covariance=covariance, embedding_size=2, width=4)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)

    def blocks():
        reading = jnp.asarray(0.3 * rng.normal(size=(BLOCKS, BARS + 1, 1)), jnp.float32)
        returns = jnp.asarray(0.015 * rng.normal(size=(BLOCKS, BARS, ASSETS)), jnp.float32)
        return TeacherData(returns, reading, 0.3 * reading, jnp.arange(BLOCKS) % 3, jnp.float32(0.1))

    training, held_out = blocks(), blocks()
    windows = Windows(training.returns, training.smooth_log_volatility[:, 0], training.regime)
    view = path_view(jax.random.key(1), training.returns.reshape(-1, ASSETS), channels=2)
    return TrainData(training, held_out, windows, view, kernel_of(windows, view, depth=LIKELIHOOD.depth))


def trainer(start, data, **changes):
    return Trainer(start, jax.random.key(7), data, LIKELIHOOD._replace(**changes))


def after_two(one):
    state, _ = one.step(one.init())  # the first step of a warm-up has no length
    return one.step(state)


@pytest.mark.slow  # compiles three gradients
def test_accumulated_gradients_and_half_products_are_those_of_the_whole(start, data):
    (whole, info) = after_two(trainer(start, data))
    (parts, cut) = after_two(trainer(start, data, accumulate=2))
    np.testing.assert_allclose(cut.loss, info.loss, rtol=1e-5)
    np.testing.assert_allclose(cut.gradient_norm, info.gradient_norm, rtol=1e-3)
    for one, other in zip(jax.tree.leaves(whole.parameters), jax.tree.leaves(parts.parameters), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4)
    (_, half) = after_two(trainer(start, data, half_network=True))
    assert half.loss.dtype == info.loss.dtype
    assert half.loss != info.loss  # bfloat16 has 8 bits
    np.testing.assert_allclose(half.loss, info.loss, rtol=1e-3)


@pytest.mark.slow  # compiles a gradient
def test_a_lost_number_leaves_the_state_as_it_was(start, data):
    spoilt = data._replace(training=data.training._replace(returns=data.training.returns.at[0, 0, 0].set(jnp.nan)))
    one = trainer(start, spoilt)
    before = one.init()
    after, info = one.step(before)
    assert not bool(info.finite)
    assert np.isnan(float(info.parts.negative_log_likelihood))
    assert np.isfinite(float(info.parts.separation))
    for x, y in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.slow  # compiles a likelihood
def test_the_best_is_kept_and_patience_ends(start, data):
    one = trainer(start, data)
    state = one.init()
    worse = jax.tree.map(lambda leaf: leaf + 0.3, state.parameters)
    state, score = one.validate(state._replace(parameters=worse))
    assert score > state.best_score
    assert int(state.stale) == 1
    assert not one.finished(state)
    state, _ = one.validate(state)
    assert one.finished(state)  # patience is 2
    for x, y in zip(jax.tree.leaves(state.best), jax.tree.leaves(one.init().parameters), strict=True):
        np.testing.assert_array_equal(x, y)
    # A better score starts the count anew.
    better, found = one.validate(state._replace(best_score=score + 1.0))
    assert int(better.stale) == 0
    assert float(better.best_score) == float(found)


@pytest.mark.parametrize("accumulate", [0, 3])
def test_parts_must_divide_the_blocks(start, data, accumulate):
    with pytest.raises(ValueError, match=f"accumulate must divide the 4 training blocks, was {accumulate}"):
        trainer(start, data, accumulate=accumulate)
