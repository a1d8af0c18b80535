import numpy as np
import pytest

from aurora_jax.config.posterior import JumpConfig
from aurora_jax.data import load_packaged
from aurora_jax.training.posterior import join_bars, observe, observe_market
from aurora_jax.training.posterior.observations import predicted_deviation


def series(bars=1000):
    rng = np.random.default_rng(3)
    return rng.normal(0.0, 0.01, bars), rng.normal(0.0, 0.3, bars)


def see(returns, readings, **changes):
    return observe(returns, readings, error_variance=0.08, jumps=JumpConfig(**changes))


def test_planted_jumps_are_found_with_their_sizes():
    returns, readings = series()
    planted = np.arange(150, 950, 50)
    returns[planted] = 0.2 * np.where(np.arange(planted.size) % 2, 1.0, -1.0)
    found = see(returns, readings, threshold_deviations=6.0)
    assert found.event_bars.tolist() == (planted - 100).tolist()  # five half-lives are the warm-up
    assert found.bars == 900
    np.testing.assert_allclose(found.excesses, 20.0 - 6.0, rtol=0.5)
    np.testing.assert_allclose(found.increments, np.diff(readings))


def test_deviation_is_predicted_from_the_past_only():
    returns, _ = series()
    changed = returns.copy()
    changed[500:] = 9.0 * changed[500:] - 9.0 * np.median(changed) + np.median(changed)
    changed += np.median(returns) - np.median(changed)
    before, after = (predicted_deviation(x - np.median(x), half_life_bars=20.0) for x in (returns, changed))
    np.testing.assert_allclose(after[2:500], before[2:500], rtol=0.05)
    assert after[600] > 5.0 * before[600]


def test_deviation_by_hand():
    # sizes 1, 2, 3 about a median of 0; weights 1/2 and 1 with a half-life of one bar
    returns = np.array([-1.0, 2.0, -3.0, 4.0, 0.0])
    found = predicted_deviation(returns, half_life_bars=1.0)
    assert found[2] ** 2 == pytest.approx(0.5 * np.pi * 2.0)
    assert found[3] ** 2 == pytest.approx(0.5 * np.pi * (0.5 * 2.0 + 6.0) / 1.5)


def spoilt(place, value):
    returns, readings = series()
    (returns if place == "returns" else readings)[7] = value
    return returns, readings


@pytest.mark.parametrize(
    ("data", "changes", "message"),
    [
        (series(100), {}, "returns: 100 bars and at least 256 are needed"),
        (spoilt("returns", np.nan), {}, "returns: bar 7 is nan; repair or remove"),
        (spoilt("readings", np.inf), {}, "readings: bar 7 is inf"),
        ((np.full(500, 0.01), series(500)[1]), {}, "returns: all 500 are 0.01; a constant series"),
        ((series(500)[0], np.zeros(500)), {}, "readings: all 500 are 0"),
        (series(), {"threshold_deviations": 50.0}, "0 of 900 returns exceed 50 .* lower jumps.threshold_deviations"),
        ((np.where(np.arange(500) < 400, 0.0, series(500)[0]), series(500)[1]), {}, "do not move before bar"),
    ],
)
def test_what_cannot_be_calibrated_is_told(data, changes, message):
    with pytest.raises(ValueError, match=message):
        see(*data, **changes)


def test_joined_bars_keep_extremes_and_ends():
    market = load_packaged("sp500").rows(0, 11)
    joined = join_bars(market, 5)
    assert len(joined.times) == 2
    np.testing.assert_array_equal(joined.open[:, 0], market.open[[1, 6], 0])
    np.testing.assert_array_equal(joined.close[:, 0], market.close[[5, 10], 0])
    assert joined.high[0, 0] == market.high[1:6].max()
    assert joined.low[1, 0] == market.low[6:11].min()
    assert joined.volume[0, 0] == market.volume[1:6].sum()
    np.testing.assert_array_equal(join_bars(market, 1).close, market.close)
    with pytest.raises(ValueError, match=r"bars_in_one must lie in \[1, 11\].*was 12"):
        join_bars(market, 12)


def test_markets_without_a_reading_are_refused():
    basket = load_packaged("us20").rows(0, 600)
    one, two = basket.select(basket.assets[:1]), basket.select(basket.assets[:2])
    with pytest.raises(ValueError, match="one asset needs high and low"):
        observe_market(one, JumpConfig())
    with pytest.raises(ValueError, match="2 assets; a cross-section needs at least 4"):
        observe_market(two, JumpConfig())


def test_real_markets_are_reduced():
    index = observe_market(load_packaged("sp500"), JumpConfig())
    basket = observe_market(load_packaged("us20"), JumpConfig())
    assert index.error_variance == pytest.approx(0.0822, abs=1e-4)
    assert basket.error_variance > 0.0
    assert index.event_bars.size > 50
    assert basket.event_bars.size > 50
