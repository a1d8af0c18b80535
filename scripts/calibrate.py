"""Engines, and the levels that each stream takes from its own calm years."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from aurora_jax.config import EngineConfig, QuickstartConfig
from aurora_jax.config.quickstart import BASELINE_CELLS, SCENARIO_BARS
from aurora_jax.core import Outcome
from aurora_jax.crossbar import TwoLengths
from aurora_jax.data import MarketData, Split
from aurora_jax.engine import (
    Engine,
    ScenarioSet,
    StreamParts,
    assemble,
    crossbar_of,
    posterior_spread,
    router_parts,
    scenario_set,
)
from aurora_jax.governance import GuardFlags, calm_thresholds
from aurora_jax.replay import Replay, replay
from aurora_jax.router import Router
from aurora_jax.scenarios import load
from aurora_jax.student import DSSM, bind, filter_window
from aurora_jax.training import Prepared

WARM_UP_BARS = 1024  # training bars replayed before the validation years


class Calm(NamedTuple):
    """What was found on one stream's calm years.

    Attributes:
        replay: of those years, with the levels found for the index.
        pass_share: share of their bars in PASS with the thresholds found.
        outcome: `Outcome` code of the thresholds; unless OK they do not hold what was asked of them.
    """

    replay: Replay
    pass_share: float
    outcome: Outcome


def scenario_sets(config: QuickstartConfig, engine: EngineConfig, scenarios: Path) -> dict[str, ScenarioSet]:
    """Thin SEB+ to each family's one-bar scenarios; a stream that the teacher does not know has history alone."""
    rule = engine.allocation
    per_family = []
    for cell in BASELINE_CELLS:
        last = np.asarray(load(scenarios, cell=cell).log_price, float)[:, -SCENARIO_BARS - 1 :]
        per_family.append(np.expm1(np.diff(last, axis=1)).reshape(-1, last.shape[2]))
    known = scenario_set(
        jnp.asarray(np.stack(per_family)),
        tail_probability=rule.tail_probability,
        tail_rows=rule.tail_rows,
        body_rows=rule.body_rows,
        simulated_share=rule.simulated_share,
    )
    assets = {name: len(settings.assets) for name, settings in engine.streams.items()}
    none = {name: ScenarioSet(jnp.zeros((3, 0, d)), jnp.zeros((3, 0)), jnp.zeros(())) for name, d in assets.items()}
    return {**none, config.stream: known}


def stream_parts(prepared: Prepared, network: DSSM, scenarios: ScenarioSet) -> StreamParts:
    """Collect what the artifact stores of a stream; the typical posterior spread is that of its training period."""
    inputs = prepared.inputs(prepared.periods.train)
    cells = jax.jit(lambda features, seen: filter_window(network, features, observed=seen).posterior.log_variance)(
        inputs.features, inputs.observed
    )
    spread = jnp.log(posterior_spread(cells[prepared.pipeline.warm_up_bars :]))
    return StreamParts(
        prepared.standardiser,
        prepared.trailing,
        scenarios,
        typical_spread=jnp.exp(jnp.median(spread)),
        log_spread_deviation=jnp.maximum(jnp.std(spread), 0.05),
    )


def engines_of(config: EngineConfig, parts: dict[str, StreamParts], network: DSSM, router: Router) -> dict[str, Engine]:
    """Assemble the engine of every stream."""
    return {
        name: assemble(config, name, part, student=bind(network, part.trailing), router=router)
        for name, part in parts.items()
    }


def calibrate(
    config: QuickstartConfig,
    parts: dict[str, StreamParts],
    network: DSSM,
    router: Router,
    markets: dict[str, MarketData],
    periods: dict[str, Split],
) -> tuple[QuickstartConfig, dict[str, Engine], dict[str, Calm]]:
    """Set every stream's levels: the crossbar index's from its past, the acceptance thresholds from its calm years."""
    config = _with_levels(config, {name: _index_levels(config, markets[name], periods[name]) for name in markets})
    engines = engines_of(config.engine, parts, network, router)
    replays = calm_replays(engines, markets, periods)
    found = {name: _thresholds(config, engines[name], replays[name]) for name in engines}
    config = _with_levels(config, {name: levels for name, (levels, _) in found.items()})
    calm = {name: calm for name, (_, calm) in found.items()}
    return config, engines_of(config.engine, parts, network, router), calm


