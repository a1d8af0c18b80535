"""The stages of the quickstart: each takes what the ones before it made and returns what it makes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from aurora_jax.config import EngineConfig, QuickstartConfig
from aurora_jax.config.engine import StreamConfig
from aurora_jax.core import Estimate, Invariants, Outcome, PRNGKey, stream
from aurora_jax.data import FeaturePipeline, MarketData, Split, Standardiser, batch_features, fit_standardiser, windows
from aurora_jax.engine import Engine, RouterParts, ScenarioSet, StreamParts, assemble, posterior_spread, scenario_set
from aurora_jax.engine import shared_features as keep_shared
from aurora_jax.invariants import measure
from aurora_jax.replay import Replay, replay
from aurora_jax.report import Fan, LossCurve
from aurora_jax.router import Labelled, Router
from aurora_jax.scenarios import load
from aurora_jax.student import DSSM, Trailing, TrainResult, bind, filter_window, fit_trailing, generate, train
from aurora_jax.teacher import NFSDE, initial_state, simulate
from aurora_jax.training import (
    Inputs,
    RoutedRouter,
    TaughtTeacher,
    cut,
    label_history,
    label_paths,
    last_bars,
    path_inputs,
    real_inputs,
    route,
)

OnStep = Callable[[int, float], None]
WARM_UP_BARS = 1024  # training bars replayed before the validation years
MEASURE_BLOCKS = 8
MEASURE_BARS = 1000  # invariants are measured over windows of this length, real and synthetic alike
MEASURE_PATHS = 12
_SCENARIO_BARS = 64  # last bars of each path that serve as one-bar scenarios


class Prepared(NamedTuple):
    """A stream cut into periods, with what was fitted on its training period alone."""

    periods: Split
    pipeline: FeaturePipeline
    standardiser: Standardiser
    trailing: Trailing


class Distilled(NamedTuple):
    """The trained student and the simulated paths that it and the router learn from."""

    result: TrainResult
    simulated: Inputs
    log_price: Float[Array, "paths points assets"]


def stream_config(data: MarketData) -> StreamConfig:
    """Describe a stream; a single asset's weight can only be 1."""
    described = StreamConfig(assets=data.assets, ohlc=data.columns.ohlc, volume=data.columns.volume, weight_max=1.0)
    return described.updated(weight_min=0.0) if len(data.assets) == 1 else described.updated(weight_max=0.5)


def with_streams(config: EngineConfig, streams: dict[str, MarketData]) -> EngineConfig:
    """Bind the engine's settings to streams, keeping the features that all of them can have."""
    kept, removed = keep_shared({name: data.columns for name, data in streams.items()}, config.features)
    described = {name: stream_config(data).model_dump() for name, data in streams.items()}
    return config.updated(streams=described, features=kept, features_removed=removed)


def prepare(periods: Split, features: tuple[str, ...], standardiser: Standardiser | None = None) -> Prepared:
    """Fit standardisation and trailing moments on the training period; a transfer stream borrows the standardiser."""
    pipeline = FeaturePipeline(features)
    if standardiser is None:
        values = batch_features(pipeline, periods.train.bars())
        standardiser = fit_standardiser(np.asarray(values)[pipeline.warm_up_bars :])
    return Prepared(periods, pipeline, standardiser, fit_trailing(jnp.asarray(periods.train.log_returns())))


def distil(key: PRNGKey, config: QuickstartConfig, prepared: Prepared, scenarios: Path, on_step: OnStep) -> Distilled:
    """Train the student on real windows and on the last bars of SEB+ paths."""
    settings, engine = config.student, config.engine
    parts = (prepared.pipeline, prepared.standardiser, prepared.trailing)
    shape = {"length_bars": settings.window_bars, "stride_bars": settings.stride_bars}
    start = prepared.pipeline.warm_up_bars
    real = cut(real_inputs(prepared.periods.train, *parts), start=start, **shape)
    validation = cut(real_inputs(prepared.periods.validation, *parts), start=start, **shape)
    log_price = jnp.concatenate(
        [load(scenarios, cell=name).log_price[: settings.teacher_paths_per_cell] for name in config.scenarios.cells]
    )
    simulated = path_inputs(log_price, *parts)
    seed = jax.random.bits(stream(key, "network"), dtype=jnp.uint32).item()
    network = DSSM(
        len(prepared.pipeline.names), hidden=engine.student.hidden, latent=engine.student.latent, rngs=nnx.Rngs(seed)
    )
    result = train(
        network,
        stream(key, "training"),
        real,
        last_bars(simulated, length_bars=settings.window_bars),
        validation,
        steps=settings.steps,
        batch_windows=settings.batch_windows,
        teacher_share=settings.teacher_share,
        learning_rate=settings.learning_rate,
        on_step=on_step,
    )
    return Distilled(result, simulated, log_price)


def find_routes(
    key: PRNGKey, config: QuickstartConfig, prepared: Prepared, distilled: Distilled, on_step: OnStep
) -> RoutedRouter:
    """Label, interpolate by SLERP, train the router and calibrate its temperature."""
    settings, network = config.router, distilled.result.network
    parts = (prepared.pipeline, prepared.standardiser, prepared.trailing)
    train_inputs = real_inputs(prepared.periods.train, *parts).features
    later_inputs = real_inputs(prepared.periods.validation, *parts).features
    shape = {"window_bars": settings.window_bars, "start": prepared.pipeline.warm_up_bars}
    return route(
        key,
        network,
        prepared.pipeline,
        prepared.standardiser,
        training=label_history(
            network, train_inputs, _returns(prepared.periods.train), stride_bars=settings.stride_bars, **shape
        ),
        simulated=label_paths(
            network, distilled.simulated.features, distilled.log_price, window_bars=settings.window_bars
        ),
        validation=label_history(
            network, later_inputs, _returns(prepared.periods.validation), stride_bars=settings.stride_bars, **shape
        ),
        slerp_paths=settings.slerp_paths,
        slerp_points=settings.slerp_points,
        window_bars=settings.window_bars,
        steps=settings.steps,
        on_step=on_step,
    )


