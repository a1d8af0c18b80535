"""Tail dependence by ranks: by hand, the t-copula at a stated level, and the error's coverage."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import Outcome
from aurora_jax.invariants import tail_dependence
from tests.statistics import assert_mean

STEPS, PATHS, LEVEL = 4000, 200, 0.95
estimate = jax.jit(lambda x, y: tail_dependence(x, y, quantile=LEVEL))
estimate_batch = jax.jit(jax.vmap(lambda x, y: tail_dependence(x, y, quantile=LEVEL)))


def student_pairs(seed, *, shared):
    """Two t_4 series of correlation 1/2, with one mixing variable or one each."""
    random = np.random.default_rng(seed)
    normal = random.standard_normal((2, PATHS, STEPS))
    normal[1] = 0.5 * normal[0] + np.sqrt(0.75) * normal[1]
    mixing = random.chisquare(4, (1 if shared else 2, PATHS, STEPS)) / 4
    return jnp.asarray(normal / np.sqrt(mixing))


def test_by_hand():
    # Ten pairs at q = .7, k = 3: x is largest at 7, 8, 9; y at 0, 8, 9. Two of three together.
    x = jnp.arange(10.0)
    y = x.at[0].set(7.5)
    result = tail_dependence(x, y, quantile=0.7)
    np.testing.assert_allclose(result.value, 2 / 3, rtol=1e-12)
    smoothed = 2.5 / 4
    np.testing.assert_allclose(result.standard_error**2, smoothed * (1 - smoothed) * (1 - smoothed / 2) / 3)


@pytest.mark.stat
@pytest.mark.parametrize(("shared", "printed"), [(True, 0.340), (False, 0.169)])
def test_student_pairs_as_printed(shared, printed):
    """oracles.md, q = .95; independent heavy tails are not dependent ones."""
    result = estimate_batch(*student_pairs(3, shared=shared))
    assert_mean(result.value, printed, bias=0.0005)
    np.testing.assert_allclose(np.mean(result.standard_error), np.std(result.value), rtol=0.2)


def test_increasing_maps_change_nothing_and_order_of_arguments_neither():
    x, y = student_pairs(4, shared=True)[:, 0]
    expected = estimate(x, y).value
    assert estimate(y, x).value == expected
    assert estimate(jnp.exp(x / 10), y**3).value == expected


def test_perfect_and_opposite_dependence():
    x = jax.random.normal(jax.random.key(0), (STEPS,))
    together, opposite = estimate(x, 2 * x), estimate(x, -x)
    assert together.value == 1.0
    assert opposite.value == 0.0
    assert together.standard_error > 0.0  # k observations cannot prove certainty
    assert opposite.standard_error > 0.0


@pytest.mark.parametrize(
    ("x", "outcome"),
    [
        (np.full(STEPS, 0.1), Outcome.CONSTANT),
        (np.r_[np.zeros(STEPS // 2), np.ones(STEPS // 2)], Outcome.CONSTANT),
        (np.r_[np.nan, np.arange(STEPS - 1.0)], Outcome.NON_FINITE),
        (np.arange(39.0), Outcome.TOO_SHORT),
    ],
)
def test_degenerate_series_have_an_outcome(x, outcome):
    y = jnp.arange(float(x.size))
    for result in (estimate(jnp.asarray(x), y), estimate(y, jnp.asarray(x))):
        assert result.outcome == outcome
        assert np.isnan(result.value)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match=r"quantile must lie in \(0, 1\), was 1"):
        tail_dependence(jnp.arange(9.0), jnp.arange(9.0), quantile=1.0)
