"""The priors as numpyro laws."""

import math

import numpyro.distributions as law

from aurora_jax.config.posterior import BetaPrior, LogNormalPrior, PriorsConfig

PARAMETERS = tuple(PriorsConfig.model_fields)
"""All that is sampled."""

CALIBRATED = ("hurst", "jump_intensity", "branching_ratio", "tail_index")
"""What the catalogue's cells are drawn from; the rest is nuisance."""


def prior_laws(priors: PriorsConfig) -> dict[str, law.Distribution]:
    """Return the law of each parameter, by name; all proper and independent."""
    return {name: _law(getattr(priors, name)) for name in PARAMETERS}


def _law(prior: BetaPrior | LogNormalPrior) -> law.Distribution:
    if isinstance(prior, BetaPrior):
        return law.Beta(prior.first, prior.second)
    return law.LogNormal(math.log(prior.median), prior.log_deviation)