def _returns(data: MarketData) -> np.ndarray:
    """Return one log return per bar, 0 for the first."""
    return np.concatenate([np.zeros((1, len(data.assets))), data.log_returns()])


def scenario_sets(config: QuickstartConfig, engine: EngineConfig, scenarios: Path) -> dict[str, ScenarioSet]:
    """Thin SEB+ to each family's one-bar scenarios; a stream that the teacher does not know has history alone."""
    rule = engine.allocation
    per_family = []
    for cell in ("baseline_ar", "baseline_arma", "baseline_garch"):
        last = np.asarray(load(scenarios, cell=cell).log_price, float)[:, -_SCENARIO_BARS - 1 :]
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
    inputs = real_inputs(prepared.periods.train, prepared.pipeline, prepared.standardiser, prepared.trailing)
    cells = jax.jit(lambda features: filter_window(network, features).posterior.log_variance)(inputs.features)
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
    return {"student": weights, "router": RouterParts(router.weights, router.temperature), **parts}


def label_hold_out(config: QuickstartConfig, prepared: Prepared, network: DSSM, test: MarketData) -> Labelled:
    """Label non-overlapping windows of the hold-out, beside the router's inputs at their ends."""
    inputs = real_inputs(test, prepared.pipeline, prepared.standardiser, prepared.trailing)
    bars = config.router.window_bars
    start = prepared.pipeline.warm_up_bars
    return label_history(network, inputs.features, _returns(test), window_bars=bars, stride_bars=bars, start=start)


def loss_curves(teacher: TaughtTeacher, distilled: Distilled, routed: RoutedRouter) -> tuple[LossCurve, ...]:
    """Return the training losses, and the student's on validation windows."""
    student = distilled.result
    later = np.asarray([float(part.total) for part in student.validation])
    return (
        _curve("teacher", "training", teacher.losses),
        _curve("student", "training", student.losses),
        LossCurve("student", "validation", later, np.asarray(student.validation_steps)),
        _curve("router", "training", routed.losses),
    )


def _curve(model: str, name: str, losses: Array) -> LossCurve:
    values = np.asarray(losses, float)
    return LossCurve(model, name, values, np.arange(values.size))


def fan_of(config: QuickstartConfig, scenarios: Path, test: MarketData) -> Fan:
    """Return equal-weight cumulative log returns: SEB+ baseline paths, and hold-out windows of the same length."""
    cells = [name for name, cell in config.scenarios.cells.items() if cell.family.value == "baseline"]
    simulated = np.concatenate([np.asarray(load(scenarios, cell=name).log_price, float) for name in cells])
    horizon = simulated.shape[1] - 1
    history = windows(test.log_returns(), length_bars=horizon, stride_bars=21)
    return Fan(
        simulated=np.cumsum(np.log(np.mean(np.exp(np.diff(simulated, axis=1)), axis=2)), axis=1),
        history=np.cumsum(np.log(np.mean(np.exp(np.asarray(history)), axis=2)), axis=1),
    )


def measure_all(
    key: PRNGKey, teacher: NFSDE, distilled: Distilled, prepared: Prepared, real: np.ndarray, regimes: np.ndarray
) -> dict[str, Invariants]:
    """Measure the invariants of hold-out history, teacher and student over windows of one length.

    Values are means over windows or paths, with the standard error of that mean (of the estimator where there is but
    one window). The teacher draws the regime of each block from the training years' labels.
    """
    network = distilled.result.network
    blocks = jax.random.choice(stream(key, "regimes"), jnp.asarray(regimes), (MEASURE_PATHS, MEASURE_BLOCKS))
    keys = jax.random.split(stream(key, "teacher"), MEASURE_PATHS)
    start = initial_state(teacher)
    taught = jax.jit(
        lambda k, z: jax.lax.map(
            lambda one: simulate(teacher, one[0], start, one[1], steps=MEASURE_BARS).log_price, (k, z)
        )
    )(keys, blocks)
    latent = jnp.zeros((len(prepared.trailing.base_variance), network.latent), jnp.float32)
    learnt = jax.jit(jax.vmap(lambda k: generate(network, prepared.trailing, k, latent, bars=MEASURE_BARS)))(
        jax.random.split(stream(key, "student"), MEASURE_PATHS)
    )
    count = real.shape[0] // MEASURE_BARS
    history = jnp.asarray(real[-count * MEASURE_BARS :].reshape(count, MEASURE_BARS, -1))
    batches = {"real": history, "teacher": jnp.diff(taught.astype(float), axis=1), "student": learnt}
    estimate = jax.jit(jax.vmap(measure))
    return {name: _mean_invariants(estimate(batch)) for name, batch in batches.items()}


def _mean_invariants(many: Invariants) -> Invariants:
    """Average estimates over windows; those that have an outcome other than OK are left out."""

    def mean(estimate: Estimate) -> Estimate:
        good = np.asarray(estimate.outcome) == int(Outcome.OK)
        values = np.asarray(estimate.value)[good]
        if values.size < 2:
            return jax.tree.map(lambda leaf: leaf[0], estimate)
        error = np.std(values, ddof=1) / np.sqrt(values.size)
        return Estimate(jnp.asarray(values.mean()), jnp.asarray(error), jnp.asarray(int(Outcome.OK)))

    return Invariants(*(mean(estimate) for estimate in many))
