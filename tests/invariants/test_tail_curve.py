"""Tail dependence against its level: the estimate at each, the printed curve, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import Outcome
from aurora_jax.invariants import tail_dependence, tail_dependence_curve
from tests.statistics import assert_mean

from .samples import gumbel_pairs, student_pairs

STEPS, PATHS, LEVELS = 20_000, 100, (0.95, 0.99, 0.999)
curve_batch = jax.jit(jax.vmap(lambda x, y: tail_dependence_curve(x, y, quantiles=LEVELS)))

LEVELS_FEW = (0.8, 0.9, 0.99)  # too few of 100 steps lie beyond the last
both = jax.jit(
    lambda x, y: (
        tail_dependence_curve(x, y, quantiles=LEVELS_FEW),
        [tail_dependence(x, y, quantile=quantile) for quantile in LEVELS_FEW],
    )
)


def independent_mixing(seed):
    random = np.random.default_rng(seed)
    normal = student_pairs(1e9, 0.5, seed, paths=PATHS, steps=STEPS)
    return normal / np.sqrt(random.chisquare(4, normal.shape) / 4)


def gumbel_curve(level):
    """C(u, u) = u^sqrt(2) for theta = 2; in the limit 2 - sqrt(2) = .5858."""
    return (1 - 2 * level + level ** np.sqrt(2)) / (1 - level)


def test_each_level_is_the_rank_estimate_there():
    x, y = student_pairs(4, 0.5, 1, paths=1, steps=100)[:, 0]
    curve, separately = both(x, y)
    np.testing.assert_array_equal(curve.quantile, LEVELS_FEW)
    for place, expected in enumerate(separately):
        np.testing.assert_allclose(curve.estimate.value[place], expected.value)
        np.testing.assert_allclose(curve.estimate.standard_error[place], expected.standard_error)


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize(
    ("pairs", "printed"),
    [
        (lambda: student_pairs(4, 0.5, 3, paths=PATHS, steps=STEPS), (0.340, 0.287, 0.268)),
        (lambda: independent_mixing(4), (0.169, 0.046, 0.007)),
        (lambda: gumbel_pairs(2.0, 5, paths=PATHS, steps=STEPS), gumbel_curve(np.array(LEVELS))),
    ],
    ids=["shared", "independent", "gumbel"],
)
def test_curve_and_coverage(pairs, printed):
    """oracles.md for Student-t with shared and independent mixing; the Gumbel copula in closed form."""
    estimate = curve_batch(*pairs()).estimate
    assert_mean(estimate.value, np.array(printed), bias=0.002)
    hits = np.abs(np.asarray(estimate.value) - printed) < 1.96 * np.asarray(estimate.standard_error)
    assert_mean(hits, 0.95, bias=0.051)  # 20 exceedances at .999 know steps of 1/20 only


def test_levels_that_cannot_be_had_have_an_outcome():
    x = np.arange(100.0)
    curve, _ = both(x, np.r_[np.nan, x[1:]])
    np.testing.assert_array_equal(curve.estimate.outcome, 2 * [Outcome.NON_FINITE] + [Outcome.TOO_SHORT])
    assert np.all(np.isnan(curve.estimate.value))


def test_levels_are_checked():
    x = jnp.arange(9.0)
    with pytest.raises(ValueError, match="at least one level"):
        tail_dependence_curve(x, x, quantiles=())
    with pytest.raises(ValueError, match=r"quantile must lie in \(0, 1\), was 1\.0"):
        tail_dependence_curve(x, x, quantiles=(0.9, 1.0))
