from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from aurora_jax.core import stream
from aurora_jax.inference import debiased_calibration_error, expected_calibration_error
from tests.inference.unchecked import unchecked
from tests.statistics import assert_mean


def test_two_bins_by_hand():
    # Bin [.5, 1]: confidences .8, .6, .6 with hits 1, 0, 1: gap |2/3 - 2/3| = 0; bin [0, .5): .4 and a miss: gap .4.
    table = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.6, 0.3], [0.3, 0.4, 0.3]])
    found = expected_calibration_error(table, np.array([0, 1, 1, 0]), bins=2)
    np.testing.assert_allclose(found, 0.4 / 4, rtol=1e-12)


def test_equal_predictions_share_a_bin():
    """A thousand predictions at .9 with 60 % hits: the gap is .30, however many bins there are and in any order."""
    table = np.tile([0.9, 0.1], (1000, 1))
    labels = (np.arange(1000) % 5 >= 3).astype(int)
    for bins in (1, 10, 15):
        np.testing.assert_allclose(expected_calibration_error(table, labels, bins=bins), 0.30, rtol=1e-10)


def test_tied_classes_do_not_depend_on_their_order():
    # Nothing is known and every class comes true: perfectly calibrated, whichever class an argmax would name.
    table = np.full((9, 3), 1 / 3)
    for labels in (np.arange(9) % 3, np.zeros(9, int), np.full(9, 2)):
        np.testing.assert_allclose(expected_calibration_error(table, labels, bins=10), 0.0, atol=1e-12)


def test_certainty_belongs_to_the_last_bin():
    table = np.array([[1.0, 0.0], [1.0, 0.0], [0.95, 0.05], [0.95, 0.05]])
    # One bin [.9, 1] holds all four: hits 3 of 4, confidence .975.
    found = expected_calibration_error(table, np.array([0, 0, 0, 1]), bins=10)
    np.testing.assert_allclose(found, 0.225, rtol=1e-12)


def test_classes_and_cases_in_any_order(key):
    table = jax.nn.softmax(jr.normal(stream(key, "logits"), (60, 3)))
    labels = jr.randint(stream(key, "labels"), (60,), 0, 3)
    found = expected_calibration_error(table, labels, bins=10)
    np.testing.assert_allclose(
        expected_calibration_error(table[::-1, ::-1], 2 - labels[::-1], bins=10), found, rtol=1e-12
    )


@pytest.mark.slow
@pytest.mark.stat
def test_a_perfect_router_scores_above_zero_and_debiasing_takes_much_of_it_off(key):
    """The plain score of a calibrated classifier is pure bias; the debiased one loses a good part of it."""
    logits = 1.5 * jr.normal(stream(key, "logits"), (50, 1000, 3))
    labels = jr.categorical(stream(key, "labels"), logits)

    def scores(table, truth):
        both = expected_calibration_error, debiased_calibration_error
        return jnp.stack([score(table, truth, bins=15) for score in both])

    plain, debiased = np.asarray(jax.jit(jax.vmap(scores))(jax.nn.softmax(logits), labels)).T
    assert np.mean(plain) > 0.02
    # To first order only: the plug-in gap that the correction is computed at is itself too large.
    assert abs(np.mean(debiased)) < 0.65 * np.mean(plain)


@pytest.mark.stat
def test_a_known_gap_is_recovered(key):
    """Confidence .9 everywhere, truth .7: one bin, gap .2, and no bias worth a name."""
    labels = 1 - jr.bernoulli(stream(key, "gap"), 0.7, (400, 200)).astype(int)
    table = jnp.tile(jnp.array([0.9, 0.1]), (200, 1))
    found = jax.jit(jax.vmap(partial(debiased_calibration_error, table, bins=10)))(labels)
    assert_mean(found, 0.2, bias=1e-4)


def test_bad_arguments_are_refused():
    table, labels = np.tile([0.9, 0.1], (4, 1)), np.zeros(4, int)
    with pytest.raises(ValueError, match="was 0"):
        expected_calibration_error(table, labels, bins=0)
    with pytest.raises(ValueError, match="held none"):
        expected_calibration_error(np.zeros((0, 2)), np.zeros(0, int), bins=5)
    with unchecked(), pytest.raises(ValueError, match="each of 4 cases, held 1"):
        expected_calibration_error(table, labels[:1], bins=5)
    with pytest.raises(RuntimeError, match="sum to 1"):
        expected_calibration_error(2.0 * table, labels, bins=5)
    with pytest.raises(RuntimeError, match="sum to 1"):
        expected_calibration_error(np.nan * table, labels, bins=5)
    with pytest.raises(RuntimeError, match=r"labels must lie in \[0, 2\)"):
        expected_calibration_error(table, labels + 2, bins=5)
