"""One run of the quickstart, stage by stage."""

import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console

import aurora_jax
from aurora_jax.config import QuickstartConfig
from aurora_jax.core import PRNGKey, root_key, stream
from aurora_jax.data import MarketData, Split, load_packaged, read_table, validate
from aurora_jax.engine import StreamParts, canonical_json, save_artifact, teacher_file, units_file
from aurora_jax.replay import Replay
from aurora_jax.report import RouterReport
from aurora_jax.router import draw_families
from aurora_jax.training import Prepared, RoutedRouter, TaughtTeacher, label_blocks, prepare, teach, units_of
from scripts import calibrate, learn, measure, streams
from scripts.console import Stages
from scripts.publish import HoldOut, Outcome, print_tables, summary_of, write_outputs
from sims.seb_plus import generate

KEYS = Path("runs") / "keys"
"""Where the signing key of this installation lies; the service trusts its public half."""


class Data(NamedTuple):
    """Every stream's market, its periods, and what was fitted on the first of them."""

    markets: dict[str, MarketData]
    periods: dict[str, Split]
    prepared: dict[str, Prepared]


class Models(NamedTuple):
    """What was trained."""

    teacher: TaughtTeacher
    student: learn.Distilled
    router: RoutedRouter


class Certified(NamedTuple):
    """The settings with every stream's levels, what an artifact stores of each, its calm years and its hold-out."""

    config: QuickstartConfig
    parts: dict[str, StreamParts]
    calm: dict[str, calibrate.Calm]
    replays: dict[str, Replay]


def run(config: QuickstartConfig, out: Path, *, data: Path | None, console: Console) -> dict:
    """Do the whole run and return its summary, which is also written to `out`."""
    aurora_jax.enable_x64()
    _refuse_strangers(out / "scenarios")
    root, show = root_key(config.seed), Stages(console)
    scenarios = out / ".scenarios"  # takes the place of an earlier run's when this one is done

    asked = config
    with show.stage("data", "real market data, validated and split"):
        config, found = _prepare(config, load_markets(config, data))
    models = _train(config, show, root, found.prepared[config.stream], scenarios)
    certified = _certify(config, show, found, models, scenarios)
    with show.stage("publish", "invariants, artifact, report"), show.waiting():
        outcome = _outcome(asked, stream(root, "invariants"), found, models, certified, scenarios)
        summary = summary_of(outcome)
        _save(out / "artifact", found, models, certified, summary)
        shutil.rmtree(out / "scenarios", ignore_errors=True)
        scenarios.rename(out / "scenarios")
        report = write_outputs(outcome, summary, show.seconds, out)
    (out / "timings.json").write_bytes(canonical_json(show.seconds))
    print_tables(console, summary, show.seconds)
    usual = out.resolve().parent == Path("runs").resolve()  # where the service looks by itself
    where = "" if usual else f"AURORA_ARTIFACT={out / 'artifact'} "
    console.print(f"report    {report}\nartifact  {out / 'artifact'}   (serve it: {where}serve run serve.app:aurora)")
    return summary


def _prepare(config: QuickstartConfig, markets: dict[str, MarketData]) -> tuple[QuickstartConfig, Data]:
    config = config.updated(engine=streams.with_streams(config.engine, markets).model_dump())
    periods = {
        name: streams.split_for(config, market, name=f"{market.source} ({name})") for name, market in markets.items()
    }
    own = prepare(periods[config.stream], config.engine.features)
    other = prepare(periods[config.transfer_stream], config.engine.features, own)
    return config, Data(markets, periods, {config.stream: own, config.transfer_stream: other})


def _train(config: QuickstartConfig, show: Stages, root: PRNGKey, own: Prepared, scenarios: Path) -> Models:
    settings = config.teacher
    with show.stage("teacher", "BIC labels, then a neural fractional SDE with heavy jumps"):
        with show.bar("fit", settings.steps) as on_step:
            teacher = teach(
                stream(root, "teacher"),
                own.periods.train.log_returns(),
                own.periods.validation.log_returns(),
                block_bars=settings.block_bars,
                steps=settings.steps,
                learning_rate=settings.learning_rate,
                on_step=on_step,
            )
    with show.stage("seb+", "extreme scenarios on a local Ray"):
        shutil.rmtree(scenarios, ignore_errors=True)
        with show.paths("simulate") as on_progress:
            generate(config.scenarios, scenarios, teacher=teacher.model, progress=on_progress)
    with show.stage("student", "deep state-space model on real and teacher windows"):
        with show.bar("distil", config.student.steps) as on_step:
            student = learn.distil(stream(root, "student"), config, own, scenarios, on_step)
    with show.stage("router", "SLERP between regimes, then a calibrated classifier"):
        with show.bar("route", config.router.steps) as on_step:
            router = learn.find_routes(stream(root, "router"), config, own, student, on_step)
    return Models(teacher, student, router)


