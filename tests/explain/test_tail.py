"""Tail figures of weighted draws: closed forms, importance sampling against plain, pairs."""

import numpy as np
import pytest
from scipy import stats

from aurora_jax.explain import tail_risk
from aurora_jax.explain.tail import paired_difference, weighted_quantile
from tests.statistics import assert_mean


def test_by_hand():
    """Losses 1..20 at p = .1: the smallest value that 90 % do not exceed is 18, the worst two average 19.5."""
    found = tail_risk(np.repeat(np.arange(1.0, 21.0), 10), np.ones(200), tail_probability=0.1)
    assert found.value_at_risk == 18.0
    np.testing.assert_allclose(found.expected_shortfall, 19.5, rtol=1e-12)
    assert found.effective_paths == pytest.approx(200.0)


def test_weights_count_like_repetitions():
    values, weights = np.arange(100.0), np.arange(1, 101)
    repeated = np.repeat(values, weights)
    one = tail_risk(values, weights.astype(float), tail_probability=0.4)
    many = tail_risk(repeated, np.ones(repeated.size), tail_probability=0.4)
    np.testing.assert_allclose(one[0::2], (many[0], many[2], one.effective_paths), rtol=1e-12)


@pytest.mark.stat
def test_standard_normal_losses_have_the_known_shortfall_and_honest_errors():
    """ES at 95 % is 2.0627128; over 400 samples z-scores have mean 0 and standard deviation 1."""
    rng = np.random.default_rng(1)
    found = [tail_risk(rng.standard_normal(2000), np.ones(2000), tail_probability=0.05) for _ in range(400)]
    z = np.array(
        [
            [
                (f.expected_shortfall - 2.0627128075) / f.expected_shortfall_error,
                (f.value_at_risk - stats.norm.ppf(0.95)) / f.value_at_risk_error,
            ]
            for f in found
        ]
    )
    assert_mean(z, 0.0, bias=0.15)  # of order n^(-1/2)
    np.testing.assert_allclose(z.std(axis=0), 1.0, atol=0.15)


@pytest.mark.stat
def test_a_tilted_sample_weighs_back_to_the_tail_with_a_smaller_error():
    """Normal draws moved by 2 and weighted by the likelihood ratio: ES at 99 % is 2.6652142203."""
    rng = np.random.default_rng(2)
    moved = rng.standard_normal(5000) + 2.0
    tilted = tail_risk(moved, np.exp(-2.0 * moved + 2.0), tail_probability=0.01)
    plain = tail_risk(rng.standard_normal(5000), np.ones(5000), tail_probability=0.01)
    for found in (tilted, plain):
        assert abs(found.expected_shortfall - 2.6652142203) < 4.0 * found.expected_shortfall_error
    assert tilted.expected_shortfall_error < 0.5 * plain.expected_shortfall_error
    assert tilted.effective_paths < 1000


@pytest.mark.stat
def test_paired_errors_are_smaller_and_honest():
    rng = np.random.default_rng(3)
    share = np.full(500, 1.0 / 500)
    z, widths = [], []
    for _ in range(400):
        first = rng.standard_normal(500)
        second = 1.1 * first + 0.3
        effect, error = paired_difference(first, share, second, share)
        z.append((effect - 0.3) / error)
        widths.append(error * np.sqrt(500))
    np.testing.assert_allclose(np.std(z), 1.0, atol=0.15)
    np.testing.assert_allclose(np.mean(widths), 0.1, rtol=0.05)  # the difference moves by a tenth of the first alone


def test_what_cannot_be_told_is_refused():
    with pytest.raises(ValueError, match=r"was 1\.5"):
        tail_risk(np.arange(100.0), np.ones(100), tail_probability=1.5)
    with pytest.raises(ValueError, match="only 1 effective"):
        tail_risk(np.arange(100.0), np.ones(100), tail_probability=0.01)


def test_quantiles_reach_their_level():
    values, share = np.array([3.0, 1.0, 2.0]), np.array([0.5, 0.25, 0.25])
    assert [weighted_quantile(values, share, level) for level in (0.2, 0.25, 0.5, 0.51, 1.0)] == [1, 1, 2, 3, 3]
