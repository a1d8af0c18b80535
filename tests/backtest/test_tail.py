"""Value at risk and expected shortfall of a sample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from aurora_jax.backtest import tail_risk

RETURNS = arrays(float, st.integers(2, 60), elements=st.integers(-200, 200).map(lambda mills: mills / 1000))


def test_the_boundary_observation_is_split():
    # Half of five losses is 2.5 of them: (5 + 4 + 3 / 2) / 2.5.
    found = tail_risk(-np.array([1.0, 5.0, 3.0, 2.0, 4.0]), tail_probability=0.5)
    assert found.expected_shortfall == pytest.approx(10.5 / 2.5)
    assert found.value_at_risk == 3.0


def test_a_whole_number_of_losses_is_not_split_by_rounding():
    # 0.29 * 100 is 28.999999999999996: the 30th largest loss is the value at risk, as for exactly 29.
    losses = np.arange(100.0)
    found = tail_risk(-losses, tail_probability=0.29)
    assert found.value_at_risk == 70.0
    assert found.expected_shortfall == pytest.approx(np.mean(losses[71:]))


def test_a_tail_smaller_than_one_bar_is_the_largest_loss():
    assert tail_risk(np.array([0.1, -0.3]), tail_probability=0.05) == (0.3, 0.3)


def test_closed_form_of_the_normal_law():
    # The sample is the law's own quantiles: 2.0627 [oracles.md], up to the width of one cell.
    returns = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    found = tail_risk(returns, tail_probability=0.05)
    assert found.expected_shortfall == pytest.approx(2.0627128075, abs=2e-4)
    assert found.value_at_risk == pytest.approx(1.6448536270, abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(RETURNS, st.sampled_from([0.01, 0.05, 0.3]), st.randoms(use_true_random=False))
def test_laws(returns, probability, random):
    found = tail_risk(returns, tail_probability=probability)
    order = list(range(returns.size))
    random.shuffle(order)
    assert tail_risk(returns[order], tail_probability=probability) == found  # order does not matter
    scaled = tail_risk(2.0 * returns - 0.25, tail_probability=probability)
    assert scaled.expected_shortfall == pytest.approx(2.0 * found.expected_shortfall + 0.25, abs=1e-12)
    assert found.expected_shortfall >= found.value_at_risk - 1e-15


def test_refuses_a_probability_outside_its_range():
    with pytest.raises(ValueError, match=r"was 1\.5"):
        tail_risk(np.zeros(5), tail_probability=1.5)