def _certify(config: QuickstartConfig, show: Stages, data: Data, models: Models, scenarios: Path) -> Certified:
    network, router = models.student.result.network, models.router.router
    with show.stage("calibrate", "levels from each stream's own past"), show.waiting():
        sets = calibrate.scenario_sets(config, config.engine, scenarios)
        parts = {name: calibrate.stream_parts(data.prepared[name], network, sets[name]) for name in data.markets}
        config, engines, calm = calibrate.calibrate(config, parts, network, router, data.markets, data.periods)
    with show.stage("replay", "the hold-out years through the certified engine"), show.waiting():
        replays = {
            name: calibrate.hold_out_replay(
                engines[name],
                calm[name].replay,
                market,
                data.periods[name],
                operator_release_bars=config.operator_release_bars,
            )
            for name, market in data.markets.items()
        }
    return Certified(config, parts, calm, replays)


def _outcome(
    asked: QuickstartConfig, key: PRNGKey, data: Data, models: Models, certified: Certified, scenarios: Path
) -> Outcome:
    config, own, (teacher, student, router) = certified.config, data.prepared[asked.stream], models
    network, test = student.result.network, data.periods[config.stream].test
    labelled = learn.label_hold_out(config, own, network, test)
    chances = router.router.probabilities(labelled.inputs).probabilities
    drawn = draw_families(stream(key, "families"), labelled.weights)
    labels = label_blocks(own.periods.train.log_returns(), block_bars=config.teacher.block_bars)
    return Outcome(
        asked=asked,
        config=config,
        streams={
            name: HoldOut(market, data.periods[name].test, certified.calm[name], certified.replays[name])
            for name, market in data.markets.items()
        },
        invariants=measure.measure_all(key, teacher.model, student, own, test.log_returns(), np.asarray(labels.regime)),
        router=RouterReport(np.asarray(chances), np.asarray(drawn)),
        losses=learn.loss_curves(teacher, student, router),
        fan=measure.fan_of(config, scenarios, test),
        measured={
            "teacher_held_out_nll_per_bar": teacher.held_out,
            "teacher_held_out_nll_per_bar_before": teacher.held_out_before,
            "student_validation_nll_per_bar_asset": student.result.best_score,
            "slerp_monotonicity_violations": router.monotonicity_violations,
            "router_temperature": float(router.router.temperature),
            "scenario_paths": sum(cell.paths for cell in config.scenarios.cells.values()),
        },
    )


def _save(folder: Path, data: Data, models: Models, certified: Certified, summary: dict) -> None:
    trees = calibrate.artifact_trees(models.student.result.network, models.router.router, certified.parts)
    states = {f"state-{name}": done.state for name, done in certified.replays.items()}
    save_artifact(
        folder,
        config=certified.config.engine,
        trees={
            **trees,
            "teacher": teacher_file(models.teacher.model),
            "units": units_file(units_of(data.prepared[certified.config.stream].periods.train, ranges=False)),
            **states,
        },
        metrics=summary,
        data={name: market.digest for name, market in data.markets.items()},
        seed=certified.config.seed,
        keys=KEYS,
    )


def _refuse_strangers(scenarios: Path) -> None:
    """Fail before the work where replacing an earlier run's scenarios would delete what is not ours."""
    if scenarios.exists() and not (scenarios / "_dataset.json").exists():
        raise OSError(f"{scenarios} exists and holds no AURORA data set: move it away or choose another --out.")


def load_markets(config: QuickstartConfig, data: Path | None) -> dict[str, MarketData]:
    """Load and check the basket and the transfer stream."""
    basket = load_packaged(config.stream_data) if data is None else read_table(data, symbol=config.stream)
    needed = config.student.window_bars + 2 * config.router.window_bars
    return {
        config.stream: validate(basket, minimum_bars=needed),
        config.transfer_stream: validate(load_packaged(config.transfer_data), minimum_bars=needed),
    }
