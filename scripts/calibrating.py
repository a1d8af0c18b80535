"""A calibration from its settings to its folder."""

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table

from aurora_jax import __version__, enable_x64
from aurora_jax.config.posterior import PosteriorConfig, PosteriorMarketConfig, SamplerConfig
from aurora_jax.core import root_key, stream
from aurora_jax.data import MarketData, Repairs, load_packaged, read_table
from aurora_jax.engine import canonical_json
from aurora_jax.invariants import jump_test
from aurora_jax.report import picture
from aurora_jax.training.posterior import (
    CALIBRATED,
    QUANTILES,
    Calibration,
    Observations,
    Posterior,
    PredictiveCheck,
    Progress,
    cell_priors,
    join_bars,
    observe_market,
    predictive_check,
)
from scripts.posterior_figures import marginal_figure, predictive_figure, trace_figure

_MARKETS = 100


def market_of(config: PosteriorMarketConfig) -> MarketData:
    """Return the market that a configuration names, in the bars that it asks for."""
    if config.source.endswith((".csv", ".parquet")):
        repairs = Repairs(**config.repairs.model_dump())
        market = read_table(config.source, maximum_gap_bars=config.maximum_gap_bars, repairs=repairs)
    else:
        market = load_packaged(config.source)
    market = market if config.start is None else market.between(config.start, None)
    market = market if config.assets is None else market.select(config.assets)
    return join_bars(market, config.bars_in_one)


def calibrate(config: PosteriorConfig, out: Path, *, console: Console) -> Posterior:
    """Fit, and leave the posterior, its figures and its report in `out`."""
    enable_x64()
    market = market_of(config.market)
    found = observe_market(market, config.jumps)
    out.mkdir(parents=True, exist_ok=True)  # only for a market that can be fitted, and before the minutes of work
    console.print(
        f"[bold]{market.symbol}[/bold]: {len(market.assets)} assets, {found.increments.size + 1:,} readings, "
        f"{found.event_bars.size:,} bars with a jump of {found.bars:,}; sampling {config.sampler.chains} chains"
    )
    key = stream(root_key(config.seed), "posterior")
    with _bar(console, config.sampler) as on_progress:
        posterior = Calibration(config.priors, config.sampler)(stream(key, "nuts"), found, on_progress=on_progress)
    markets = min(_MARKETS, config.sampler.chains * config.sampler.draws)
    with console.status("   drawing markets from the posterior"):
        check = predictive_check(stream(key, "predictive"), posterior, found, markets=markets)
    _write(config, out, market, found, posterior, check)
    console.print(_table(posterior))
    console.print(f"divergences {posterior.divergences}; {posterior.message}", soft_wrap=True)
    console.print(f"report      {out / 'report.md'}", soft_wrap=True)
    return posterior


