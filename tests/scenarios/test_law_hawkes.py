"""Hawkes jumps: rate, dispersion and marks."""

import jax
import numpy as np
import pytest

from aurora_jax.core import stream
from aurora_jax.scenarios import DISPERSION_BARS, HawkesJumps
from tests.statistics import assert_mean

_LAW = HawkesJumps(baseline=0.1, branching_ratio=0.6, decay=0.5, tail_index=0.3, scale=1.0, assets=2)


@pytest.fixture(scope="module")
def paths():
    keys = jax.random.split(stream(jax.random.key(3), "paths"), 4000)
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(lambda k: _LAW.counted(k, steps=DISPERSION_BARS)))(keys))


@pytest.mark.stat
def test_jumps_come_at_the_stationary_rate_from_the_first_bar(paths):
    _, count = paths
    assert_mean(count.mean(axis=1), 0.25)
    assert_mean(count[:, 0].astype(float), 0.25)


@pytest.mark.stat
def test_their_number_in_a_window_has_the_dispersion_of_the_closed_form(paths):
    """By the oracle's limit: mu = 1, n = .8 tends to a Fano factor of 25; and the number here by an own integral.

    Var N(W) = Lambda W + 2 int_0^W (W - s) C(s) ds with C(s) = Lambda n beta (2 - n) / (2 (1 - n)) e^(-beta (1 - n) s).
    """
    limit = HawkesJumps(baseline=1.0, branching_ratio=0.8, decay=50.0, tail_index=0.3).truth()["jump_dispersion"]
    assert limit == pytest.approx(25.0, rel=0.005)
    lag = np.linspace(0.0, DISPERSION_BARS, 20_001)
    density = 0.25 * 0.6 * 0.5 * 1.4 / 0.8 * np.exp(-0.2 * lag)
    variance = 0.25 * DISPERSION_BARS + 2.0 * np.trapezoid((DISPERSION_BARS - lag) * density, lag)
    expected = variance / (0.25 * DISPERSION_BARS)
    assert _LAW.truth()["jump_dispersion"] == pytest.approx(expected, rel=1e-6)
    total = paths[1].sum(axis=1)
    assert_mean((total - 8.0) ** 2 / 8.0, expected)


@pytest.mark.stat
def test_a_bar_without_jumps_is_normal_and_marks_are_pareto(paths):
    returns, count = paths
    quiet = returns[count == 0]
    assert_mean(quiet**2, np.ones(2))
    one = np.abs(returns[count == 1])[:, 0]
    # Far out the noise is small beside the mark: P(P > 6) = 6^(-1 / .3), and a normal moves 6 by its variance's share.
    expected = 6.0 ** (-1.0 / 0.3)
    assert_mean((one > 6.0).astype(float), expected, bias=0.25 * expected)


def test_at_the_level_measured_the_tail_index_is_left_out():
    level = _LAW.at_level(tail_share=0.025, extreme_quantile=0.95)
    assert set(level) == {"hurst", "jump_rate", "jump_dispersion"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"baseline": 0.0}, "baseline must be positive, was 0.0"),
        ({"branching_ratio": 1.0}, "branching_ratio must lie in"),
        ({"tail_index": 1.2}, "tail_index must lie in"),
        ({"decay": float("inf")}, "decay must be positive, was inf"),
    ],
)
def test_parameters_out_of_range_name_the_value(change, message):
    good = {"baseline": 0.1, "branching_ratio": 0.5, "decay": 0.5, "tail_index": 0.3}
    with pytest.raises(ValueError, match=message):
        HawkesJumps(**{**good, **change})
