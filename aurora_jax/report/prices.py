"""Prices with the certified interval, its misses, and its coverage over time."""

import numpy as np
from matplotlib.figure import Figure

from .content import StreamReport
from .settled import Settled, rolling_share, settled, window_for
from .style import (
    BLUE,
    INK,
    MUTED,
    ORANGE,
    PALE,
    SKY,
    VERMILLION,
    canvas,
    date_axis,
    label,
    legend,
    note,
    percent_axis,
    plain_log_axis,
)


def featured_asset(stream: StreamReport) -> int:
    """Return the asset of median volatility: the one of a basket that is drawn, neither flattering nor harsh."""
    spread = np.std(np.diff(np.log(stream.close), axis=0), axis=0)
    return int(np.argsort(spread, kind="stable")[(spread.size - 1) // 2])


def price_figure(stream: StreamReport) -> Figure:
    """Draw price and misses, returns inside their certified band, and rolling coverage against the promise."""
    asset = featured_asset(stream)
    name, whole = stream.assets[asset], settled(stream.rows)
    one = whole.of(asset)
    figure, (prices, returns, coverage) = canvas([2.2, 2.0, 1.8])

    dates, close, missed = stream.dates, stream.close[:, asset], one.missed[:, 0]
    prices.plot(dates, close, color=INK, linewidth=0.9, label="close")
    prices.plot(dates[missed], close[missed], ".", color=VERMILLION, markersize=4, label="outside its interval")
    plain_log_axis(prices)
    label(prices, title=f"Price of {name}", y="price, log scale")
    legend(prices)

    _draw_returns(returns, dates, one)
    label(
        returns,
        title=f"Return of each bar in the {stream.nominal_coverage:.0%} interval certified before it",
        y="log return",
    )
    legend(returns)

    _draw_coverage(coverage, stream, whole)
    date_axis(coverage, dates)
    return figure


def close_up_figure(stream: StreamReport, *, bars: int = 90) -> Figure:
    """Draw the last bars' prices with the interval that was certified for each."""
    asset = featured_asset(stream)
    one = settled(stream.rows).of(asset)
    last = slice(max(len(stream.times) - bars, 0), None)
    before = np.concatenate([stream.close[:1, asset], stream.close[:-1, asset]])
    low, high = (before * np.exp(_finite(bound[:, 0])) for bound in (one.lower, one.upper))
    dates, close, missed = stream.dates[last], stream.close[last, asset], one.missed[last, 0]
    infinite = np.isinf(one.upper[last, 0]) | np.isinf(one.lower[last, 0])

    figure, (axes,) = canvas([3.0])
    axes.vlines(dates, low[last], high[last], color=SKY, linewidth=3.2, alpha=0.55, label="certified interval")
    axes.plot(dates, close, color=INK, linewidth=1.0, marker=".", markersize=4, label="close")
    axes.plot(dates[missed], close[missed], "o", color=VERMILLION, markersize=6, label="outside")
    for date in dates[infinite]:
        axes.axvline(date, color=PALE, linewidth=3.2, zorder=0)
    label(axes, title=f"{stream.assets[asset]}, last {len(dates)} bars", y="price")
    legend(axes)
    date_axis(axes, dates)
    axes.margins(x=0.02)
    axes.autoscale(axis="x")
    return figure


def _finite(bound):
    return np.where(np.isfinite(bound), bound, np.nan)


def _draw_returns(axes, dates, one: Settled):
    lower, upper, moves = one.lower[:, 0], one.upper[:, 0], one.returns[:, 0]
    observed, missed = one.observed[:, 0], one.missed[:, 0]
    known = np.abs(np.concatenate([_finite(lower), _finite(upper)]))
    widest = np.nanquantile(known, 0.995) if np.any(np.isfinite(known)) else 0.0
    limit = 1.12 * max(float(np.max(np.abs(moves), initial=0.0)), float(widest), 1e-6)
    endless = observed & ~(np.isfinite(lower) & np.isfinite(upper))
    if np.any(endless):
        axes.fill_between(
            dates, -limit, limit, where=endless, color=PALE, step="mid", linewidth=0, label="no finite interval"
        )
    axes.fill_between(
        dates,
        np.clip(_finite(lower), -limit, limit),
        np.clip(_finite(upper), -limit, limit),
        color=SKY,
        alpha=0.45,
        linewidth=0,
        step="mid",
        label="certified interval",
    )
    axes.plot(dates, moves, ".", color=MUTED, markersize=1.8, label="return")
    axes.plot(dates[missed], moves[missed], ".", color=VERMILLION, markersize=4.5, label="outside")
    axes.set_ylim(-limit, limit)
    percent_axis(axes.yaxis)


def _draw_coverage(axes, stream: StreamReport, whole: Settled):
    bars, assets = whole.missed.shape
    window = window_for(bars)
    nominal, covered = stream.nominal_coverage, ~whole.missed
    share = rolling_share(covered, whole.observed, window_bars=window)
    title = f"Coverage over the last {window} bars"
    if np.all(np.isnan(share)):
        note(axes, "too few settled forecasts")
    if assets > 1:
        each = np.stack(
            [rolling_share(covered[:, [i]], whole.observed[:, [i]], window_bars=window) for i in range(assets)], axis=1
        )
        low, high = np.sort(each, axis=1)[:, [assets // 10, assets - 1 - assets // 10]].T
        axes.fill_between(stream.dates, low, high, color=SKY, alpha=0.35, linewidth=0, label="80% of assets")
        title += f", all {assets} assets"
    else:
        # Two standard errors of a share of independent bars: what a perfect forecaster would show.
        error = 2.0 * (nominal * (1.0 - nominal) / window) ** 0.5
        axes.axhspan(nominal - error, nominal + error, color=SKY, alpha=0.25, linewidth=0, label="± 2 standard errors")
    axes.plot(stream.dates, share, color=BLUE, linewidth=1.3, label="realised")
    axes.axhline(nominal, color=ORANGE, linewidth=1.3, linestyle=(0, (4, 2)), label=f"promised {nominal:.0%}")
    low, high = axes.get_ylim()
    axes.set_ylim(max(min(low, nominal - 0.1), 0.0), min(max(high, nominal + 0.05), 1.005))
    percent_axis(axes.yaxis)
    label(axes, title=title, y="coverage")
    legend(axes)
