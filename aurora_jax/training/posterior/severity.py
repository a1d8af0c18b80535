"""What the catalogue of SEB+ takes from a posterior."""

from typing import NamedTuple

import numpy as np

from .posterior import QUANTILES, Posterior
from .priors import CALIBRATED

LEVELS = (0.01, *QUANTILES, 0.99)
FEWEST_DEGREES_OF_FREEDOM = 2.05


class CellPrior(NamedTuple):
    """The law that a cell's parameter is drawn from, in numbers.

    Attributes:
        mean: of the posterior.
        deviation: of the posterior.
        quantiles: by level, at `LEVELS`.
    """

    mean: float
    deviation: float
    quantiles: dict[str, float]


def cell_priors(posterior: Posterior) -> dict[str, CellPrior]:
    """Return the law of each of `CALIBRATED`, by name.

    Raises:
        ValueError: if the posterior did not converge.
    """
    _require_converged(posterior)
    priors = {}
    for name in CALIBRATED:
        draws = posterior.pooled(name)
        quantiles = {f"{level:g}": float(np.quantile(draws, level)) for level in LEVELS}
        priors[name] = CellPrior(float(np.mean(draws)), float(np.std(draws, ddof=1)), quantiles)
    return priors


def severities(posterior: Posterior, *, cells: int, seed: int) -> list[dict[str, float]]:
    r"""Draw what cells ask of the teacher: joint draws of the posterior, so that its correlations are kept.

    The teacher's severity multiplies the jumps that no earlier jump caused: $\lambda (1 - n)$ of the draw, relative to
    its posterior median. The tail index becomes the degrees of freedom $1/\xi$ of the jumps, but not below 2.05, as the
    teacher's jumps have a variance.

    Args:
        posterior: of a market.
        cells: how many, at most as many as there are draws; none is drawn twice.
        seed: the same seed draws the same cells.

    Returns:
        Keyword arguments of `aurora_jax.scenarios.Severity`: hurst, jump_intensity, branching_ratio and
        degrees_of_freedom.

    Raises:
        ValueError: if the posterior did not converge, or has fewer draws than cells.
    """
    _require_converged(posterior)
    pooled = {name: posterior.pooled(name) for name in CALIBRATED}
    count = pooled["hurst"].size
    if not 1 <= cells <= count:
        raise ValueError(f"cells must lie in [1, {count}] (the draws of the posterior), was {cells}.")
    immigrants = pooled["jump_intensity"] * (1.0 - pooled["branching_ratio"])
    typical = float(np.median(immigrants))
    return [
        {
            "hurst": float(pooled["hurst"][place]),
            "jump_intensity": float(immigrants[place]) / typical,
            "branching_ratio": float(pooled["branching_ratio"][place]),
            "degrees_of_freedom": max(1.0 / float(pooled["tail_index"][place]), FEWEST_DEGREES_OF_FREEDOM),
        }
        for place in np.random.default_rng(seed).choice(count, size=cells, replace=False)
    ]


def _require_converged(posterior: Posterior) -> None:
    if not posterior.convergence.usable:
        raise ValueError(f"the posterior cannot be drawn from: {posterior.message}.")
