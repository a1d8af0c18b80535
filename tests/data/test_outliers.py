import numpy as np
import pytest

from aurora_jax.data import corporate_action_flags, load_packaged, outlier_flags
from tests.data.bars import market


def zigzag(jumps, bars=40):
    """Returns of +-1 % in turn, with `jumps` (bar -> log return) put in."""
    steps = 0.01 * (-1.0) ** np.arange(bars)
    steps[0] = 0.0
    for bar, jump in jumps.items():
        steps[bar] = jump
    return market(100.0 * np.exp(np.cumsum(steps)))


def test_the_threshold_is_a_multiple_of_the_past_median():
    # past absolute returns are all .01, so the scale is .014826 and ten of them .14826
    assert np.argwhere(outlier_flags(zigzag({30: 0.1483, 35: -0.1482}), window_bars=10)).tolist() == [[30, 0]]
    assert np.argwhere(outlier_flags(zigzag({35: -0.1483}), window_bars=10)).tolist() == [[35, 0]]
    # ten returns go before bar 11, nine before bar 10: too little past to say
    assert np.argwhere(outlier_flags(zigzag({11: 0.9}), window_bars=10)).tolist() == [[11, 0]]
    assert not outlier_flags(zigzag({10: 0.9}), window_bars=10).any()


def test_a_still_market_has_no_outlier():
    assert not outlier_flags(market([100.0] * 30 + [120.0]), window_bars=10).any()


def test_splits_are_told_from_crashes():
    data = zigzag({20: -np.log(2.0) + 0.01, 30: -0.55, 35: np.log(10.0)})
    assert np.argwhere(outlier_flags(data, window_bars=10))[:, 0].tolist() == [20, 30, 35]
    assert np.argwhere(corporate_action_flags(data, window_bars=10))[:, 0].tolist() == [20, 35]


def test_the_volatility_shock_of_february_2018_stands_out():
    data = load_packaged("sp500")
    flagged = data.times[outlier_flags(data)[:, 0]].astype("datetime64[s]").astype("datetime64[D]")
    assert np.datetime64("2018-02-05") in flagged
    assert len(flagged) < 10


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="were 0, 63"):
        outlier_flags(market([1.0, 2.0]), deviations=0)
