"""The study of transitions from its settings to its folder, a part at a time."""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from aurora_jax import __version__, enable_x64
from aurora_jax.config.engine import CrossbarConfig
from aurora_jax.core import root_key, stream
from aurora_jax.data import write_bytes_whole
from aurora_jax.engine import canonical_json, crossbar_of, transition_of
from aurora_jax.report import delays_figure, picture, transitions_page, transitions_verdict
from aurora_jax.study import (
    SCENARIOS,
    Scenario,
    Served,
    Sizes,
    choose,
    configured,
    crossbar_family,
    draw,
    fit_hidden_markov,
    measure,
    rivals,
    simulate,
    two_lengths_family,
)
from aurora_jax.training import code_digest
from scripts.parts import kept

_DECIDING = ("core", "crossbar", "study", "timeseries")

RATES = (0.001, 0.0005)
"""False alarms per bar at which detectors are compared; the first chooses settings."""


def study(sizes: Sizes, seed: int, out: Path, *, changes: Sequence[int], console: Console) -> dict:
    """Choose settings on design series, measure on others, and leave numbers, figure and page in `out`.

    Args:
        sizes: how much is simulated.
        seed: of all of it.
        out: folder of the study.
        changes: numbers of the changes of law, from 1; all if none.
        console: for what is going on.

    Raises:
        ValueError: if there is no such change.
    """
    unknown = [number for number in changes if not 1 <= number <= len(SCENARIOS)]
    if unknown:
        raise ValueError(f"changes are numbered 1 to {len(SCENARIOS)}, was {unknown[0]}.")
    numbers = sorted(set(changes)) or range(1, len(SCENARIOS) + 1)
    scenarios = {number: SCENARIOS[number - 1] for number in numbers}
    enable_x64()
    parts = out / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    settings = settings_of(seed, sizes)
    chosen, measured = {}, {}
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("transitions", total=2 * len(scenarios))
        for number, scenario in scenarios.items():
            progress.update(task, description=f"settings: {scenario.name}")
            chosen[scenario.name] = kept(
                parts / f"design_{number}.json", settings, lambda s=scenario: _design(s, seed, sizes)
            )
            progress.advance(task)
        setting = _one_for_all(chosen)
        for number, scenario in scenarios.items():
            progress.update(task, description=f"delays: {scenario.name}")
            asked = {**settings, "setting": setting, "rivals": chosen[scenario.name]["rivals"]}
            measured[scenario.name] = kept(
                parts / f"delays_{number}.json",
                asked,
                lambda s=scenario: _delays(s, seed, sizes, setting, chosen[s.name]["rivals"]),
            )
            progress.advance(task)
    result = {
        "scenarios": {
            s.name: {"laws": [s.before._asdict(), s.after._asdict()], **measured[s.name]} for s in scenarios.values()
        },
        "design": chosen,
        "setting": setting,
        "rates": [f"{rate:g}" for rate in RATES],
        "sizes": sizes._asdict(),
        "provenance": {"settings": {"seed": seed, **sizes._asdict()}, "versions": {"aurora_jax": __version__}},
    }
    _publish(result, out, console)
    return result


def settings_of(seed: int, sizes: Sizes) -> dict:
    """Return what a part that an earlier run has left must have been made with, the code included."""
    code = {"version": __version__, "code": code_digest(packages=_DECIDING)}
    return {"seed": seed, **sizes._asdict(), "served": CrossbarConfig().model_dump(), **code}


@functools.lru_cache
def _model(scenario: Scenario, seed: int):
    """Fit the hidden Markov rival to 20 series of 500 bars under each law."""
    key = stream(root_key(seed), "transitions", scenario.name, "training")
    before = simulate(scenario.before, stream(key, "before"), series=20, bars=500)
    after = simulate(scenario.after, stream(key, "after"), series=20, bars=500)
    return fit_hidden_markov(stream(key, "EM"), before, after)


def _design(scenario: Scenario, seed: int, sizes: Sizes) -> dict:
    half = Sizes(max(sizes.flips // 2, 1), max(sizes.stationary // 2, 1), sizes.bars)
    key = stream(root_key(seed), "transitions", scenario.name, "design")
    return choose(scenario, key, half, _model(scenario, seed), rate=RATES[0])


def _one_for_all(chosen: dict[str, dict]) -> str:
    """Return the setting of the two-length index with the least sum of medians over scenarios, none counting 500."""
    found = [told["two lengths"] for told in chosen.values()]
    return min(found[0], key=lambda name: sum(500.0 if told[name] is None else told[name] for told in found))


def _delays(scenario: Scenario, seed: int, sizes: Sizes, setting: str, of_rivals: dict[str, str]) -> dict:
    drawn = draw(scenario, stream(root_key(seed), "transitions", scenario.name, "reported"), sizes)
    generator = np.random.default_rng(seed)
    config = CrossbarConfig()
    served = Served(crossbar_of(config), config.momentum_on, config.window_bars)
    recent = int(setting.split()[0])
    pairs = {"crossbar, two lengths": two_lengths_family(drawn, recent_bars=(recent,))[setting]}
    pairs |= {name: values[""] for name, values in crossbar_family(drawn, served)}
    for name, values in rivals(drawn, _model(scenario, seed)):
        pairs[name] = values[of_rivals[name]]
    return {
        "detectors": {name: measure(pair, rates=RATES, generator=generator) for name, pair in pairs.items()},
        "configured": configured(drawn, served, transition_of(config)),
    }


def _publish(result: dict, out: Path, console: Console) -> None:
    write_bytes_whole(canonical_json(result), out / "transitions.json")
    curves = {
        name: {detector: told["curve"] for detector, told in found["detectors"].items()}
        for name, found in result["scenarios"].items()
    }
    pictures = {"delays": picture(delays_figure(curves))}
    write_bytes_whole(pictures["delays"].png, out / "delays.png")
    write_bytes_whole(transitions_page(result, pictures).encode(), out / "transitions.html")
    console.print(_table(result))
    console.print(transitions_verdict(result))
    console.print(f"page {out / 'transitions.html'}; numbers in transitions.json beside it", soft_wrap=True)


def _table(result: dict) -> Table:
    table = Table("change", "detector", title="Median delay in bars (95 % interval), share found within 250")
    for rate in result["rates"]:
        table.add_column(f"1 in {1 / float(rate):,.0f}", justify="right")
    for name, found in result["scenarios"].items():
        for place, (detector, told) in enumerate(found["detectors"].items()):
            cells = [cell(told["delays"][rate]) for rate in result["rates"]]
            table.add_row(name if place == 0 else "", detector, *cells)
        table.add_section()
    return table


def cell(delay: dict) -> str:
    """Return e.g. "33 (28 to 41), 95 %"."""
    median, low, high = (_bars(delay[f"{name}_bars"]) for name in ("median", "low", "high"))
    return f"{median} ({low} to {high}), {100 * delay['found_share']:.0f} %"


def _bars(value: float | None) -> str:
    return "never" if value is None else f"{value:.0f}"
