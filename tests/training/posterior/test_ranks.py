import numpy as np
import pytest

from aurora_jax.training.posterior import RANK_DRAWS, Posterior, uniformity
from aurora_jax.training.posterior.ranks import rank


def test_rank_counts_draws_below():
    draws = {"hurst": np.arange(990.0).reshape(2, 495)}
    found = Posterior(draws, {}, 0, 1, 1.01)
    assert rank(found, "hurst", -1.0) == 0
    assert rank(found, "hurst", 1000.0) == RANK_DRAWS
    assert rank(found, "hurst", 494.5) == pytest.approx(RANK_DRAWS / 2, abs=1)


def test_too_few_draws_have_no_rank():
    with pytest.raises(ValueError, match="at least 99 draws, found 40"):
        rank(Posterior({"hurst": np.zeros((2, 20))}, {}, 0, 1, 1.01), "hurst", 0.0)


def test_flat_ranks_pass_and_leaning_ranks_fail():
    flat = np.arange(100)
    scores = np.random.default_rng(5).normal(size=100)
    assert uniformity(flat, scores) == pytest.approx((0.0, 1.0, scores.mean(), scores.std(ddof=1)))
    assert uniformity(flat // 2, scores).p_value < 1e-6
    assert uniformity(40 + flat // 5, scores).p_value < 1e-6  # posteriors that are too wide


def test_bins_that_cannot_be_tested_are_refused():
    with pytest.raises(ValueError, match="40 replications are too few for 10 bins; give at least 50"):
        uniformity(np.arange(40), np.zeros(40))
    with pytest.raises(ValueError, match="bins must divide 100, was 7"):
        uniformity(np.arange(100), np.zeros(100), bins=7)
