"""Training on soft labels and fitting the temperature."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from aurora_jax.router import Labelled, class_shares, concatenate, fit_temperature, train_router

_MAP = np.array([[3.0, 0.0, -2.0], [0.0, 2.5, -2.0], [0.5, -0.5, 0.0]])


def _toy(seed, count):
    """Inputs whose true class probabilities are softmax(x M)."""
    inputs = np.random.default_rng(seed).standard_normal((count, 3))
    truth = softmax(inputs @ _MAP, axis=1)
    return Labelled(jnp.asarray(inputs, jnp.float32), jnp.asarray(truth, jnp.float32)), truth


@pytest.fixture(scope="module")
def trained():

    training, _ = _toy(0, 600)
    validation, _ = _toy(1, 200)
    return train_router(jax.random.key(2), training, validation, steps=250, batch_windows=64, learning_rate=1e-2)


def test_the_router_learns_the_probabilities_of_unseen_windows(trained):
    """Mean absolute error: 0.34 for uniform probabilities."""
    fresh, truth = _toy(2, 500)
    probabilities = np.asarray(trained.router.probabilities(fresh.inputs[:, :1], fresh.inputs[:, 1:]))
    assert np.mean(np.abs(probabilities - truth)) < 0.03
    assert np.mean(np.argmax(probabilities, axis=1) == np.argmax(truth, axis=1)) > 0.95
    assert np.mean(trained.losses[-20:]) < np.mean(trained.losses[:3]) - 0.3


def test_probabilities_are_double_and_sum_to_one(trained):
    probabilities = trained.router.probabilities(50.0 * jnp.ones((2, 4, 1)), -50.0 * jnp.ones((2, 4, 2)))
    assert probabilities.shape == (2, 4, 3)
    assert probabilities.dtype == jnp.float64
    np.testing.assert_allclose(np.sum(probabilities, axis=-1), 1.0, rtol=1e-14)


def test_a_router_needs_windows(key):
    some, _ = _toy(0, 4)
    none = Labelled(some.inputs[:0], some.weights[:0])
    for training, validation in ((none, some), (some, none)):
        with pytest.raises(ValueError, match="at least one"):
            train_router(key, training, validation, steps=1)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_temperature_of_overconfident_logits_is_recovered(temperature):
    """Logits T log p against soft labels p: the cross-entropy is smallest at T exactly."""
    truth = np.random.default_rng(4).dirichlet([1.0, 2.0, 3.0], 50)
    found = fit_temperature(temperature * np.log(truth), truth)
    np.testing.assert_allclose(found, temperature, rtol=1e-9)


def test_temperature_matches_a_direct_minimiser():
    rng = np.random.default_rng(5)
    logits, labels = 3.0 * rng.standard_normal((80, 3)), np.eye(3)[rng.integers(0, 3, 80)]
    labels = 0.5 * labels + 0.5 * softmax(logits / 1.7, axis=1)

    def cross_entropy(log_temperature):
        return -np.mean(np.sum(labels * log_softmax(logits / np.exp(log_temperature), axis=1), axis=1))

    direct = minimize_scalar(
        cross_entropy, bounds=(np.log(0.05), np.log(20.0)), method="bounded", options={"xatol": 1e-9}
    )
    np.testing.assert_allclose(fit_temperature(logits, labels), np.exp(direct.x), rtol=1e-5)


def test_shares_and_concatenation_by_hand():
    one = Labelled(jnp.zeros((1, 2)), jnp.array([[1.0, 0.0, 0.0]]))
    two = Labelled(jnp.ones((1, 2)), jnp.array([[0.0, 0.5, 0.5]]))
    both = concatenate(one, two)
    np.testing.assert_array_equal(both.inputs, [[0.0, 0.0], [1.0, 1.0]])
    assert class_shares(both) == {"AR": 0.5, "ARMA": 0.25, "GARCH": 0.25}
