import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy import stats

from aurora_jax.certification import conformal_rank, split_quantile
from tests.statistics import assert_mean


@pytest.mark.parametrize(
    ("count", "miscoverage", "rank"),
    [(200, 0.1, 181), (19, 0.05, 19), (18, 0.05, 19), (99, 0.01, 99), (98, 0.01, 99), (99, 0.41, 59), (9, 0.1, 9)],
)
def test_rank_by_hand(count, miscoverage, rank):
    assert int(conformal_rank(count, miscoverage)) == rank


@pytest.mark.parametrize(("count", "finite"), [(18, False), (19, True)])
def test_too_few_scores_promise_nothing_finite(count, finite):
    assert bool(jnp.isfinite(split_quantile(jnp.arange(count, dtype=float), miscoverage=0.05))) is finite


def test_quantile_by_hand():
    # 5 scores, alpha 1/3: rank ceil(6 * 2/3) = 4, the fourth smallest of 1 2 3 5 8
    assert float(split_quantile(jnp.array([8.0, 1.0, 5.0, 3.0, 2.0]), miscoverage=1 / 3)) == 5.0


@pytest.mark.stat
def test_conditional_coverage_follows_the_beta_law(key):
    """Coverage given the calibration set is Beta(k, n + 1 - k), here Beta(181, 20) with mean 181/201."""
    scores = jr.exponential(key, (1500, 200))
    quantiles = jax.vmap(lambda row: split_quantile(row, miscoverage=0.1))(scores)
    coverage = np.asarray(1.0 - jnp.exp(-quantiles))  # the exponential's own distribution function
    assert_mean(coverage, 181 / 201)
    assert stats.kstest(coverage, stats.beta(181, 20).cdf).pvalue > 1e-3
    assert_mean(coverage < 0.8637, 0.05)
    assert_mean(coverage > 0.9327, 0.05)