@contextlib.contextmanager
def _bar(console: Console, sampler: SamplerConfig) -> Iterator[Callable[[Progress], None]]:
    """Show how far the chains are; yields what the sampler calls."""
    columns = (
        TextColumn("   {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[divergences]} divergences"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with ProgressBar(*columns, console=console) as bar:
        task = bar.add_task("compiling", total=sampler.warm_up + sampler.draws, divergences=0)

        def show(now: Progress) -> None:
            again = " again" if now.warm_up > sampler.warm_up else ""
            phase = "warming up" if now.step <= now.warm_up else "drawing"
            bar.update(
                task, description=phase + again, total=now.steps, completed=now.step, divergences=now.divergences
            )

        yield show


def _write(
    config: PosteriorConfig,
    out: Path,
    market: MarketData,
    found: Observations,
    posterior: Posterior,
    check: PredictiveCheck,
) -> None:
    content = _content(config, market, found, posterior, check)
    (out / "posterior.json").write_bytes(canonical_json(content))
    with io.BytesIO() as file:
        np.savez(file, allow_pickle=False, **posterior.draws)
        (out / "draws.npz").write_bytes(file.getvalue())
    priors = out / "priors.json"
    if posterior.convergence.usable:
        laws = {name: law._asdict() for name, law in cell_priors(posterior).items()}
        priors.write_bytes(canonical_json(laws))
    else:
        priors.unlink(missing_ok=True)  # what an earlier run left there would be taken for this one's
    figures = {
        "trace": trace_figure(posterior),
        "marginals": marginal_figure(posterior, config.priors),
        "predictive": predictive_figure(check),
    }
    for name, figure in figures.items():
        (out / f"{name}.png").write_bytes(picture(figure, dots_per_inch=100).png)
    (out / "report.md").write_text(_report(content))


def _content(
    config: PosteriorConfig, market: MarketData, found: Observations, posterior: Posterior, check: PredictiveCheck
) -> dict:
    returns = np.log(np.mean(np.exp(market.log_returns()), axis=1))
    test = jump_test(jnp.asarray(returns))
    marginals = {
        name: {
            "mean": one.mean,
            "deviation": one.deviation,
            "quantiles": {f"{level:g}": value for level, value in zip(QUANTILES, one.quantiles, strict=True)},
            "r_hat": one.r_hat,
            "effective_size": one.effective_size,
        }
        for name, one in posterior.marginals.items()
    }
    return {
        "convergence": posterior.convergence.value,
        "message": posterior.message,
        "divergences": posterior.divergences,
        "warm_up": posterior.warm_up,
        "r_hat_below": posterior.r_hat_below,
        "parameters": marginals,
        "market": {
            "symbol": market.symbol,
            "assets": len(market.assets),
            "bars": len(market.times),
            "sha256": market.digest,
            "source": market.source,
            "licence": market.licence,
        },
        "observations": {
            "readings": found.increments.size + 1,
            "error_variance": found.error_variance,
            "jump_bars": found.bars,
            "jumps": found.event_bars.size,
            "largest_excess": float(np.max(found.excesses)),
            "jump_test_p_value": float(test.p_value),
        },
        "predictive": {name: one._asdict() for name, one in check.checks.items()},
        "config": config.model_dump(mode="json"),
        "config_digest": config.digest(),
        "versions": {"aurora_jax": __version__, "jax": jax.__version__, "numpyro": numpyro.__version__},
    }


def _report(content: dict) -> str:
    """Write the calibration as Markdown."""
    market, seen = content["market"], content["observations"]
    rows = "\n".join(
        f"| {'**' + name + '**' if name in CALIBRATED else name} | {one['mean']:.4g} | {one['deviation']:.3g} | "
        f"{' | '.join(f'{value:.4g}' for value in one['quantiles'].values())} | {one['r_hat']:.4f} | "
        f"{one['effective_size']:.0f} |"
        for name, one in content["parameters"].items()
    )
    checks = "\n".join(
        f"| {name} | {one['real']:.4g} | {one['low']:.4g} | {one['middle']:.4g} | {one['high']:.4g} | "
        f"{one['p_value']:.2f} |"
        for name, one in content["predictive"].items()
    )
    flag = "" if content["convergence"] == "converged" else "**Not converged: do not draw cells from it.**\n\n"
    return f"""# Posterior of {market["symbol"]}

{flag}{content["message"]}; {content["divergences"]} divergences. Settings {content["config_digest"]}, data sha256
`{market["sha256"]}`.

{market["source"]}: {market["assets"]} assets, {market["bars"]:,} bars; {seen["readings"]:,} readings of log-volatility
with error variance {seen["error_variance"]:.4g}; {seen["jumps"]:,} of {seen["jump_bars"]:,} bars hold a jump. Test for
jumps in the returns: p = {seen["jump_test_p_value"]:.2g}.

| parameter | mean | sd | 5 % | 50 % | 95 % | R-hat | ESS |
|---|---|---|---|---|---|---|---|
{rows}

Against markets drawn from the posterior; p is the share of them in which the number is at least as large:

| | real | 5 % | 50 % | 95 % | p |
|---|---|---|---|---|---|
{checks}

![posterior against prior](marginals.png)
![jump counts](predictive.png)
![chains](trace.png)
"""


def _table(posterior: Posterior) -> Table:
    table = Table("", "mean", "sd", "5 %", "50 %", "95 %", "R-hat", "ESS", title="Posterior")
    for name, one in posterior.marginals.items():
        values = [f"{value:.4g}" for value in (one.mean, one.deviation, *one.quantiles)]
        table.add_row(name, *values, f"{one.r_hat:.4f}", f"{one.effective_size:.0f}")
    return table
