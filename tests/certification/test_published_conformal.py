"""Figures that others have published, replayed on their data: needs ../shared/data/conformal."""

import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from aurora_jax.certification import AdaptiveMiscoverage, QuantileTracking
from tests.certification.online import push_all, run

REAL = Path(__file__).parents[3] / "shared" / "data" / "conformal"
needs_real = pytest.mark.skipif(not REAL.exists(), reason="needs ../shared/data/conformal")


def published_aci(scores, alpha, step_size, *, burn_in=100):
    """The published replay: all past scores, their sample quantile rounded up, and no learning before bar 100."""
    bounds, level = np.full(len(scores), np.inf), alpha
    for bar in range(len(scores)):
        past = scores[:bar]
        if bar <= burn_in:
            bounds[bar] = np.quantile(past, 1 - alpha) if bar > math.ceil(1 / alpha) else np.inf
            continue
        if level > 1 / (bar + 1):
            bounds[bar] = np.quantile(past, 1 - min(max(level, 0), 1), method="higher")
        level += step_size * (alpha - (scores[bar] > bounds[bar]))
    return bounds


def two_sided(bounds_of, observed, forecast):
    """Replay as the published code does: signed scores, half of alpha on each side, judged after step 100."""
    upper, lower = (np.asarray(bounds_of(side)) for side in (observed - forecast, forecast - observed))
    covered = (observed <= forecast + upper) & (observed >= forecast - lower)
    width = (upper + lower)[100:]
    return covered[100:].mean(), width.mean(), np.median(width)


@needs_real
@pytest.mark.parametrize(
    ("name", "model", "expected"),
    [
        ("elec2", "ar", (0.9063, 0.1088, 0.0986)),
        ("elec2", "theta", (0.8984, 0.0644, 0.0484)),
        ("changepoint", "ar", (0.8989, 8.560, 8.574)),
    ],
)
def test_quantile_tracking_replays_the_published_figures(name, model, expected):
    found = two_sided(lambda side: run(QuantileTracking(miscoverage=0.05), side).quantile, *real(name, model))
    assert found == pytest.approx(expected, abs=6e-4 if name == "changepoint" else 6e-5)


def real(name, model):
    table = pq.read_table(REAL / f"{name}.parquet").to_pydict()
    return np.array(table["y"]), np.array(table[f"forecast_{model}"])


@needs_real
@pytest.mark.parametrize(
    ("name", "model", "step_size", "expected"),
    [
        ("elec2", "ar", 0.005, (0.9026, 0.1250, 0.0895)),
        ("elec2", "theta", 0.05, (0.9016, np.inf, 0.0495)),
        ("changepoint", "ar", 0.005, (0.8989, 8.334, 8.193)),
    ],
)
def test_adaptive_miscoverage_beside_the_published_figures(name, model, step_size, expected):
    """A twin of the published convention has its figures; ours differs by its rank and by learning from bar 0 on.

    Its quantile at level a of n scores is the one of rank 1 + ceil((n - 1)(1 - a)), ours of ceil((n + 1)(1 - a)): at
    most one order statistic apart. The gap it makes is stated, not hidden: .004 of coverage, 8 % of median width.
    """
    observed, forecast = real(name, model)
    twin = two_sided(lambda side: published_aci(side, 0.05, step_size), observed, forecast)
    assert twin == pytest.approx(expected, abs=6e-4 if name == "changepoint" else 6e-5)
    method = AdaptiveMiscoverage(miscoverage=0.05, step_size=step_size, window_bars=2000)
    ours = two_sided(lambda side: run(method, side).quantile, observed, forecast)
    assert ours[0] == pytest.approx(twin[0], abs=0.004)
    assert ours[2] == pytest.approx(twin[2], rel=0.08)


@pytest.mark.slow
@needs_real
def test_the_first_days_of_the_reference_of_zaffran():
    """French spot prices, hour 0: a forest refitted each day, the last half of its past calibrates, gamma .04.

    All 365 days, which take half an hour, were compared once with 1,000 trees: the same 327 covered, coverage .8958904
    as the reference, mean width 12.94 against its 12.84. Its quantile is the midpoint of two order statistics, ours
    the upper one of them, and its forest is another library's.
    """
    forest = pytest.importorskip("sklearn.ensemble").RandomForestRegressor
    table = pd.read_csv(REAL / "zaffran2022" / "prices.csv.gz")
    reference = pd.read_csv(REAL / "zaffran2022" / "aci_reference.csv").to_numpy()
    table = table[table["hour"] == 0]
    inputs, prices = table.drop(columns=["Date", "Spot"]).to_numpy(), table["Spot"].to_numpy()
    past = int((pd.to_datetime(table["Date"]) < "2019-01-01").sum())
    half, days = past // 2, 12
    covered = (prices[past:] >= reference[:, 0]) & (prices[past:] <= reference[:, 1])
    assert (covered.mean(), np.diff(reference).mean()) == pytest.approx((0.8958904, 12.837607), abs=5e-7)

    method = AdaptiveMiscoverage(step_size=0.04, window_bars=half)
    state, hold = method.init(), jax.jit(lambda past: push_all(past, half))
    widths = []
    for day in range(days):
        fitted = forest(100, max_features=6, random_state=1).fit(inputs[day : day + half], prices[day : day + half])
        seen = slice(day + half, day + 2 * half)
        errors = np.abs(prices[seen] - fitted.predict(inputs[seen]))
        forecast = fitted.predict(inputs[past + day : past + day + 1])[0]
        state = state._replace(scores=hold(jnp.asarray(errors)))
        interval = method.interval(state, forecast, 1.0)
        state, info = method.step(state, abs(prices[past + day] - forecast))
        widths.append(float(interval.upper - interval.lower))
        assert bool(info.missed) == (not covered[day])
    # 1,000 trees are 1.4 % above the reference on these days; with a tenth of them errors are larger.
    assert np.mean(widths) == pytest.approx(np.diff(reference[:days]).mean(), rel=0.06)