def _with_levels(config: QuickstartConfig, levels: dict[str, dict[str, float]]) -> QuickstartConfig:
    """Return the settings with some of each stream's calm levels replaced."""
    shared = config.engine.governance
    defaults = {
        **shared.kappa.model_dump(),
        **shared.acceptance.hysteresis.model_dump(),
        "index_on": config.engine.crossbar.index_on,
        "index_off": config.engine.crossbar.index_off,
    }
    engine = config.engine.model_dump()
    for name, found in levels.items():
        own = engine["streams"][name]
        own["levels"] = {**defaults, **(own["levels"] or {}), **found}
    return config.updated(engine=engine)


def _index_levels(config: QuickstartConfig, market: MarketData, periods: Split) -> dict[str, float]:
    """Return quantiles of the index over all bars before the hold-out; the calm years are too few for its tail."""
    before = int(np.searchsorted(market.times, periods.validation.times[-1])) + 1
    crossbar = crossbar_of(config.engine.crossbar)
    index = np.asarray(_mean_index(crossbar, jnp.asarray(market.rows(0, before).log_returns())))
    off, on = np.quantile(index[crossbar.long_bars :], config.index_quantiles)
    return {"index_off": float(off), "index_on": float(on)}


@jax.jit
def _mean_index(crossbar: TwoLengths, returns: Float[Array, "bars assets"]) -> Float[Array, " bars"]:
    """Return the smoothed index bar by bar, averaged over assets as the engine does at equal weights."""

    def bar(state, row):
        state, info = jax.vmap(crossbar.step)(state, row)
        return state, jnp.mean(info.smoothed)

    start = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (returns.shape[1], *leaf.shape)), crossbar.init())
    return jax.lax.scan(bar, start, returns)[1]


def _thresholds(config: QuickstartConfig, engine: Engine, calm: Replay) -> tuple[dict[str, float], Calm]:
    """Find the acceptance thresholds under which the calm years are in PASS as often as configured."""
    info = calm.rows.info
    live = np.asarray(info.outcome) == int(Outcome.OK)
    flags = GuardFlags(jnp.asarray(info.soft[live]), jnp.asarray(info.hard[live]))
    found = calm_thresholds(engine.acceptance, jnp.asarray(info.kappa_plus[live]), flags, pass_share=config.pass_share)
    names = ("tau_pass", "tau_derisk", "tau_pass_up", "tau_derisk_up")
    levels = {name: float(getattr(found.acceptance, name)) for name in names}
    return levels, Calm(calm, float(found.pass_share), Outcome(int(found.outcome)))


def calm_replays(
    engines: dict[str, Engine], markets: dict[str, MarketData], periods: dict[str, Split]
) -> dict[str, Replay]:
    """Replay the validation years of every stream, warmed up on the bars just before them.

    Streams run side by side: most of the time goes into compiling, which one core per stream can do.
    """

    def one(name: str) -> Replay:
        engine, market = engines[name], markets[name]
        first = int(np.searchsorted(market.times, periods[name].validation.times[0]))
        before = replay(engine, engine.init(), market.rows(max(first - WARM_UP_BARS, 0), first).bars()).state
        return replay(engine, before, periods[name].validation.bars())

    with ThreadPoolExecutor(len(engines)) as pool:
        return dict(zip(engines, pool.map(one, engines), strict=True))


def hold_out_replay(
    engine: Engine, calm: Replay, market: MarketData, periods: Split, *, operator_release_bars: int
) -> Replay:
    """Replay the hold-out years; the embargoed bars before them are seen but not reported.

    The engine learns nothing but what it filters, so an embargo would only make its first return 64 bars long.
    """
    last, first = periods.validation.times[-1], periods.test.times[0]
    start, stop = (int(np.searchsorted(market.times, time)) for time in (last + 1, first))
    state = replay(engine, calm.state, market.rows(start, stop).bars()).state if stop > start else calm.state
    return replay(engine, state, periods.test.bars(), operator_release_bars=operator_release_bars)


def artifact_trees(network: DSSM, router: Router, streams: dict[str, StreamParts]) -> dict:
    """Name the pytrees that an artifact stores, but for the teacher and the engines' states."""
    weights = nnx.to_pure_dict(nnx.state(network))
    parts = {f"stream-{name}": part for name, part in streams.items()}
    return {"student": weights, "router": router_parts(router), **parts}
