"""One run of the quickstart, stage by stage."""

import shutil
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from rich.console import Console

import aurora_jax
from aurora_jax.config import QuickstartConfig
from aurora_jax.core import root_key, stream
from aurora_jax.data import MarketData, load_packaged, read_table, validate
from aurora_jax.engine import canonical_json, save_artifact, teacher_file
from aurora_jax.report import RouterReport
from aurora_jax.training import label_blocks, teach
from scripts import calibrate, learn, measure, prepare
from scripts.console import Stages
from scripts.publish import HoldOut, Outcome, print_tables, summary_of, write_outputs
from sims.seb_plus import generate

KEYS = Path("runs") / "keys"
"""Where the signing key of this installation lies; the service trusts its public half."""


def run(config: QuickstartConfig, out: Path, *, data: Path | None, console: Console) -> dict:
    """Do the whole run and return its summary, which is also written to `out`."""
    aurora_jax.enable_x64()
    asked = config
    _refuse_strangers(out / "scenarios")
    root, show = root_key(config.seed), Stages(console)

    with show.stage("data", "real market data, validated and split"):
        markets = load_markets(config, data)
        config = config.updated(engine=prepare.with_streams(config.engine, markets).model_dump())
        periods = {
            name: prepare.split_for(config, market, name=f"{market.source} ({name})")
            for name, market in markets.items()
        }
        own = prepare.prepare(periods[config.stream], config.engine.features)
        other = prepare.prepare(periods[config.transfer_stream], config.engine.features, own.standardiser)
        prepared = {config.stream: own, config.transfer_stream: other}

    with show.stage("teacher", "BIC labels, then a neural fractional SDE with heavy jumps"):
        settings = config.teacher
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

    scenarios = out / ".scenarios"  # takes the place of an earlier run's when this one is done
    with show.stage("seb+", "extreme scenarios on a local Ray"):
        shutil.rmtree(scenarios, ignore_errors=True)
        catalogue = config.scenarios.updated(seed=config.seed)
        with show.paths("simulate") as on_progress:
            generate(catalogue, scenarios, teacher=teacher.model, progress=on_progress)

    with show.stage("student", "deep state-space model on real and teacher windows"):
        with show.bar("distil", config.student.steps) as on_step:
            distilled = learn.distil(stream(root, "student"), config, own, scenarios, on_step)
        network = distilled.result.network

    with show.stage("router", "SLERP between regimes, then a calibrated classifier"):
        with show.bar("route", config.router.steps) as on_step:
            routed = learn.find_routes(stream(root, "router"), config, own, distilled, on_step)

    with show.stage("calibrate", "levels from each stream's calm validation years"), show.waiting():
        sets = calibrate.scenario_sets(config, config.engine, scenarios)
        parts = {name: calibrate.stream_parts(prepared[name], network, sets[name]) for name in markets}
        config, engines, calm = calibrate.calibrate(config, parts, network, routed.router, markets, periods)

    with show.stage("replay", "the hold-out years through the certified engine"), show.waiting():
        replays = {
            name: calibrate.hold_out_replay(
                engines[name],
                calm[name].replay,
                markets[name],
                periods[name],
                operator_release_bars=config.operator_release_bars,
            )
            for name in markets
        }

    with show.stage("publish", "invariants, artifact, report"), show.waiting():
        test = periods[config.stream].test
        labelled = learn.label_hold_out(config, own, network, test)
        latent, features = jnp.split(labelled.inputs, [network.latent], axis=1)
        chances = routed.router.probabilities(latent, features)
        labels = label_blocks(own.periods.train.log_returns(), block_bars=config.teacher.block_bars)
        outcome = Outcome(
            asked=asked,
            config=config,
            streams={name: HoldOut(markets[name], periods[name].test, calm[name], replays[name]) for name in markets},
            invariants=measure.measure_all(
                stream(root, "invariants"), teacher.model, distilled, own, test.log_returns(), np.asarray(labels.regime)
            ),
            router=RouterReport(np.asarray(chances), np.asarray(jnp.argmax(labelled.weights, axis=1))),
            losses=learn.loss_curves(teacher, distilled, routed),
            fan=measure.fan_of(config, scenarios, test),
            measured={
                "teacher_held_out_nll_per_bar": teacher.held_out,
                "teacher_held_out_nll_per_bar_before": teacher.held_out_before,
                "student_validation_nll_per_bar_asset": min(
                    float(part.prediction) for part in distilled.result.validation
                ),
                "slerp_monotonicity_violations": routed.monotonicity_violations,
                "router_temperature": float(routed.router.temperature),
                "scenario_paths": sum(cell.paths for cell in config.scenarios.cells.values()),
            },
        )
        summary = summary_of(outcome)
        trees = calibrate.artifact_trees(network, routed.router, parts)
        save_artifact(
            out / "artifact",
            config=config.engine,
            trees={
                **trees,
                "teacher": teacher_file(teacher.model),
                **{f"state-{name}": done.state for name, done in replays.items()},
            },
            metrics=summary,
            data={name: market.digest for name, market in markets.items()},
            seed=config.seed,
            keys=KEYS,
        )
        shutil.rmtree(out / "scenarios", ignore_errors=True)
        scenarios.rename(out / "scenarios")
        report = write_outputs(outcome, summary, show.seconds, out)
    (out / "timings.json").write_bytes(canonical_json(show.seconds))
    print_tables(console, summary, show.seconds)
    usual = out.resolve().parent == Path("runs").resolve()  # where the service looks by itself
    found = "" if usual else f"AURORA_ARTIFACT={out / 'artifact'} "
    console.print(f"report    {report}\nartifact  {out / 'artifact'}   (serve it: {found}serve run serve.app:aurora)")
    return summary


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
