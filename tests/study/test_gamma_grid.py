"""Choosing gamma: the front and the choice by hand, and the grid against replays made one by one."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.backtest import performance
from aurora_jax.core import Outcome
from aurora_jax.governance import Decision
from aurora_jax.replay import replay
from aurora_jax.study import GammaPoint, Traded, efficient, gamma_grid, least_cvar
from scripts.gammas import judged
from tests.small_engine import WARM_UP_BARS, small

# Least tail of all; beaten by the first in both; a dearer tail that earns more; equal to the third.
CVAR = np.array([1.0, 2.0, 3.0, 3.0])
SHARPE = np.array([0.5, 0.4, 0.9, 0.9])


def test_the_front_by_hand():
    np.testing.assert_array_equal(efficient(CVAR, SHARPE), [True, False, True, True])


def test_one_as_good_in_one_and_better_in_the_other_is_enough_to_beat():
    np.testing.assert_array_equal(efficient(np.array([1.0, 1.0]), np.array([0.5, 0.6])), [False, True])
    np.testing.assert_array_equal(efficient(np.array([1.0, 0.9]), np.array([0.5, 0.5])), [False, True])


@pytest.mark.parametrize(("sharpe_min", "place"), [(0.0, 0), (0.5, 0), (0.6, 2), (0.95, None)])
def test_the_least_tail_of_those_that_earn_enough(sharpe_min, place):
    assert least_cvar(CVAR, SHARPE, sharpe_min=sharpe_min) == place


def test_of_equal_tails_the_one_that_earns_more():
    assert least_cvar(np.array([1.0, 1.0]), np.array([0.5, 0.6]), sharpe_min=0.0) == 1


def _point(gamma, cvar, sharpe):
    traded = Traded(cvar, sharpe, 0.1, 0.2, 0.9, 0.08, 0.02)
    return GammaPoint(gamma, Outcome.OK, traded, traded._replace(cvar_95=9.0 - cvar, sharpe=-sharpe))


def test_the_second_period_has_no_say():
    """Its tails are in the opposite order."""
    points = [_point(0.1 * place, cvar, sharpe) for place, (cvar, sharpe) in enumerate(zip(CVAR, SHARPE, strict=True))]
    told = judged(points, sharpe_min=0.6)
    assert told["chosen_gamma"] == pytest.approx(0.2)
    assert [row["efficient"] for row in told["grid"]] == [True, False, True, True]
    assert judged(points, sharpe_min=2.0)["chosen_gamma"] is None


@pytest.mark.parametrize(
    ("gammas", "first", "message"),
    [
        ((0.5, 1.5), 150, r"gammas must lie in \[0, 1\] and not be empty, was 1.5"),
        ((), 150, "was empty"),
        ((0.5,), 139, "both periods need at least 140 bars, had 139 and 161"),
        ((0.5,), 161, "both periods need at least 140 bars, had 161 and 139"),
    ],
)
def test_a_grid_or_a_period_that_is_none_is_refused_before_any_replay(gammas, first, message):
    made = small("INDEX")
    assert WARM_UP_BARS == 70
    with pytest.raises(ValueError, match=message):
        next(gamma_grid(made.engine, made.bars, first_period_bars=first, gammas=gammas))


@pytest.mark.slow
def test_each_gamma_is_the_replay_of_an_engine_that_has_it():
    """Too few calm bars for thresholds: the engine's own stay, and its account is that of a replay by hand."""
    made = small("INDEX")
    (low, high) = gamma_grid(made.engine, made.bars, first_period_bars=150, gammas=(0.0, 1.0))
    assert (low.thresholds, high.thresholds) == (Outcome.TOO_SHORT, Outcome.TOO_SHORT)
    for point in (low, high):
        own = eqx.tree_at(lambda engine: engine.meta.gamma, made.engine, jnp.asarray(point.gamma))
        first = replay(own, own.init(), _part(made.bars, slice(None, 150)))
        second = replay(own, first.state, _part(made.bars, slice(150, None)))  # a new account, the engine goes on
        for found, told in ((first, point.chosen_on), (second, point.reported_on)):
            info = found.rows.info
            live = np.asarray(info.outcome) == int(Outcome.OK)
            expected = info.kappa if point.gamma else 1.0 - info.bcc
            np.testing.assert_allclose(info.kappa_plus[live], expected[live], rtol=1e-12)
            earned = performance(np.asarray(found.rows.net_return)[live])
            assert (told.cvar_95, told.sharpe) == pytest.approx((earned.expected_shortfall_95, earned.sharpe))
            assert told.block_share == pytest.approx(np.mean(info.decision[live] == int(Decision.BLOCK)))
        shares = point.reported_on
        assert shares.pass_share + shares.derisk_share + shares.block_share == pytest.approx(1.0)
    assert low != high


def _part(bars, rows):
    return jax.tree.map(lambda leaf: leaf[rows], bars)
