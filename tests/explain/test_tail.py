"""Tail figures of weighted draws: closed forms, importance sampling against plain, pairs."""

import numpy as np
import pytest
from scipy import stats

from aurora_jax.explain import tail_risk
from aurora_jax.explain.tail import paired_difference, tail_effect, weighted_quantile
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
    np.testing.assert_allclose(z.std(axis=0), 1.0, atol=0.12)


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


def pairs(rng, law):
    """Two losses on the same 1,500 draws with their weights, and the true difference of their quantiles at 95 %."""
    z, noise = rng.standard_normal((2, 1500))
    quantile = stats.norm.ppf(0.95)
    weights = np.ones(1500)
    if law == "tilted":  # draws moved by 1, weighted by the likelihood ratio
        z = z + 1.0
        weights = np.exp(0.5 - z)
    if law == "alike":  # heavy tails, and all but the same loss: the shock of a drift and a little more
        first = stats.t.ppf(stats.norm.cdf(z), 3)
        second = 1.05 * stats.t.ppf(stats.norm.cdf(np.cos(0.05) * z + np.sin(0.05) * noise), 3) + 0.1
        return first, weights, second, weights, 0.05 * stats.t.ppf(0.95, 3) + 0.1
    return z, weights, 0.3 + 1.5 * z + 0.5 * noise, weights, 0.3 + (np.hypot(1.5, 0.5) - 1.0) * quantile


@pytest.mark.stat
@pytest.mark.parametrize("law", ["plain", "tilted", "alike"])
def test_the_effect_on_value_at_risk_lies_within_its_errors_as_often_as_said(law):
    """200 replications: 95 % of intervals of 1.96 errors hold the truth, within 4 errors of that share (6 %).

    Errors may be too large by a third (where the losses are alike), not too small by a seventh.
    """
    rng = np.random.default_rng(4)
    z, risk = [], []
    for _ in range(200):
        first, first_weights, second, second_weights, truth = pairs(rng, law)
        found = tail_effect(first, first_weights, second, second_weights, tail_probability=0.05)
        z.append((found.value_at_risk - truth) / found.value_at_risk_error)
        alone = [tail_risk(one, first_weights, tail_probability=0.05).value_at_risk_error for one in (first, second)]
        risk.append(found.value_at_risk_error / np.hypot(*alone))
    assert np.mean(np.abs(z) < 1.96) > 0.95 - 4.0 * np.sqrt(0.95 * 0.05 / 200)
    assert_mean(z, 0.0, bias=0.15)
    assert 0.72 < np.std(z) < 1.15
    assert np.mean(risk) < {"plain": 0.7, "tilted": 0.7, "alike": 0.4}[law]  # than of two independent runs


def test_an_effect_is_the_difference_of_both_sides():
    rng = np.random.default_rng(6)
    first, second = rng.standard_normal((2, 500))
    weights = rng.uniform(0.5, 2.0, 500)
    one, other = (tail_risk(loss, weights, tail_probability=0.1) for loss in (first, second))
    effect = tail_effect(first, weights, second, weights, tail_probability=0.1)
    np.testing.assert_allclose(effect[0::2][:2], np.subtract(other, one)[0::2][:2], rtol=1e-12)
    assert effect.effective_paths == one.effective_paths
    assert np.all(np.isfinite(effect))
    same = tail_effect(first, weights, first, weights, tail_probability=0.1)
    assert same[:4] == (0.0, 0.0, 0.0, 0.0)
    # A shift of every draw moves both figures by itself, and leaves nothing to be unsure of.
    moved = tail_effect(first, weights, first + 0.25, weights, tail_probability=0.1)
    np.testing.assert_allclose(moved[:4], (0.25, 0.0, 0.25, 0.0), atol=1e-12)


def test_what_cannot_be_told_is_refused():
    with pytest.raises(ValueError, match=r"was 1\.5"):
        tail_risk(np.arange(100.0), np.ones(100), tail_probability=1.5)
    with pytest.raises(ValueError, match="only 1 effective"):
        tail_risk(np.arange(100.0), np.ones(100), tail_probability=0.01)


def test_quantiles_reach_their_level():
    values, share = np.array([3.0, 1.0, 2.0]), np.array([0.5, 0.25, 0.25])
    assert [weighted_quantile(values, share, level) for level in (0.2, 0.25, 0.5, 0.51, 1.0)] == [1, 1, 2, 3, 3]
