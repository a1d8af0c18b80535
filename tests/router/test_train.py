"""Training on soft labels and fitting the temperature."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from aurora_jax.router import (
    EVIDENCE,
    Labelled,
    LabelledPaths,
    class_shares,
    concatenate,
    fit_temperature,
    monotonicity_violations,
    train_router,
)

_MAP = np.array([[3.0, 0.0, -2.0], [0.0, 2.5, -2.0], [0.5, -0.5, 0.0]])
_BARS = 64


def _toy(seed, count):
    """Inputs whose true class probabilities are softmax(x M), x the last three numbers of evidence."""
    inputs = np.zeros((count, 2 + EVIDENCE))
    inputs[:, -3:] = np.random.default_rng(seed).standard_normal((count, 3))
    truth = softmax(inputs[:, -3:] @ _MAP, axis=1)
    return Labelled(jnp.asarray(inputs, jnp.float32), jnp.asarray(truth, jnp.float32)), truth


@pytest.fixture(scope="module")
def trained():

    training, _ = _toy(0, 600)
    validation, _ = _toy(1, 200)
    return train_router(
        jax.random.key(2), training, validation, steps=250, batch_windows=64, learning_rate=1e-2, window_bars=_BARS
    )


def test_the_router_learns_the_probabilities_of_unseen_windows(trained):
    """Mean absolute error: 0.34 for uniform probabilities."""
    fresh, truth = _toy(2, 500)
    probabilities = np.asarray(trained.router.probabilities(fresh.inputs).probabilities)
    assert np.mean(np.abs(probabilities - truth)) < 0.03
    assert np.mean(np.argmax(probabilities, axis=1) == np.argmax(truth, axis=1)) > 0.95
    assert np.mean(trained.losses[-20:]) < np.mean(trained.losses[:3]) - 0.3


def test_probabilities_are_double_and_sum_to_one(trained):
    probabilities = trained.router.probabilities(50.0 * jnp.ones((2, 4, 2 + EVIDENCE), jnp.float32)).probabilities
    assert probabilities.shape == (2, 4, 3)
    assert probabilities.dtype == jnp.float64
    np.testing.assert_allclose(np.sum(probabilities, axis=-1), 1.0, rtol=1e-14)


def test_a_router_needs_windows(key):
    some, _ = _toy(0, 4)
    none = Labelled(some.inputs[:0], some.weights[:0])
    for training, validation in ((none, some), (some, none)):
        with pytest.raises(ValueError, match="at least one"):
            train_router(key, training, validation, steps=1, window_bars=_BARS)


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


def test_the_hinge_keeps_the_end_family_from_falling():
    """Paths whose third family falls as the labels have it: with the hinge it no longer does, without it does."""
    training, _ = _toy(0, 300)
    inputs = np.zeros((20, 2, 4, 2 + EVIDENCE), np.float32)
    inputs[..., -3] = np.linspace(-1.0, 1.0, 4)  # raises the first family, lowers the third
    inputs[..., -1] = np.random.default_rng(3).standard_normal((20, 1, 1))
    weights = softmax(inputs[..., -3:] @ _MAP, axis=-1)
    paths = LabelledPaths(jnp.asarray(inputs), jnp.asarray(weights, jnp.float32), jnp.full(20, 2))

    def falls(weight):
        settings = {"steps": 120, "batch_windows": 64, "learning_rate": 1e-2, "window_bars": _BARS}
        trained = train_router(jax.random.key(2), training, training, paths=paths, monotone_weight=weight, **settings)
        return monotonicity_violations(trained.router.probabilities(paths.inputs[:, 0]).probabilities, paths.end_family)

    assert falls(0.0) == 1.0
    assert falls(100.0) < 0.1
