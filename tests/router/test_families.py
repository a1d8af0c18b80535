"""BIC labels of windows whose family is known."""

import numpy as np
import pytest

from aurora_jax.core import Outcome
from aurora_jax.router import FAMILIES, family_weights


@pytest.fixture(scope="module")
def labelled(windows_of_known_family):
    autoregressive, garch = windows_of_known_family
    constant = np.full((1, garch.shape[1]), 0.01)
    return family_weights(np.concatenate([autoregressive, garch, constant])), autoregressive.shape[0]


def test_known_families_are_found_most_of_the_time(labelled):
    """Truth is AR(1) for the first windows and GARCH(1,1) for the others; a coin would be right a third of the time."""
    labels, count = labelled
    chosen = np.argmax(labels.weights[:-1], axis=1)
    assert np.mean(chosen[:count] == FAMILIES.index("AR")) > 0.8
    assert np.mean(chosen[count:] == FAMILIES.index("GARCH")) > 0.8


def test_weights_are_probabilities_in_the_order_of_the_windows(labelled):
    labels, count = labelled
    assert labels.weights.shape == (2 * count + 1, len(FAMILIES))
    np.testing.assert_allclose(np.sum(labels.weights, axis=1), 1.0, rtol=1e-12)
    assert np.all(np.asarray(labels.outcome[:-1]) == Outcome.OK)


def test_a_constant_window_is_uniform_and_says_why(labelled):
    labels, _ = labelled
    np.testing.assert_allclose(labels.weights[-1], np.full(3, 1 / 3), rtol=1e-12)
    assert int(labels.outcome[-1]) != Outcome.OK
