"""What the figures draw: the numbers in their lines, and that no edge of the data breaks them."""

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from aurora_jax.core import Outcome
from aurora_jax.governance import Decision
from aurora_jax.report import (
    Fan,
    LossCurve,
    RouterReport,
    close_up_figure,
    decision_figure,
    equity_figure,
    fan_figure,
    invariant_figure,
    kappa_figure,
    loss_figure,
    price_figure,
    regime_figure,
    reliability_figure,
    weight_figure,
)
from aurora_jax.report.decisions import runs, share
from aurora_jax.report.fan import history_inside
from aurora_jax.report.image import picture
from aurora_jax.report.invariants import furthest_apart, invariant_rows
from aurora_jax.report.prices import featured_asset
from aurora_jax.report.reliability import wilson
from tests.report.market import estimate, invariants, losses, router_report, scenario_fan, stream_report

STREAM_FIGURES = (
    price_figure,
    close_up_figure,
    decision_figure,
    kappa_figure,
    regime_figure,
    equity_figure,
    weight_figure,
)


def line(axes, name):
    """Return the y values of the line that the legend calls `name`."""
    (found,) = [one for one in axes.get_lines() if str(one.get_label()).startswith(name)]
    return np.asarray(found.get_ydata(), float)


def legend_of(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def without_finite_intervals(stream):
    """Return the stream with every interval from bar 100 on infinite, and hence without misses there."""
    rows = stream.rows
    certificate, settlement = rows.info.certificate, rows.info.settlement
    late = np.arange(len(stream.times))[:, None] >= 100
    upper = np.where(late, np.inf, certificate.interval.upper)
    interval = certificate.interval._replace(lower=-upper, upper=upper)
    info = rows.info._replace(
        certificate=certificate._replace(interval=interval),
        settlement=settlement._replace(missed=settlement.missed & ~late),
    )
    return _with_rows(stream, rows._replace(info=info))


def never_live(stream):
    """Return the stream as if it had never warmed up."""
    bars = len(stream.times)
    settlement = stream.rows.info.settlement
    unseen = np.zeros_like(settlement.observed)
    info = stream.rows.info._replace(
        outcome=np.full(bars, int(Outcome.WARMING_UP)),
        settlement=settlement._replace(observed=unseen, missed=unseen),
    )
    return _with_rows(stream, stream.rows._replace(info=info))


def short_positions(stream):
    """Return the stream with half of its assets held short, and an account that lost everything."""
    signs = np.where(np.arange(len(stream.assets)) % 2, 1.0, -1.0)
    net = stream.rows.net_return.copy()
    net[50] = -1.2
    return _with_rows(stream, stream.rows._replace(positions=stream.rows.positions * signs, net_return=net))


def _with_rows(stream, rows):
    return type(stream)(**{**stream.__dict__, "rows": rows})


@pytest.mark.parametrize(
    "case",
    [
        lambda single, basket: stream_report("TWO", bars=2, warm_up=0),
        lambda single, basket: stream_report("FIVE", bars=5, assets=3, warm_up=1),
        lambda single, basket: without_finite_intervals(single),
        lambda single, basket: never_live(single),
        lambda single, basket: stream_report("CALM", bars=80, calm=True),
        lambda single, basket: short_positions(basket),
    ],
    ids=["two bars", "five bars", "infinite", "never live", "calm", "short"],
)
def test_every_figure_is_drawn(single, basket, case):
    stream = case(single, basket)
    for draw in STREAM_FIGURES:
        figure = draw(stream)
        drawn = picture(figure, dots_per_inch=30)
        assert drawn.width == 300
        for axes in figure.axes:
            assert np.all(np.isfinite([*axes.get_xlim(), *axes.get_ylim()]))


def test_prices_mark_every_miss_and_coverage_ends_where_it_should(single):
    prices, returns, coverage = price_figure(single).axes
    settlement = single.rows.info.settlement
    missed = settlement.missed[:, 0]
    np.testing.assert_array_equal(line(prices, "outside"), single.close[missed, 0])
    np.testing.assert_array_equal(line(returns, "outside"), settlement.returns[missed, 0])
    assert line(coverage, "realised")[-1] == pytest.approx(1.0 - missed[-100:].mean())
    assert prices.get_yscale() == "log"
    assert legend_of(coverage)[-1] == "promised 90%"


def test_bars_without_a_finite_interval_are_shaded_and_named(single):
    _, returns, _ = price_figure(without_finite_intervals(single)).axes
    assert "no finite interval" in legend_of(returns)
    assert "no finite interval" not in legend_of(price_figure(single).axes[1])


def test_close_up_shows_the_certified_prices(single):
    (axes,) = close_up_figure(single, bars=20).axes
    # Bar t's interval was certified on bar t - 1, around the close of bar t - 1.
    width = single.rows.info.certificate.interval.upper[-21:-1, 0]
    tops = [segment[1][1] for segment in axes.collections[0].get_segments()]
    np.testing.assert_allclose(tops, single.close[-21:-1, 0] * np.exp(width), rtol=1e-12)


def test_featured_asset_has_the_median_volatility():
    stream = stream_report("THREE", bars=60, assets=3, warm_up=1)
    factor = np.array([3.0, 1.0, 2.0])
    scaled = type(stream)(**{**stream.__dict__, "close": np.exp(np.log(stream.close / 100.0) * 10.0 ** (factor - 2))})
    assert featured_asset(scaled) == 2


def test_decisions_carry_their_shares(single):
    score, strip = decision_figure(single).axes[:2]
    info = single.rows.info
    live = info.outcome == 0
    passed = np.mean(info.decision[live] == 0)
    assert 0.1 < passed < 0.99
    assert share(single, Decision.PASS) == passed
    assert legend_of(strip)[0] == f"PASS {passed:.0%}"
    assert legend_of(score)[2:] == ["tau_pass", "tau_derisk"]
    np.testing.assert_array_equal(line(score, "kappa_plus")[live], info.kappa_plus[live])


def test_runs_by_hand():
    assert runs(np.array([1, 1, 0, 1, 0, 0, 1], bool)) == [(0, 2), (3, 4), (6, 7)]
    assert runs(np.zeros(3, bool)) == []


def test_equity_ends_at_the_account_s_value(single):
    growth, falls, _ = equity_figure(single).axes
    np.testing.assert_allclose(line(growth, "AURORA"), single.rows.equity, rtol=1e-12)
    np.testing.assert_allclose(line(growth, "equal weight")[-1], np.prod(1.0 + single.benchmark), rtol=1e-12)
    assert line(falls, "AURORA").max() <= 0.0


def test_a_basket_is_a_heat_map_with_the_largest_holding_first(basket):
    held = weight_figure(basket).axes[0]
    mean = basket.rows.positions.mean(axis=0)
    assert held.get_yticklabels()[0].get_text() == basket.assets[int(np.argmax(mean))]


def test_fan_by_hand():
    fan = Fan(np.array([[0.0, -1.0], [0.0, 0.0], [0.0, 1.0]]), np.array([[0.5, 0.5], [2.0, 0.95], [0.0, -1.0]]))
    paths = fan_figure(fan).axes[0]
    np.testing.assert_array_equal(line(paths, "median"), [0.0, 0.0, 0.0])
    np.testing.assert_array_equal(line(paths, "history (3 windows)"), [0.0, 0.5, 0.5])
    # The central 90 % of {-1, 0, 1} is [-0.9, 0.9]: one window of three ends inside.
    assert history_inside(fan) == pytest.approx(1.0 / 3.0)


def test_fan_bands_are_quantiles():
    fan = scenario_fan(horizon=30, paths=101)
    band = fan_figure(fan).axes[0].collections[1].get_paths()[0].vertices
    last = band[band[:, 0] == 30.0, 1]
    np.testing.assert_allclose([last.min(), last.max()], np.quantile(fan.simulated[:, -1], [0.05, 0.95]))


def test_invariants_as_text_and_picture():
    rows = invariant_rows(invariants())
    assert rows[0].cells == ("0.480 ± 0.010", "0.490 ± 0.010", "0.500 ± 0.010")
    assert rows[3].cells[2] == Outcome.TOO_SHORT.message
    figure = invariant_figure(invariants())
    assert [len(axes.containers) for axes in figure.axes] == [3, 3, 3, 2]
    none = {
        "one": invariants()["real"]._replace(
            **{name: estimate(np.nan, np.nan, Outcome.CONSTANT) for name in ("hurst", "tail_dependence")}
        )
    }
    assert picture(invariant_figure(none), dots_per_inch=30).width == 300


def test_furthest_apart_by_hand():
    # The student's extremal index: (.85 - .52) / sqrt(.05^2 + .05^2) = 4.67 is the largest of all.
    market, name, errors = furthest_apart(invariants(), "real")
    assert (market, name) == ("student", "Extremal index θ")
    assert errors == pytest.approx(0.33 / np.hypot(0.05, 0.05))
    assert furthest_apart({"real": invariants()["real"]}, "real") is None


def test_reliability_by_hand():
    # Two windows at .9, one of them right, and one at .55 that is right.
    router = RouterReport(np.array([[0.9, 0.1], [0.1, 0.9], [0.55, 0.45]]), np.array([0, 0, 0]))
    curve, histogram = reliability_figure(router).axes
    said, came = curve.containers[0].lines[0].get_data()
    np.testing.assert_allclose(said, [0.55, 0.9])
    np.testing.assert_allclose(came, [1.0, 0.5])
    assert [bar.get_height() for bar in histogram.patches] == [0, 0, 0, 0, 0, 1, 0, 0, 0, 2]
    assert picture(reliability_figure(router_report()), dots_per_inch=30).width == 300


def test_wilson_interval_is_that_of_statsmodels():
    for hits, count in ((0, 10), (3, 10), (40, 40)):
        low, high = wilson(np.array([hits / count]), np.array([count]), sigmas=1.959963984540054)
        expected = proportion_confint(hits, count, method="wilson")
        np.testing.assert_allclose([low[0], high[0]], expected, atol=1e-12)


def test_losses_have_a_panel_for_each_model_and_leave_out_what_is_not_finite():
    broken = LossCurve("router", "training", np.array([1.0, np.nan, 0.5]), np.arange(3))
    lost = LossCurve("other", "training", np.array([np.nan]), np.arange(1))
    figure = loss_figure((*losses(), broken, lost))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Teacher", "Student", "Router", "Other"]
    np.testing.assert_array_equal(line(figure.axes[2], "training"), [1.0, 0.5])
    assert legend_of(figure.axes[1]) == ["training", "validation"]
