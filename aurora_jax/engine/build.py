"""Configuration and artifact to objects: the only such place."""

from typing import NamedTuple

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int, PyTree

from ..certification import AdaptiveConformal, CoverageCalibration, ForecastUncertainty, KappaParts, Standing
from ..config.engine import CalmLevels, CrossbarConfig, EngineConfig
from ..config.governance import GovernanceConfig
from ..core import Columns
from ..crossbar import Transition, TwoLengths
from ..data import FeaturePipeline, Standardiser, feature_by_name
from ..governance import Acceptance, Decision, Gating, Guard, Guards, KillSwitch, RollingQuantile, Surprisal
from ..router import EVIDENCE, FAMILIES, Router, RouterNetwork
from ..student import DSSM, Student, Trailing, bind
from .arrays import fill
from .artifact import Artifact
from .artifact_error import ArtifactError
from .engine import AllocationRule, Engine, Meta
from .evidence import with_evidence
from .scenario_set import ScenarioSet
from .state import EngineState


class StreamParts(NamedTuple):
    """What an artifact stores for one stream, beside the networks that all streams share."""

    standardiser: Standardiser
    trailing: Trailing
    scenarios: ScenarioSet
    typical_spread: Float[Array, ""]
    log_spread_deviation: Float[Array, ""]


class RouterParts(NamedTuple):
    """What an artifact stores of the router."""

    weights: PyTree
    temperature: Float[Array, ""]
    window_bars: Int[Array, ""]


def router_parts(router: Router) -> RouterParts:
    """Return what an artifact stores of a router."""
    return RouterParts(router.weights, router.temperature, jnp.asarray(router.window_bars))


def build(config: EngineConfig, artifact: Artifact, *, symbol: str | None = None) -> Engine:
    """Build the engine of one stream.

    Args:
        config: settings; usually `artifact.config`.
        artifact: the arrays.
        symbol: the stream; None takes the first.

    Raises:
        ArtifactError: if the artifact does not have the stream or its arrays do not fit the configuration.
    """
    symbol = next(iter(config.streams), "") if symbol is None else symbol
    if symbol not in config.streams or f"stream-{symbol}" not in artifact.arrays:
        known = ", ".join(config.streams) or "none"
        raise ArtifactError(f"no stream {symbol!r} in {artifact.folder}; it has: {known}.")
    source = str(artifact.folder)
    template = _stream_template(config, symbol, artifact)
    stream = fill(template, artifact.arrays[f"stream-{symbol}"], source=f"{source}/stream-{symbol}")
    network = DSSM(len(config.features), **config.student.model_dump(), rngs=nnx.Rngs(0))
    structure, weights = nnx.split(network)
    weights = fill(nnx.to_pure_dict(weights), artifact.arrays["student"], source=f"{source}/student")
    inputs = len(config.features) + config.student.latent + EVIDENCE
    window = config.crossbar.window_bars
    router_structure, router_weights = nnx.split(RouterNetwork(inputs, rngs=nnx.Rngs(0)))
    parts = RouterParts(nnx.to_pure_dict(router_weights), jnp.ones(()), jnp.asarray(window))
    parts = fill(parts, artifact.arrays["router"], source=f"{source}/router")
    if int(parts.window_bars) != window:
        raise ArtifactError(
            f"{source}/router was trained on windows of {int(parts.window_bars)} returns, crossbar.window_bars is "
            f"{window}: make the artifact anew."
        )
    router = Router(router_structure, parts.weights, parts.temperature, window)
    student = bind(nnx.merge(structure, weights), stream.trailing)
    return assemble(config, symbol, stream, student=student, router=router)


def _stream_template(config: EngineConfig, symbol: str, artifact: Artifact) -> StreamParts:
    assets, features = len(config.streams[symbol].assets), len(config.features)
    stored = artifact.arrays[f"stream-{symbol}"].get(".scenarios.probabilities")
    rows = 0 if stored is None else stored.shape[-1]  # `fill` says what is missing
    families = len(FAMILIES)
    return StreamParts(
        standardiser=Standardiser(jnp.zeros(features), jnp.ones(features)),
        trailing=Trailing(jnp.eye(assets), jnp.ones(assets)),
        scenarios=ScenarioSet(jnp.zeros((families, rows, assets)), jnp.zeros((families, rows)), jnp.zeros(())),
        typical_spread=jnp.ones(()),
        log_spread_deviation=jnp.ones(()),
    )


def load_state(engine: Engine, artifact: Artifact, symbol: str) -> EngineState:
    """Return the state in which an artifact left a stream, exact to the bit.

    Raises:
        ArtifactError: if there is none or it does not fit the engine.
    """
    name = f"state-{symbol}"
    if name not in artifact.arrays:
        raise ArtifactError(f"{artifact.folder}: holds no state of stream {symbol!r}; make the artifact anew.")
    return fill(engine.init(), artifact.arrays[name], source=f"{artifact.folder}/{name}")


