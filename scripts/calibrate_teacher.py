#!/usr/bin/env python
"""Bayesian calibration of roughness, jumps and tails: fit a market, prove the method, draw SEB+ cells."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

_REPOSITORY = Path(__file__).resolve().parent.parent
if str(_REPOSITORY) not in sys.path:  # run as a file, Python sees only this folder
    sys.path.insert(0, str(_REPOSITORY))

# One order of sums on every machine, so one posterior; and no threads that fight for the cores over small matrices.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import typer  # noqa: E402

from scripts.command import console_of_command, errors_in_one_line  # noqa: E402

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
_CONFIG = _REPOSITORY / "configs" / "posterior.yaml"


@app.command()
def fit(
    config: Annotated[Path, typer.Option(help="Settings of the calibration.")] = _CONFIG,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; runs/posterior/<market> by default.")] = None,
    data: Annotated[str | None, typer.Option(help="Another market than the configuration's: a name or a path.")] = None,
    assets: Annotated[str | None, typer.Option(help="Those to keep, with commas between.")] = None,
    start: Annotated[str | None, typer.Option(help="First day, ISO.")] = None,
    bars_in_one: Annotated[int | None, typer.Option(help="Bars to join into one.")] = None,
    mend: Annotated[
        bool, typer.Option("--mend", help="Of a file: keep the last of duplicated rows, start with the last asset.")
    ] = False,
    warm_up: Annotated[int | None, typer.Option(help="Warm-up steps of each chain.")] = None,
    draws: Annotated[int | None, typer.Option(help="Draws of each chain.")] = None,
    seed: Annotated[int | None, typer.Option(help="Root seed, instead of the configuration's.")] = None,
) -> None:
    """Sample the posterior of a market's Hurst exponent, jump intensity, branching ratio and tail index.

    Writes [bold]posterior.json[/bold], [bold]draws.npz[/bold], [bold]priors.json[/bold], figures and
    [bold]report.md[/bold]. The same seed gives the same posterior.json, byte for byte. Exits with 1 if the chains do
    not agree, after one retry with twice the warm-up; what was found is written, and says so.
    """
    with errors_in_one_line(KeyError):
        from aurora_jax.config import load_config
        from aurora_jax.config.posterior import PosteriorConfig

        chosen = load_config(PosteriorConfig, config)
        names = None if assets is None else tuple(assets.split(","))
        repairs = {"duplicates": "keep_last", "starts": "latest"} if mend else None
        market = {"source": data, "assets": names, "start": start, "bars_in_one": bars_in_one, "repairs": repairs}
        sampler = {"warm_up": warm_up, "draws": draws}
        chosen = chosen.updated(
            market={**chosen.market.model_dump(), **_given(market)},
            sampler={**chosen.sampler.model_dump(), **_given(sampler)},
            **_given({"seed": seed}),
        )
        from scripts.calibrating import calibrate  # heavy imports only once the cheap mistakes are out of the way

        folder = out or Path("runs/posterior") / Path(chosen.market.source).stem
        posterior = calibrate(chosen, folder, console=console_of_command())
        if not posterior.convergence.usable:
            raise RuntimeError(f"{folder}: written, but {posterior.message}.")


@app.command()
def sbc(
    config: Annotated[Path, typer.Option(help="Settings; priors and seed are taken.")] = _CONFIG,
    replications: Annotated[int, typer.Option(min=50, help="Markets to draw and fit.")] = 100,
    bars: Annotated[int, typer.Option(min=256, help="Bars of each market.")] = 1000,
    workers: Annotated[int, typer.Option(min=1, help="Processes; the result does not depend on it.")] = 2,
    out: Annotated[Path, typer.Option(help="Folder; the same command goes on in it.")] = Path("runs/posterior/sbc"),
    seed: Annotated[int | None, typer.Option(help="Root seed, instead of the configuration's.")] = None,
) -> None:
    """Prove the method: where truths are drawn from the prior, their ranks in the posterior must be uniform.

    Writes [bold]replications.jsonl[/bold], [bold]sbc.json[/bold] and [bold]ranks.png[/bold]. Minutes; stopped at any
    moment, the same command goes on.
    """
    with errors_in_one_line(KeyError):
        from aurora_jax.config import load_config
        from aurora_jax.config.posterior import PosteriorConfig

        chosen = load_config(PosteriorConfig, config)
        chosen = chosen.updated(**_given({"seed": seed}))
        from scripts.sbc import prove

        prove(chosen, out, replications=replications, bars=bars, workers=workers, console=console_of_command())


@app.command()
def cells(
    posterior: Annotated[Path, typer.Argument(help="Folder that `fit` wrote.")],
    base: Annotated[Path, typer.Option(help="Catalogue whose regimes, paths and ground truth are kept.")] = _REPOSITORY
    / "configs"
    / "seb_plus.yaml",
    out: Annotated[Path, typer.Option(help="Catalogue to write.")] = Path("cells.yaml"),
    count: Annotated[int, typer.Option(min=1, help="Cells to draw.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same cells.")] = 1337,
) -> None:
    """Write a SEB+ catalogue whose cells of the teacher are drawn from a posterior.

    Check it with [bold]python sims/seb_plus.py --config cells.yaml --list[/bold].
    """
    with errors_in_one_line(KeyError):
        from scripts.posterior_cells import write_cells

        drawn = write_cells(posterior, base, out, cells=count, seed=seed)
        console_of_command().print(f"{len(drawn)} cells of the posterior in {out}", soft_wrap=True)


def _given(options: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in options.items() if value is not None}


if __name__ == "__main__":
    app()
