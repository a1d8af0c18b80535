"""Choosing gamma: the front and the choice by hand, and the grid against replays made one by one."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.backtest import performance
from aurora_jax.core import Outcome
from aurora_jax.data import load_packaged
from aurora_jax.governance import Decision, GuardFlags, calm_thresholds
from aurora_jax.replay import replay
from aurora_jax.study import GammaPoint, Traded, efficient, gamma_grid, least_cvar
from scripts.gammas import judged
from tests.small_engine import WARM_UP_BARS, small

FIRST = 300
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


def test_an_account_that_never_traded_is_no_choice():
    assert least_cvar(np.array([0.0, 1.0]), np.array([0.0, 0.1]), sharpe_min=0.0) == 1
    assert least_cvar(np.array([0.0]), np.array([0.0]), sharpe_min=0.0) is None


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
    """With thresholds from all of the first period and nothing of the second."""
    made = small("INDEX")
    bars = load_packaged("sp500").between("2015-01-01", None).rows(0, FIRST + 150).bars()
    (low, high) = gamma_grid(made.engine, bars, first_period_bars=FIRST, gammas=(0.0, 1.0), pass_share=0.5)
    assert Outcome.TOO_SHORT not in (low.thresholds, high.thresholds)
    for point in (low, high):
        own = eqx.tree_at(lambda engine: engine.meta.gamma, made.engine, jnp.asarray(point.gamma))
        before = replay(own, own.init(), _part(bars, slice(None, FIRST))).rows.info
        live = np.asarray(before.outcome) == int(Outcome.OK)
        flags = GuardFlags(jnp.asarray(before.soft[live]), jnp.asarray(before.hard[live]))
        calm = calm_thresholds(own.acceptance, jnp.asarray(before.kappa_plus[live]), flags, pass_share=0.5)
        assert point.thresholds == Outcome(int(calm.outcome))
        assert float(calm.acceptance.tau_pass) != float(made.engine.acceptance.tau_pass)
        own = eqx.tree_at(lambda engine: engine.acceptance, own, calm.acceptance)
        first = replay(own, own.init(), _part(bars, slice(None, FIRST)))
        second = replay(own, first.state, _part(bars, slice(FIRST, None)))  # a new account, the engine goes on
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
