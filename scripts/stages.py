"""The stages of the quickstart: each takes what the ones before it made and returns what it makes."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from aurora_jax.config import EngineConfig, QuickstartConfig
from aurora_jax.config.engine import StreamConfig
from aurora_jax.core import Invariants, PRNGKey, stream
from aurora_jax.data import FeaturePipeline, MarketData, Split, Standardiser, batch_features, fit_standardiser
from aurora_jax.engine import Engine, RouterParts, ScenarioSet, StreamParts, assemble, posterior_spread, scenario_set
from aurora_jax.engine import shared_features as keep_shared
from aurora_jax.invariants import measure
from aurora_jax.router import Router
from aurora_jax.scenarios import load
from aurora_jax.student import DSSM, Trailing, TrainResult, bind, filter_window, fit_trailing, generate, train
from aurora_jax.teacher import NFSDE, initial_state, simulate
from aurora_jax.training import (
    Inputs,
    RoutedRouter,
    cut,
    label_history,
    label_paths,
    last_bars,
    path_inputs,
    real_inputs,
    route,
)

OnStep = Callable[[int, float], None]
MEASURE_BARS = 1024  # invariants are measured over windows of this length, real and synthetic alike
MEASURE_PATHS = 24
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
    bounds = {"weight_min": 0.0, "weight_max": 1.0} if len(data.assets) == 1 else {}
    return StreamConfig(assets=data.assets, ohlc=data.columns.ohlc, volume=data.columns.volume, **bounds)


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


def distil(
    key: PRNGKey, config: QuickstartConfig, prepared: Prepared, scenarios: Path, on_step: OnStep
) -> Distilled:
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


def engine_of(config: EngineConfig, symbol: str, parts: StreamParts, network: DSSM, router: Router) -> Engine:
    """Assemble the engine of one stream."""
    return assemble(config, symbol, parts, student=bind(network, parts.trailing), router=router)


def artifact_trees(network: DSSM, router: Router, streams: dict[str, StreamParts]) -> dict:
    """Name the pytrees that an artifact stores, but for the teacher and the engines' states."""
    weights = nnx.to_pure_dict(nnx.state(network))
    parts = {f"stream-{name}": part for name, part in streams.items()}
    return {"student": weights, "router": RouterParts(router.weights, router.temperature), **parts}


def measure_all(
    key: PRNGKey, teacher: NFSDE, distilled: Distilled, prepared: Prepared, real: np.ndarray, regimes: list[int]
) -> dict[str, Invariants]:
    """Measure the invariants of real history, the teacher and the student over windows of one length."""
    network = distilled.result.network
    blocks = jnp.asarray((regimes * (MEASURE_BARS // len(regimes) + 1))[:8])
    keys = jax.random.split(stream(key, "teacher"), MEASURE_PATHS)
    paths = jax.jit(
        lambda keys: jax.vmap(
            lambda k: simulate(teacher, k, initial_state(teacher), blocks, steps=MEASURE_BARS).log_price
        )(keys)
    )(keys)
    taught = jnp.diff(paths.astype(float), axis=1)
    starts = jax.random.split(stream(key, "student"), MEASURE_PATHS)
    latent = jnp.zeros((len(prepared.trailing.base_variance), network.latent), jnp.float32)
    learnt = jax.jit(
        jax.vmap(lambda k: generate(network, prepared.trailing, k, latent, bars=MEASURE_BARS))
    )(starts)
    count = real.shape[0] // MEASURE_BARS
    history = jnp.asarray(real[-count * MEASURE_BARS :].reshape(count, MEASURE_BARS, -1))
    estimate = jax.jit(jax.vmap(measure))
    return {name: estimate(batch) for name, batch in (("real", history), ("teacher", taught), ("student", learnt))}


