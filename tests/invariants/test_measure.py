"""All invariants at once: the parts it is made of, the jackknife's error, markets that lack something."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from aurora_jax.core import Invariants, Outcome
from aurora_jax.invariants import extremal_index, hurst_exponent, measure, tail_dependence, tail_index
from tests.statistics import assert_mean

STEPS, ASSETS, PATHS = 1000, 3, 200
measure_batch = jax.jit(jax.vmap(measure))
pair = jax.jit(lambda x, y: tail_dependence(x, y, quantile=0.95))
measure_one = jax.jit(measure)


@pytest.fixture(scope="module")
def markets():
    """Student-t_4 returns with one shared mixing variable a time and correlation 1/2."""
    random = np.random.default_rng(8)
    common, own = random.standard_normal((PATHS, STEPS, 1)), random.standard_normal((PATHS, STEPS, ASSETS))
    mixing = random.chisquare(4, (PATHS, STEPS, 1)) / 4
    return jnp.asarray(0.01 * (np.sqrt(0.5) * common + np.sqrt(0.5) * own) / np.sqrt(mixing))


@pytest.fixture(scope="module")
def batch(markets):
    return measure_batch(markets)


def test_the_parts_it_is_made_of(markets, batch):
    returns = np.asarray(markets[0])
    market = jnp.asarray(returns.mean(axis=1))
    threshold = np.sort(-np.asarray(market))[-51]  # 50 of 1,000 losses lie above

    @jax.jit
    def separately(market):
        return (
            hurst_exponent(market),
            tail_index(-market, tail_count=25),
            extremal_index(-market, threshold=threshold, run_length=1),
        )

    parts = separately(market)
    for part, whole in zip(parts, batch[:3], strict=True):
        np.testing.assert_allclose(whole.value[0], part.value, rtol=1e-9)
        np.testing.assert_allclose(whole.standard_error[0], part.standard_error, rtol=1e-9)
    losses = jnp.asarray(-returns)
    pairs = itertools.combinations(range(ASSETS), 2)
    dependence = np.mean([pair(losses[:, i], losses[:, j]).value for i, j in pairs])
    np.testing.assert_allclose(batch.tail_dependence.value[0], dependence, rtol=1e-12)


@pytest.mark.stat
def test_known_market(batch):
    """White noise: H = 1/2, no clusters; t_4 with rho = 1/2: lambda(.95) = .340; Hill's xi at its level."""
    assert all(np.all(invariant.outcome == Outcome.OK) for invariant in batch)
    assert_mean(batch.hurst.value, 0.5, bias=0.002)
    # Hill estimates the mean log-excess over the upper 2.5 %, .317 for t_4 (1/4 in the limit).
    level = stats.t.isf(0.025, 4)
    mean_excess = quad(lambda x: stats.t.sf(x, 4) / x, level, np.inf)[0] / 0.025
    assert_mean(batch.tail_index.value, mean_excess, bias=0.01)
    assert_mean(batch.extremal_index.value, 1.0, bias=0.05)  # K = 1 at 5 %: every twentieth neighbour is chance
    assert_mean(batch.tail_dependence.value, 0.340, bias=0.002)
    for invariant in batch:
        np.testing.assert_allclose(np.mean(invariant.standard_error), np.std(invariant.value), rtol=0.25)


def test_jackknife_by_definition(markets, batch):
    """Slow twin: leave out each tenth of the days, thresholds kept."""
    losses = -np.asarray(markets[0])
    exceeds = losses > np.sort(losses, axis=0)[-51]
    left_out = []
    for block in np.array_split(np.arange(STEPS), 10):
        kept = np.delete(exceeds, block, axis=0)
        pairs = itertools.combinations(range(ASSETS), 2)
        shares = [2 * np.sum(kept[:, i] & kept[:, j]) / np.sum(kept[:, [i, j]]) for i, j in pairs]
        left_out.append(np.mean(shares))
    error = np.sqrt(9 / 10 * np.sum((left_out - np.mean(left_out)) ** 2))
    np.testing.assert_allclose(batch.tail_dependence.standard_error[0], error, rtol=1e-9)


def test_order_of_assets_does_not_matter(markets, batch):
    for whole, other in zip(batch, measure_batch(markets[:, :, ::-1]), strict=True):
        np.testing.assert_allclose(whole.value, other.value, rtol=1e-9)


def test_one_asset_has_no_dependence_but_all_the_rest(markets):
    result = measure_one(markets[0][:, :1])
    assert isinstance(result, Invariants)
    assert result.tail_dependence.outcome == Outcome.TOO_SHORT
    assert np.isnan(result.tail_dependence.value)
    assert all(part.outcome == Outcome.OK and np.isfinite(part.value) for part in result[:3])


def test_bad_markets_in_a_batch(markets):
    spoiled = markets.at[0, 5, 1].set(jnp.nan).at[1].set(0.01).at[2, :, 1].set(0.0)
    result = measure_batch(spoiled)
    for part in result:
        assert part.outcome[0] == Outcome.NON_FINITE
        assert part.outcome[1] == Outcome.CONSTANT
        assert np.all(part.outcome[3:] == Outcome.OK)
        assert np.all(np.isnan(part.value) == (np.asarray(part.outcome) != Outcome.OK))
    # One asset that does not trade: the market still has its index, but not its dependence.
    assert result.tail_dependence.outcome[2] == Outcome.CONSTANT
    assert result.tail_index.outcome[2] == Outcome.OK


def test_a_short_market_says_so():
    result = measure_one(jnp.asarray(np.random.default_rng(0).standard_normal((10, 2))))
    assert all(part.outcome == Outcome.TOO_SHORT for part in result)


def test_settings_are_checked(markets):
    with pytest.raises(ValueError, match=r"tail_share must lie in \(0, 1\), was 0"):
        measure(markets[0], tail_share=0.0)
    with pytest.raises(ValueError, match=r"quantile must lie in \(0, 1\), was 1.5"):
        measure(markets[0], extreme_quantile=1.5)
    with pytest.raises(ValueError, match="must not be empty"):
        measure(jnp.zeros((0, 2)))
