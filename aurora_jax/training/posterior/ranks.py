"""Simulation-based calibration: do posteriors hold the truth as often as they say?"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy import stats

from aurora_jax.config.posterior import PriorsConfig
from aurora_jax.core import PRNGKey, stream

from .posterior import Posterior
from .sample import Calibration, draw_parameters
from .simulate import simulate_observations

RANK_DRAWS = 99
"""Draws that a truth is ranked among: few enough to be almost independent, and 100 ranks fall into equal bins."""


class Replication(NamedTuple):
    """One market of known parameters, fitted.

    Attributes:
        truth: of each parameter, drawn from the prior.
        rank: of the truth among `RANK_DRAWS` thinned draws, from 0.
        score: (posterior mean - truth) / posterior deviation.
        effective_size: of each parameter.
        r_hat: the largest.
        events: bars with a jump.
    """

    truth: dict[str, float]
    rank: dict[str, int]
    score: dict[str, float]
    effective_size: dict[str, float]
    r_hat: float
    events: int


class Uniformity(NamedTuple):
    """Whether ranks are uniform.

    Attributes:
        statistic: Pearson's chi-square over equal bins.
        p_value: of uniform ranks.
        mean_score: mean of (posterior mean - truth) / posterior deviation; 0 without bias.
        score_deviation: of the same; 1 where posteriors are as wide as their errors.
    """

    statistic: float
    p_value: float
    mean_score: float
    score_deviation: float


def replicate(key: PRNGKey, calibrate: Calibration, priors: PriorsConfig, *, bars: int, error_variance: float):
    """Draw parameters from the prior, a market from them, and the truth's rank in the posterior.

    No market is refused for what was drawn, not even one without jumps: that would not be the prior any more.

    Args:
        key: parent of the streams "truth", "market" and "fit".
        calibrate: the sampler.
        priors: the same that `calibrate` has.
        bars: of each market.
        error_variance: of each reading.

    Returns:
        The `Replication`.

    References:
        Talts, Betancourt, Simpson, Vehtari and Gelman (2018), arXiv:1804.06788, algorithm 1.
    """
    truth = draw_parameters(stream(key, "truth"), priors)
    observations = simulate_observations(stream(key, "market"), truth, bars=bars, error_variance=error_variance)
    posterior = calibrate(stream(key, "fit"), observations)
    marginals = posterior.marginals
    return Replication(
        truth,
        {name: rank(posterior, name, value) for name, value in truth.items()},
        {name: (marginals[name].mean - value) / marginals[name].deviation for name, value in truth.items()},
        {name: found.effective_size for name, found in marginals.items()},
        marginals[posterior.worst].r_hat,
        int(observations.event_bars.size),
    )


def rank(posterior: Posterior, name: str, truth: float) -> int:
    """Return how many of `RANK_DRAWS` draws, evenly spaced over all chains, lie below the truth.

    Raises:
        ValueError: if there are fewer draws than that.
    """
    draws = posterior.pooled(name)
    if draws.size < RANK_DRAWS:
        raise ValueError(f"a rank needs at least {RANK_DRAWS} draws, found {draws.size}; give more sampler.draws.")
    places = np.linspace(0, draws.size - 1, RANK_DRAWS).astype(int)
    return int(np.sum(draws[places] < truth))


def uniformity(ranks: Int[np.ndarray, " n"], scores: Float[np.ndarray, " n"], *, bins: int = 10) -> Uniformity:
    """Test ranks in 0 ... `RANK_DRAWS` for uniformity.

    Args:
        ranks: one a replication.
        scores: likewise.
        bins: a divisor of `RANK_DRAWS` + 1.

    Raises:
        ValueError: if the bins are not equal, or would hold fewer than 5 ranks each on average.
    """
    if (RANK_DRAWS + 1) % bins:
        raise ValueError(f"bins must divide {RANK_DRAWS + 1}, was {bins}.")
    if ranks.size < 5 * bins:
        raise ValueError(f"{ranks.size} replications are too few for {bins} bins; give at least {5 * bins}.")
    counts = np.bincount(ranks * bins // (RANK_DRAWS + 1), minlength=bins)
    found = stats.chisquare(counts)
    return Uniformity(
        float(found.statistic), float(found.pvalue), float(np.mean(scores)), float(np.std(scores, ddof=1))
    )
