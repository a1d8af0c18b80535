"""Figures of a calibration: chains, posteriors against priors, jumps replicated, and ranks."""

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from scipy import stats

from aurora_jax.config.posterior import BetaPrior, PriorsConfig
from aurora_jax.report.style import BLUE, INK, MUTED, ORANGE, PALE, SKY, VERMILLION, dress, label, legend
from aurora_jax.training.posterior import (
    CALIBRATED,
    RANK_DRAWS,
    WINDOW_BARS,
    Posterior,
    PredictiveCheck,
    Replication,
    Uniformity,
)
from aurora_jax.training.posterior.predictive import dispersion

SAYS = {
    "hurst": "H of log-volatility",
    "volatility_of_volatility": "change of log-volatility, per bar",
    "error_scale": "reading error, of the promised",
    "jump_intensity": "jumps per bar",
    "branching_ratio": "branching ratio",
    "decay": "decay of excitation, per bar",
    "tail_index": "tail index ξ",
    "tail_scale": "scale of excess, deviations",
}


def _grid(columns: int, rows: int, height: float) -> tuple[Figure, list]:
    figure = Figure(figsize=(10.0, height), facecolor="#ffffff")
    axes = figure.subplots(rows, columns).ravel()
    for panel in axes:
        dress(panel)
    return figure, list(axes)


def trace_figure(posterior: Posterior) -> Figure:
    """Draw every chain of every parameter."""
    figure, panels = _grid(2, len(SAYS) // 2, 8.0)
    colours = (BLUE, ORANGE, SKY, VERMILLION)
    for panel, (name, says) in zip(panels, SAYS.items(), strict=True):
        for number, chain in enumerate(posterior.draws[name]):
            panel.plot(chain, color=colours[number % len(colours)], linewidth=0.35)
        found = posterior.marginals[name]
        label(panel, title=f"{says}   R-hat {found.r_hat:.4f}, {found.effective_size:.0f} effective", y="")
    figure.tight_layout()
    return figure


def prior_density(priors: PriorsConfig, name: str, at: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
    """Return a prior's density by scipy."""
    prior = getattr(priors, name)
    if isinstance(prior, BetaPrior):
        return stats.beta.pdf(at, prior.first, prior.second)
    return stats.lognorm.pdf(at, prior.log_deviation, scale=prior.median)


def marginal_figure(posterior: Posterior, priors: PriorsConfig) -> Figure:
    """Draw each posterior as a histogram, and its prior as a line."""
    figure, panels = _grid(2, len(SAYS) // 2, 8.0)
    for panel, (name, says) in zip(panels, SAYS.items(), strict=True):
        draws = posterior.pooled(name)
        panel.hist(draws, bins=50, density=True, color=SKY, label="posterior")
        low, high = np.quantile(draws, (0.0005, 0.9995))
        at = np.linspace(max(low - 0.5 * (high - low), 1e-6), high + 0.5 * (high - low), 300)
        panel.plot(at, prior_density(priors, name, at), color=ORANGE, linewidth=1.5, label="prior")
        panel.set_xlim(at[0], at[-1])
        panel.set_yticks([])
        label(panel, title=says, y="")
    legend(panels[0])
    figure.tight_layout()
    return figure


def predictive_figure(check: PredictiveCheck) -> Figure:
    """Draw how many windows hold how many jumps, and how clustered they are, against markets from the posterior."""
    figure, (counts, spread) = _grid(2, 1, 3.2)
    most = int(max(np.max(check.observed), np.quantile(check.replicated, 0.999)))
    places = np.arange(most + 1)
    drawn = np.array([np.bincount(np.minimum(row, most), minlength=most + 1) for row in check.replicated])
    low, middle, high = np.quantile(drawn, (0.05, 0.5, 0.95), axis=0)
    counts.fill_between(places, low, high, color=PALE, step="mid", label="90 % of markets drawn")
    counts.step(places, middle, where="mid", color=MUTED, label="median")
    found = np.bincount(check.observed, minlength=most + 1)
    counts.plot(places, found, "o", color=VERMILLION, markersize=4, label="real")
    counts.set_yscale("symlog", linthresh=1.0)
    label(counts, title="", y="windows", x=f"bars with a jump, of {WINDOW_BARS}")
    counts.legend(frameon=False, fontsize=8.5, labelcolor=INK)
    values = np.array([dispersion(row) for row in check.replicated])
    spread.hist(values, bins=30, color=SKY)
    spread.axvline(dispersion(check.observed), color=VERMILLION, linewidth=2.0)
    clustering, total = check.checks["clustering of jumps"], check.checks["bars with a jump"]
    title = f"p = {clustering.p_value:.2f}; of the total {total.p_value:.2f}"
    label(spread, title=title, y="markets drawn", x="variance over mean of the windows' jumps (red: real)")
    figure.tight_layout()
    return figure


def rank_figure(replications: list[Replication], found: dict[str, Uniformity], *, bins: int = 10) -> Figure:
    """Draw the ranks of every parameter; flat is calibrated, and 99 % of flat bars lie in the band."""
    figure, panels = _grid(4, 2, 4.6)
    count = len(replications)
    low, high = stats.binom.ppf((0.005, 0.995), count, 1.0 / bins)
    for panel, (name, says) in zip(panels, SAYS.items(), strict=True):
        panel.axhspan(low, high, color=PALE)
        panel.axhline(count / bins, color=MUTED, linewidth=1.0)
        ranks = [one.rank[name] for one in replications]
        edges = np.linspace(0, RANK_DRAWS + 1, bins + 1)
        colour = BLUE if name in CALIBRATED else SKY
        panel.hist(ranks, bins=edges.tolist(), color=colour, alpha=0.85, rwidth=0.92)
        label(panel, title=f"{says}\np = {found[name].p_value:.2f}", y="")
    panels[0].set_ylabel("markets", fontsize=9, color=MUTED)
    panels[4].set_xlabel("rank of the truth", fontsize=9, color=MUTED)
    figure.tight_layout()
    return figure
