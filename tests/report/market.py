"""A made-up market and a replay of it: storms and calms, an interval that learns, decisions that follow its misses."""

import numpy as np

from aurora_jax.backtest import equal_weight
from aurora_jax.certification import Certificate, KappaParts, Standing, Verdict
from aurora_jax.core import Allocation, Estimate, Forecast, Interval, Invariants, Outcome, Regime
from aurora_jax.engine import Climate, EngineInfo, Settlement
from aurora_jax.governance import Decision, Fallbacks, Guard, Trigger
from aurora_jax.replay import ReplayRow
from aurora_jax.report import Fan, HeadlineRow, LossCurve, ReportContent, RouterReport, StreamReport

DAY = 86_400
THRESHOLDS = {"tau_pass": 0.62, "tau_derisk": 0.45}


def garch(rng, bars, assets):
    """Return log returns with one shared, persistent volatility, and that volatility."""
    variance, returns, level = np.empty(bars), np.empty((bars, assets)), 1.0
    mix = np.linalg.cholesky(0.4 + 0.6 * np.eye(assets))
    for bar in range(bars):
        shock = mix @ rng.standard_t(6, assets) / 1.22
        variance[bar] = level
        returns[bar] = 0.0003 + 0.009 * np.sqrt(level) * shock
        level = 0.02 + 0.88 * level + 0.10 * np.mean(shock) ** 2 * level / (0.4 + 0.6 / assets)
    return returns, 0.009 * np.sqrt(variance)


