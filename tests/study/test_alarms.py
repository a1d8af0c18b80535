import numpy as np
import pytest

from aurora_jax.study import curve, delay_at, passages

STATIONARY = np.array([[9.0, 0.0, 1.0, 0.0, 3.0, 0.0], [9.0, 0.0, 0.0, 2.0, 0.0, 0.0]])
FLIPPED = np.array(
    [
        [9.0, 0.0, 0.0, 0.0, 2.5, 4.0],  # quiet, then 2.5 on the second bar after the flip
        [9.0, 5.0, 0.0, 9.0, 9.0, 9.0],  # an alarm before the flip
        [9.0, 0.0, 0.0, 0.0, 0.0, 0.0],  # never
    ]
)


@pytest.fixture
def found():
    return passages(STATIONARY, FLIPPED, first_bar=1, flip_bar=3)


def test_first_alarms_by_hand(found):
    np.testing.assert_array_equal(found.thresholds, [0.0, 1.0, 2.0, 3.0])
    # Above 1: bar 5 of the first series (four at risk), bar 4 of the second (three); bar 0 is before `first_bar`.
    np.testing.assert_array_equal(found.risk_bars, [[2, 4, 4, 5], [3, 3, 5, 5]])
    np.testing.assert_array_equal(found.alarmed, [[1, 1, 1, 0], [1, 1, 0, 0]])
    np.testing.assert_allclose(found.rates, [2 / 5, 2 / 7, 1 / 9, 0.0])
    np.testing.assert_array_equal(found.counted[:, 2], [True, False, True])
    level = passages(STATIONARY, np.where(FLIPPED == 5.0, 2.0, FLIPPED), first_bar=1, flip_bar=3)
    np.testing.assert_array_equal(level.counted[1], [False, False, True, True])  # a value at the threshold is no alarm
    np.testing.assert_array_equal(found.delay_bars[0], [2.0, 2.0, 2.0, 3.0])
    assert np.all(np.isinf(found.delay_bars[2]))


def test_the_delay_at_a_rate(found):
    told = delay_at(found, 0.12, within_bars=2, generator=np.random.default_rng(0))
    assert told.rate == pytest.approx(1 / 9)
    assert told.threshold == 2.0
    assert told.median_bars == 2.0
    assert told.found_share == 0.5
    assert told.lost_share == pytest.approx(1 / 3)
    assert told.low_bars == 2.0
    assert told.high_bars == np.inf
    assert curve(found)[2] == (pytest.approx(1 / 9), 2.0)


def test_a_rate_that_no_threshold_has_is_refused(found):
    with pytest.raises(ValueError, match="at most -1; simulate longer"):
        delay_at(found, -1.0, within_bars=2, generator=np.random.default_rng(0))


@pytest.mark.stat
def test_noise_is_found_at_its_rate_of_false_alarms():
    """Of independent bars first alarms are geometric: the median delay at rate r is log 2 / r."""
    rng = np.random.default_rng(1)
    found = passages(rng.standard_normal((400, 1000)), rng.standard_normal((2000, 200)), first_bar=0, flip_bar=100)
    told = delay_at(found, 0.02, within_bars=100, generator=rng, resamples=50)
    assert told.low_bars <= np.log(2.0) / 0.02 <= told.high_bars
    assert abs(told.found_share - (1 - 0.98**100)) < 0.06
