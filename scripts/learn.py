"""Training student and router on real windows and SEB+ paths."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from aurora_jax.config import QuickstartConfig
from aurora_jax.core import PRNGKey, stream
from aurora_jax.data import MarketData
from aurora_jax.report import LossCurve
from aurora_jax.router import Labelled
from aurora_jax.scenarios import load
from aurora_jax.student import DSSM, TrainResult, TrainSettings, train
from aurora_jax.training import (
    Inputs,
    Prepared,
    RoutedRouter,
    TaughtTeacher,
    cut,
    label_history,
    label_paths,
    last_bars,
    path_inputs,
    route,
)
from scripts.streams import returns_per_bar

OnStep = Callable[[int, float], None]


class Distilled(NamedTuple):
    """The trained student and the simulated paths that it and the router learn from."""

    result: TrainResult
    simulated: Inputs
    log_price: Float[Array, "paths points assets"]


def distil(key: PRNGKey, config: QuickstartConfig, prepared: Prepared, scenarios: Path, on_step: OnStep) -> Distilled:
    """Train the student on real windows and on the last bars of SEB+ paths."""
    settings, engine = config.student, config.engine
    parts = (prepared.pipeline, prepared.standardiser, prepared.trailing)
    shape = {"length_bars": settings.window_bars, "stride_bars": settings.stride_bars}
    start = prepared.pipeline.warm_up_bars
    real = cut(prepared.inputs(prepared.periods.train), start=start, **shape)
    validation = cut(prepared.inputs(prepared.periods.validation), start=start, **shape)
    log_price = jnp.concatenate(
        [load(scenarios, cell=name).log_price[: settings.teacher_paths_per_cell] for name in config.scenarios.cells]
    )
    simulated = path_inputs(log_price, *parts)
    seed = jax.random.bits(stream(key, "network"), dtype=jnp.uint32).item()
    network = DSSM(
        len(prepared.pipeline.names),
        **engine.student.model_dump(),
        degrees_of_freedom=prepared.scale.degrees_of_freedom,
        rngs=nnx.Rngs(seed),
    )
    result = train(
        network,
        stream(key, "training"),
        real,
        last_bars(simulated, length_bars=settings.window_bars),
        validation,
        TrainSettings(settings.steps, settings.batch_windows, settings.teacher_share, settings.learning_rate),
        on_step=on_step,
    )
    return Distilled(result, simulated, log_price)


def find_routes(
    key: PRNGKey, config: QuickstartConfig, prepared: Prepared, distilled: Distilled, on_step: OnStep
) -> RoutedRouter:
    """Label, interpolate by SLERP, train the router and calibrate its temperature."""
    settings, network = config.router, distilled.result.network

    def label(data):
        return label_history(
            network,
            prepared.inputs(data),
            returns_per_bar(data),
            window_bars=settings.window_bars,
            stride_bars=settings.stride_bars,
            lead_bars=prepared.pipeline.warm_up_bars,
        )

    return route(
        key,
        network,
        prepared.pipeline,
        prepared.standardiser,
        training=label(prepared.periods.train),
        simulated=label_paths(
            network, distilled.simulated.features, distilled.log_price, window_bars=settings.window_bars
        ),
        validation=label(prepared.periods.validation),
        slerp_paths=settings.slerp_paths,
        slerp_points=settings.slerp_points,
        slerp_clear_share=settings.slerp_clear_share,
        window_bars=settings.window_bars,
        steps=settings.steps,
        on_step=on_step,
    )


def label_hold_out(config: QuickstartConfig, prepared: Prepared, network: DSSM, test: MarketData) -> Labelled:
    """Label non-overlapping windows of the hold-out, beside the router's inputs at their ends."""
    bars = config.router.window_bars
    return label_history(
        network,
        prepared.inputs(test),
        returns_per_bar(test),
        window_bars=bars,
        stride_bars=bars,
        lead_bars=prepared.pipeline.warm_up_bars,
    ).labelled


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