def rows_of(returns, scale, *, miscoverage=0.1, warm_up=None, calm=False, rng):
    """Replay `returns` through a plain forecaster: EWMA scale, adaptive miscoverage, thresholds on the score."""
    bars, assets = returns.shape
    warm_up = min(60, bars // 10) if warm_up is None else warm_up
    ewma, alpha = scale[0] ** 2 * np.ones(assets), np.full(assets, miscoverage)
    seen = {name: [] for name in ("upper", "missed", "ema")}
    half, ema = np.full(assets, np.inf), np.full(assets, 1.0 - miscoverage)
    for bar in range(bars):
        observed = bar > warm_up
        missed = observed & (np.abs(returns[bar]) > half)
        alpha = np.clip(alpha + 0.01 * (miscoverage - missed), 0.01, 0.3)
        ema = np.where(observed, ema + 0.02 * (~missed - ema), ema)
        ewma = 0.94 * ewma + 0.06 * returns[bar] ** 2
        half = np.sqrt(ewma) * (1.05 - 0.32 * np.log(alpha))
        for name, value in (("upper", half), ("missed", missed), ("ema", ema)):
            seen[name].append(value)
    half, missed, ema = (np.stack(part) for part in seen.values())
    live = np.arange(bars) >= warm_up
    observed = np.broadcast_to((np.arange(bars) > warm_up)[:, None], (bars, assets))

    width = half.mean(axis=1)
    forecast_part = np.array([np.mean(width[: bar + 1] <= value) for bar, value in enumerate(width)])
    phase = np.sin(np.arange(bars) / max(bars, 8) * 9.0)
    state_part, model_part = 0.25 + 0.1 * phase + 0.03 * rng.random(bars), 0.45 + 0.3 * phase**2 * rng.random(bars)
    kappa = (state_part + model_part + forecast_part) / 3.0
    bcc = np.clip(1.0 - np.abs(ema.mean(axis=1) - (1.0 - miscoverage)) / miscoverage, 0.0, 1.0)
    kappa_plus = 0.7 * kappa + 0.3 * (1.0 - bcc) if not calm else 0.2 * kappa
    surprised = forecast_part > 0.97 if not calm else np.zeros(bars, bool)
    soft, hard = np.zeros((2, bars, len(Guard)), bool)
    soft[:, Guard.WIDTH], soft[:, Guard.COVERAGE] = surprised, (ema.min(axis=1) < 0.8) & (not calm)
    hard[:, Guard.COVERAGE] = (ema.min(axis=1) < 0.72) & (not calm)
    score = 1.0 - kappa_plus - 0.05 * soft.sum(axis=1)
    limits = (score < THRESHOLDS["tau_pass"], (score < THRESHOLDS["tau_derisk"]) | hard.any(axis=1))
    decision = np.select(limits[::-1], [int(Decision.BLOCK), int(Decision.DERISK)], int(Decision.PASS))
    decision = np.where(live, decision, int(Decision.BLOCK))
    risk_scale = np.array([1.0, 0.5, 0.0])[decision]

    tilt = 1.0 + 0.5 * np.sin(np.arange(bars)[:, None] // 21 * 0.7 + np.arange(assets))
    weights = tilt / tilt.sum(axis=1, keepdims=True)
    positions = weights * risk_scale[:, None]
    simple = np.expm1(returns)
    simple[0] = 0.0
    held = np.concatenate([np.zeros((1, assets)), positions[:-1]])
    turnover = np.abs(np.diff(positions, axis=0, prepend=0.0)).sum(axis=1)
    net = (held * simple).sum(axis=1) - 3e-4 * turnover
    equity = np.cumprod(1.0 + net)

    none, zero = np.zeros(bars, bool), np.zeros(bars)
    moving = np.abs(phase) > 0.93
    shares = np.stack([0.3 + 0.25 * phase, 0.25 + 0.0 * phase, 0.45 - 0.25 * phase], axis=1)
    shares = np.abs(shares + 0.1 * rng.standard_normal(shares.shape)) + 0.02
    shares /= shares.sum(axis=1, keepdims=True)
    quantiles = half[:, :, None] * np.array([-1.0, -0.4, 0.0, 0.4, 1.0])
    info = EngineInfo(
        outcome=np.where(live, int(Outcome.OK), int(Outcome.WARMING_UP)),
        settlement=Settlement(returns, observed, missed, ema, ema, ema, missed * 1, np.abs(returns), np.abs(returns)),
        forecast=Forecast(
            0.0 * half, half, np.full(bars, 5.0), quantiles, np.eye(assets)[None] + 0.0 * half[..., None]
        ),
        certificate=Certificate(
            interval=Interval(-half, half, np.full((bars, assets), miscoverage), np.zeros((bars, assets), bool)),
            state_miscoverage=np.full((bars, assets), miscoverage),
            quantile=half,
            coverage_ema=ema,
            bcc=np.tile(bcc[:, None], assets),
            kappa_parts=KappaParts(half, half, half),
            standing=Standing(
                np.full((bars, assets), int(Verdict.UNDECIDED)),
                np.zeros((bars, assets), bool),
                np.zeros((bars, assets), bool),
            ),
            outcome=np.zeros((bars, assets), int),
        ),
        families=np.repeat(shares[:, None], assets, axis=1),
        climate=Climate(np.where(moving, int(Regime.TRANS), shares.argmax(axis=1)), shares, 0.3 + 0.25 * np.abs(phase)),
        in_transition=moving,
        kappa_parts=KappaParts(state_part, model_part, forecast_part),
        kappa=kappa,
        bcc=bcc,
        kappa_plus=kappa_plus,
        score=score,
        penalties=0.05 * soft,
        decision=decision,
        soft=soft,
        hard=hard,
        trigger=np.full(bars, -1),
        refused=np.zeros((bars, len(Trigger)), bool),
        switched=np.diff(decision, prepend=decision[0]) != 0,
        fallbacks=Fallbacks(*[none] * len(Fallbacks._fields)),
        killed=none,
        risk_scale=risk_scale,
        block_reason=np.where(decision == int(Decision.BLOCK), 9, 0),
        rebalance=np.arange(bars) % 21 == 0,
        relative_width_p95=zero,
        latency_p95_ms=zero,
    )
    return ReplayRow(
        info=info,
        weights=weights,
        positions=positions,
        allocation=Allocation(weights, zero, zero, zero, zero, np.zeros(bars, int)),
        equity=equity,
        net_return=net,
        drawdown=1.0 - equity / np.maximum.accumulate(equity),
        turnover=turnover,
        released=none,
        returns=simple,
    )


def stream_report(symbol="DEMO", *, bars=1500, assets=1, seed=0, calm=False, warm_up=None):
    """Return a stream of `bars` days from 2015 on."""
    rng = np.random.default_rng(seed)
    returns, scale = garch(rng, bars, assets)
    rows = rows_of(returns, scale, rng=rng, calm=calm, warm_up=warm_up)
    return StreamReport(
        symbol=symbol,
        assets=tuple(f"{symbol}{i}" for i in range(assets)) if assets > 1 else (symbol,),
        times=1_420_156_800 + DAY * np.arange(bars),
        close=100.0 * np.exp(np.cumsum(returns, axis=0)),
        rows=rows,
        nominal_coverage=0.9,
        benchmark=equal_weight(rows.returns, cost_per_turnover=3e-4),
        thresholds=THRESHOLDS,
        headline=(HeadlineRow("Coverage", "90.1%", "90%", "share of returns inside"),),
    )


def scenario_fan(*, horizon=256, paths=400, windows=12, seed=1):
    """Return heavy-tailed random walks, some called history."""
    rng = np.random.default_rng(seed)
    steps = 0.0002 + 0.011 * rng.standard_t(4, (paths + windows, horizon)) / np.sqrt(2.0)
    walks = np.cumsum(steps, axis=1)
    return Fan(walks[:paths], walks[paths:])


def estimate(value, error, outcome=Outcome.OK):
    """Return a scalar estimate."""
    return Estimate(np.asarray(value), np.asarray(error), np.asarray(int(outcome)))


def invariants():
    """Return three markets, one with an estimate that cannot be had."""
    none = estimate(np.nan, np.nan, Outcome.TOO_SHORT)
    return {
        "real": Invariants(estimate(0.48, 0.01), estimate(0.31, 0.04), estimate(0.52, 0.05), estimate(0.41, 0.03)),
        "teacher": Invariants(estimate(0.49, 0.01), estimate(0.28, 0.03), estimate(0.60, 0.05), estimate(0.37, 0.02)),
        "student": Invariants(estimate(0.50, 0.01), estimate(0.22, 0.03), estimate(0.85, 0.05), none),
    }


def router_report(*, windows=600, seed=2):
    """Return predictions that are true to their word: labels are drawn from them."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet([0.6, 0.6, 0.6], windows)
    labels = np.array([rng.choice(3, p=row) for row in probabilities])
    return RouterReport(probabilities, labels)


def losses():
    """Return a falling teacher, and a student with its validation."""
    rng, steps = np.random.default_rng(3), np.arange(300)
    falling = 4.0 * np.exp(-steps / 60) + 1.0 + 0.08 * rng.standard_normal(300)
    checkpoints = np.arange(0, 300, 25)
    return (
        LossCurve("teacher", "training", falling, steps),
        LossCurve("student", "training", 0.5 * falling - 4.0, steps),
        LossCurve("student", "validation", 0.5 * falling[checkpoints] - 3.85, checkpoints),
    )


def report_content(streams, **changes):
    """Return a whole report of `streams`."""
    parts = {
        "title": "AURORA quickstart",
        "subtitle": "Certified decisions on a made-up market, 2015 to 2019",
        "headline": (
            HeadlineRow("Interval coverage", "89.7%", "90%", "share of returns inside their certified interval"),
            HeadlineRow("Interval width, mean", "3.12%", "", "narrower is sharper, at equal coverage"),
            HeadlineRow("Router ECE", "0.031", "≤ 0.05", "expected calibration error on held-out windows"),
            HeadlineRow("PASS / DERISK / BLOCK", "71% / 22% / 7%", "", "share of live bars"),
            HeadlineRow("Sharpe ratio", "0.71 [0.12, 1.30]", "0.52 [-0.09, 1.12]", "net of costs, 95% interval"),
            HeadlineRow(
                "ES 95%, one bar", "1.62% [1.41, 1.88]", "2.31% [1.98, 2.70]", "mean loss in the worst 5% of bars"
            ),
        ),
        "streams": tuple(streams),
        "fan": scenario_fan(),
        "invariants": invariants(),
        "router": router_report(),
        "losses": losses(),
        "provenance": {
            "run": {"seed": "1337", "config digest": "9f2c51d07ab14e33", "artifact": "1d6f0b9b1f5e7c22"},
            "versions": {"aurora-jax": "0.1.0", "jax": "0.10.2", "numpy": "2.4.6"},
            "data": {"DEMO": "sha256:6a1c9e0f6a1c9e0f6a1c9e0f6a1c9e0f6a1c9e0f6a1c9e0f6a1c9e0f6a1c9e0f"},
        },
    }
    return ReportContent(**{**parts, **changes})
