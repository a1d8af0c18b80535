import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import t as student_t

from aurora_jax.study import ChangePoint

machine = ChangePoint(hazard=0.2, lengths=6, recent_bars=2, prior_strength=1.0, prior_shape=2.0, prior_scale=1.5)


def probabilities(values, machine=machine):
    return jax.jit(lambda x: jax.lax.scan(lambda s, v: machine.step(s, v), machine.init(), x)[1])(
        jnp.asarray(values, float)
    )


def predictive(past, value, mean=0.0, strength=1.0, shape=2.0, scale=1.5):
    """From all of `past` at once, by the batch formulas: not the recursion that is tested."""
    n = len(past)
    if n:
        average = np.mean(past)
        scale += 0.5 * np.sum((past - average) ** 2) + strength * n * (average - mean) ** 2 / (2 * (strength + n))
        mean = (strength * mean + n * average) / (strength + n)
        strength, shape = strength + n, shape + n / 2
    return student_t.pdf(value, 2 * shape, mean, np.sqrt(scale * (strength + 1) / (shape * strength)))


def by_partitions(values, hazard):
    """The run length's posterior by adding up every way to cut the past into runs."""
    total = np.zeros(len(values) + 1)
    for cuts in range(2 ** len(values)):
        changed = [bool(cuts >> bar & 1) for bar in range(len(values))]  # a change right after the bar
        weight, run = 1.0, []
        for value, ends in zip(values, changed, strict=True):
            weight *= predictive(np.array(run), value) * (hazard if ends else 1.0 - hazard)
            run = [] if ends else [*run, value]
        total[len(run)] += weight
    return total / total.sum()


def test_two_bars_by_hand():
    # After one bar the run is new with probability H, whatever came.
    found = probabilities([0.7, -0.4]).probabilities
    np.testing.assert_allclose(found[0], [0.2, 0.8, 0, 0, 0, 0], atol=1e-15)
    fresh, grown = 0.2 * predictive([], -0.4), 0.8 * predictive(np.array([0.7]), -0.4)
    np.testing.assert_allclose(found[1, 1], 0.8 * fresh / (fresh + grown), rtol=1e-12)
    np.testing.assert_allclose(found[1, 2], 0.8 * grown / (fresh + grown), rtol=1e-12)


def test_five_bars_by_all_partitions():
    values = np.array([0.3, 0.1, -0.2, 4.0, 4.4])
    found = probabilities(values)
    expected = by_partitions(values, 0.2)
    np.testing.assert_allclose(found.probabilities[-1], expected, rtol=1e-10)
    np.testing.assert_allclose(found.recent[-1], expected[1], rtol=1e-10)
    np.testing.assert_allclose(found.expected_bars[-1], expected @ np.arange(6), rtol=1e-10)


def test_lengths_beyond_the_last_are_added_up():
    values = np.random.default_rng(0).standard_normal(40)
    found = probabilities(values)
    np.testing.assert_allclose(found.probabilities.sum(1), 1.0, rtol=1e-12)
    quiet = probabilities(values, ChangePoint(hazard=0.01, lengths=30, recent_bars=5))
    assert float(quiet.probabilities[-1, -1]) > 0.3


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"was 1\.5"):
        ChangePoint(hazard=1.5)
    with pytest.raises(ValueError, match="lengths = 400"):
        ChangePoint(recent_bars=400)
