"""A calibration from its settings to its folder, and a catalogue from a calibration."""

import io
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import yaml
from rich.console import Console
from rich.table import Table

from aurora_jax import __version__, enable_x64
from aurora_jax.config import SebPlusConfig, load_config, parse_config
from aurora_jax.config.posterior import PosteriorConfig, PosteriorMarketConfig
from aurora_jax.core import root_key, stream
from aurora_jax.data import MarketData, load_packaged, read_table
from aurora_jax.engine import canonical_json
from aurora_jax.invariants import jump_test
from aurora_jax.report import picture
from aurora_jax.training.posterior import (
    CALIBRATED,
    PARAMETERS,
    QUANTILES,
    Calibration,
    Observations,
    Posterior,
    PredictiveCheck,
    cell_priors,
    join_bars,
    observe_market,
    predictive_check,
    severities,
)
from aurora_jax.training.posterior.sample import marginal
from scripts.posterior_figures import marginal_figure, predictive_figure, trace_figure


def market_of(config: PosteriorMarketConfig) -> MarketData:
    """Return the market that a configuration names, in the bars that it asks for."""
    if config.source.endswith((".csv", ".parquet")):
        market = read_table(config.source, maximum_gap_bars=config.maximum_gap_bars)
    else:
        market = load_packaged(config.source)
    market = market if config.start is None else market.between(config.start, None)
    market = market if config.assets is None else market.select(config.assets)
    return join_bars(market, config.bars_in_one)


def calibrate(config: PosteriorConfig, out: Path, *, console: Console) -> Posterior:
    """Fit, and leave the posterior, its figures and its report in `out`."""
    enable_x64()
    market = market_of(config.market)
    out.mkdir(parents=True, exist_ok=True)
    found = observe_market(market, config.jumps)
    console.print(
        f"[bold]{market.symbol}[/bold]: {len(market.assets)} assets, {found.increments.size + 1:,} readings, "
        f"{found.event_bars.size:,} bars with a jump of {found.bars:,}; sampling {config.sampler.chains} chains"
    )
    key = stream(root_key(config.seed), "posterior")
    with console.status("   compiling and running"):
        posterior = Calibration(config.priors, config.sampler)(stream(key, "nuts"), found)
        check = predictive_check(stream(key, "predictive"), posterior, found)
    _write(config, out, market, found, posterior, check)
    console.print(_table(posterior))
    console.print(f"divergences {posterior.divergences}; {posterior.message}", soft_wrap=True)
    console.print(f"report      {out / 'report.md'}", soft_wrap=True)
    return posterior


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
        "predictive": {
            "window_bars": check.window_bars,
            "total_p_value": check.total_p_value,
            "dispersion_p_value": check.dispersion_p_value,
        },
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

Of markets replicated from the posterior, {content["predictive"]["total_p_value"]:.0%} have at least as many jumps, and
{content["predictive"]["dispersion_p_value"]:.0%} have them at least as clustered.

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


def read_posterior(folder: Path) -> Posterior:
    """Read what `calibrate` left in `folder`.

    Raises:
        ValueError: if its files are not those of one calibration.
        OSError: if they are not there.
    """
    content = json.loads((folder / "posterior.json").read_text())
    with np.load(folder / "draws.npz", allow_pickle=False) as file:
        draws = {name: np.asarray(file[name], float) for name in file.files}
    if sorted(draws) != sorted(PARAMETERS):
        raise ValueError(f"{folder / 'draws.npz'}: holds {', '.join(draws)}, not {', '.join(PARAMETERS)}; fit again.")
    marginals = {name: marginal(draws[name]) for name in PARAMETERS}
    for name, one in marginals.items():
        if not np.isclose(one.mean, content["parameters"][name]["mean"]):
            raise ValueError(f"{folder}: draws.npz and posterior.json are of different runs ({name}); fit again.")
    return Posterior(draws, marginals, content["divergences"], content["warm_up"], content["r_hat_below"])


def write_cells(folder: Path, base: Path, out: Path, *, cells: int, seed: int) -> list[dict[str, float]]:
    """Write the catalogue of `base` with its teacher cells replaced by cells drawn from a posterior.

    Blocks, regimes and paths are those of the base's first teacher cell; ground-truth cells stay.

    Raises:
        ValueError: if the posterior did not converge, or the base has no teacher cell.
    """
    posterior = read_posterior(folder)
    catalogue = load_config(SebPlusConfig, base)
    content = yaml.safe_load(base.read_text())
    like = [name for name, cell in catalogue.cells.items() if cell.family.needs_teacher]
    if not like:
        raise ValueError(f"{base}: has no cell of the teacher to take regimes and paths from; give another --base.")
    model = {name: content["cells"][like[0]][name] for name in ("regimes", "block_steps", "paths")}
    drawn = severities(posterior, cells=cells, seed=seed)
    kept = {name: cell for name, cell in content["cells"].items() if name not in like}
    new = {f"posterior_{i:03d}": {"family": "rough", **model, "severity": one} for i, one in enumerate(drawn)}
    content["cells"] = {**new, **kept}
    parse_config(SebPlusConfig, content, source=str(out))
    out.parent.mkdir(parents=True, exist_ok=True)
    head = f"# Cells drawn from the posterior in {folder} with seed {seed}; the rest is that of {base}.\n"
    out.write_text(head + yaml.safe_dump(content, sort_keys=False))
    return drawn