def assemble(config: EngineConfig, symbol: str, stream: StreamParts, *, student: Student, router: Router) -> Engine:
    """Put an engine together from trained parts and plain numbers."""
    settings, bounds = config.conformal, config.streams[symbol]
    meta, allocation, crossbar = config.meta, config.allocation, config.crossbar
    governance, levels = config.governance, bounds.levels
    engine = Engine(
        features=FeaturePipeline(config.features),
        standardiser=stream.standardiser,
        student=student,
        router=router,
        crossbar=crossbar_of(crossbar),
        transition=transition_of(crossbar, levels),
        conformal=AdaptiveConformal(**settings.model_dump()),
        coverage=CoverageCalibration(settings.miscoverage, meta.coverage_window_bars),
        width=ForecastUncertainty(meta.width_window_bars),
        relative_width=RollingQuantile(**governance.width.model_dump()),
        surprisal=Surprisal(**governance.surprisal.model_dump()),
        latency=RollingQuantile(**governance.latency.model_dump()),
        guards=Guards(**governance.guards.model_dump()),
        acceptance=_acceptance(governance, levels),
        gating=_gating(governance),
        kill_switch=KillSwitch(nominal_coverage=1.0 - settings.miscoverage, **governance.kill_switch.model_dump()),
        meta=Meta(
            kappa_weights=KappaParts(meta.state_weight, meta.model_weight, meta.forecast_weight),
            gamma=meta.gamma,
            typical_spread=stream.typical_spread,
            log_spread_deviation=stream.log_spread_deviation,
            worst_share=meta.worst_share,
            warm_up_bars=meta.warm_up_bars,
        ),
        scenarios=stream.scenarios,
        allocation=AllocationRule(
            tail_probability=allocation.tail_probability,
            radius_share=allocation.radius_share,
            lower=bounds.weight_min,
            upper=bounds.weight_max,
            rebalance_bars=allocation.rebalance_bars,
            transition_gap_bars=allocation.transition_gap_bars,
            history_bars=allocation.history_bars,
        ),
        standing=Standing.unjudged(),
    )
    return engine if bounds.evidence is None else with_evidence(engine, bounds.evidence)


def crossbar_of(config: CrossbarConfig) -> TwoLengths:
    """Return the index that the engine keeps of each asset."""
    return TwoLengths(recent_bars=config.recent_bars, long_bars=config.long_bars, half_life_bars=config.half_life_bars)


def transition_of(config: CrossbarConfig, levels: CalmLevels | None = None) -> Transition:
    """Return when a stream is in transition, by the levels of its own calm years where there are any."""
    return Transition(
        index_on=config.index_on if levels is None else levels.index_on,
        index_off=config.index_off if levels is None else levels.index_off,
        momentum_on=config.momentum_on,
        momentum_off=config.momentum_off,
        volatility_min=config.volatility_min,
        min_transition_bars=config.min_transition_bars,
    )


def _acceptance(config: GovernanceConfig, levels: CalmLevels | None) -> Acceptance:
    settings = config.acceptance
    penalties = settings.penalties.model_dump()
    shared = {**config.kappa.model_dump(), **settings.hysteresis.model_dump()}
    own = {} if levels is None else levels.model_dump(include=set(shared))
    return Acceptance(
        **{**shared, **own},
        dwell_pass_bars=settings.dwell_pass_bars,
        dwell_derisk_bars=settings.dwell_derisk_bars,
        cooldown_block_bars=settings.cooldown_block_bars,
        clean_window_bars=settings.clean_window_bars,
        fast_path=settings.fast_path,
        penalties={guard: penalties[guard.name.lower()] for guard in Guard},
        volatility_sensitivity=settings.volatility_sensitivity,
    )


def _gating(config: GovernanceConfig) -> Gating:
    settings = config.gating
    scale = settings.scale_map.model_dump()
    return Gating(
        scale_map={decision: scale[decision.name] for decision in Decision},
        base_notional=settings.base_notional,
        min_notional=settings.min_notional,
        max_notional=settings.max_notional,
        hard_block_on_guard=settings.hard_block_on_guard,
    )


def shared_features(streams: dict[str, Columns], names: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Keep the features that every stream's columns allow; say of each other one which stream lacks what."""
    kept, removed = [], {}
    for name in names:
        lacking = {symbol: feature_by_name(name).absent_columns(columns) for symbol, columns in streams.items()}
        reasons = [f"{symbol} has no {', '.join(absent)}" for symbol, absent in lacking.items() if absent]
        if reasons:
            removed[name] = "; ".join(reasons)
        else:
            kept.append(name)
    return tuple(kept), removed
