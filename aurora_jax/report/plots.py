"""Which figures a report shows, and what each one's caption says to look for."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from ..backtest import drawdowns
from ..governance import Decision
from .content import ReportContent, StreamReport
from .decisions import decision_figure, share
from .equity import equity_figure
from .fan import fan_figure, history_inside
from .invariants import furthest_apart, invariant_figure
from .kappa import kappa_figure
from .losses import loss_figure
from .prices import close_up_figure, featured_asset, price_figure
from .regimes import regime_figure
from .reliability import reliability_figure
from .settled import is_live, settled
from .weights import weight_figure


class Plot(NamedTuple):
    """A figure that is not drawn yet.

    Attributes:
        name: of its file, without suffix.
        title: heading.
        caption: one sentence that says what to look for.
        draw: returns the figure.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[], Figure]


def stream_plots(stream: StreamReport) -> Iterator[Plot]:
    """Yield the figures of one stream."""
    whole, live = settled(stream.rows), is_live(stream.rows)
    others = f" (all {len(stream.assets)} assets: {_coverage(whole)})" if len(stream.assets) > 1 else ""
    one = whole.of(featured_asset(stream))
    name = stream.assets[featured_asset(stream)]
    shares = ", ".join(f"{decision.name} {share(stream, decision):.0%}" for decision in Decision)
    stopped = _mean(np.asarray(stream.rows.info.risk_scale)[live] == 0.0)
    kappa = _mean(np.asarray(stream.rows.info.kappa_plus)[live])
    moving = _mean(np.asarray(stream.rows.info.in_transition, float)[live])
    worst, other = (float(drawdowns(np.asarray(r)).max()) for r in (stream.rows.net_return, stream.benchmark))
    held = _mean(np.sum(np.abs(np.asarray(stream.rows.positions)), axis=1)[live])
    everything = [
        (
            "price",
            "Price, certified interval and coverage",
            f"{_coverage(one)} of the returns of {name} fell inside an interval that promised "
            f"{stream.nominal_coverage:.0%}{others}: the band should widen before the storms, "
            "not after them, and misses should not come in clusters.",
            price_figure,
        ),
        (
            "close-up",
            "The last bars, close up",
            "Each bar's price interval was certified at the close before it; an orange dot is a close that it did not "
            "hold, a grey line a bar without a finite interval.",
            close_up_figure,
        ),
        (
            "decisions",
            "Decisions",
            f"{shares} of live bars: look for decisions that turn strict when the score falls and loosen only after it "
            "has recovered, without flapping.",
            decision_figure,
        ),
        (
            "kappa",
            "Meta-uncertainty and its parts",
            f"kappa_plus averaged {kappa:.2f}: look for which part drives it when it rises.",
            kappa_figure,
        ),
        (
            "regimes",
            "Regimes",
            f"The stream was in transition on {moving:.0%} of live bars: shading should mark the changes of the mix "
            "above it, not its steady stretches.",
            regime_figure,
        ),
        (
            "equity",
            "Equity and drawdown",
            f"The worst drawdown was {worst:.1%} against {other:.1%} for {stream.benchmark_name}: look for losses "
            "avoided under DERISK and BLOCK, and for recoveries missed.",
            equity_figure,
        ),
        (
            "weights",
            "Positions",
            f"Exposure averaged {held:.0%} of equity and was stopped on {stopped:.0%} of live bars; what is not held "
            "is cash.",
            weight_figure,
        ),
    ]
    for key, title, caption, draw in everything:
        yield Plot(f"{stream.slug}-{key}", title, caption, lambda draw=draw: draw(stream))


def model_plots(content: ReportContent) -> Iterator[Plot]:
    """Yield the figures about the models, those for which the content has data."""
    fan, router, invariants, losses = content.fan, content.router, content.invariants, content.losses
    if fan is not None:
        caption = (
            f"{history_inside(fan):.0%} of history's windows end inside the central 90% of scenarios: look for "
            "history that leaves the fan early, or a fan much wider than anything that happened."
        )
        yield Plot("scenario-fan", "Scenarios against history", caption, lambda: fan_figure(fan))
    if invariants:
        yield Plot("invariants", "Invariants", _invariant_caption(invariants), lambda: invariant_figure(invariants))
    if router is not None:
        right = np.mean(np.argmax(router.probabilities, axis=1) == router.labels)
        caption = (
            f"In {right:.0%} of {len(router.labels)} held-out windows the router named the family drawn from their BIC "
            "weights: points on the dashed line mean that its probabilities can be taken at their word."
        )
        yield Plot("reliability", "Calibration of the router", caption, lambda: reliability_figure(router))
    if losses:
        caption = "Losses should fall and level out; a validation loss that turns up again is overfitting."
        yield Plot("losses", "Training", caption, lambda: loss_figure(losses))


def _invariant_caption(invariants) -> str:
    markets = list(invariants)
    reference = "real" if "real" in markets else markets[0]
    widest = furthest_apart(invariants, reference)
    if widest is None:
        return "Estimates with two standard errors; no two of them can be compared."
    market, name, errors = widest
    return (
        f"Bars are two standard errors and should overlap those of {reference}; furthest away: {name}, {market}, by "
        f"{errors:.1f} standard errors of the difference."
    )


def _coverage(part) -> str:
    return f"{1.0 - np.mean(part.missed[part.observed]):.1%}" if np.any(part.observed) else "None"


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if values.size else 0.0
