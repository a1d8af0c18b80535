"""What is known of a market's parameters after its data."""

import enum
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

QUANTILES = (0.05, 0.5, 0.95)


class Convergence(enum.StrEnum):
    """Whether the draws may be used."""

    CONVERGED = "converged"
    NOT_CONVERGED = "not_converged"

    @property
    def usable(self) -> bool:
        """Return whether the draws may be used."""
        return self is Convergence.CONVERGED


class Marginal(NamedTuple):
    """One parameter's posterior, in numbers.

    Attributes:
        mean: of all draws.
        deviation: of all draws.
        quantiles: at `QUANTILES`.
        r_hat: split R-hat of the chains; 1 if they agree.
        effective_size: draws that as many independent ones would be worth.
    """

    mean: float
    deviation: float
    quantiles: tuple[float, ...]
    r_hat: float
    effective_size: float


class Posterior(NamedTuple):
    """Draws from the posterior, and how far they can be trusted.

    Attributes:
        draws: of each parameter, by name.
        marginals: of each parameter, by name.
        divergences: transitions whose Hamiltonian ran away; more than a few mean a part of the posterior is missing.
        warm_up: steps of each chain before its first draw, of the run that is reported.
        r_hat_below: what every R-hat must be below.
    """

    draws: dict[str, Float[np.ndarray, "chains draws"]]
    marginals: dict[str, Marginal]
    divergences: int
    warm_up: int
    r_hat_below: float

    @property
    def worst(self) -> str:
        """Return the parameter with the largest R-hat; one that is NaN is worst."""
        return max(self.marginals, key=lambda name: np.nan_to_num(self.marginals[name].r_hat, nan=np.inf))

    @property
    def convergence(self) -> Convergence:
        """Return whether the chains agree."""
        agreed = self.marginals[self.worst].r_hat < self.r_hat_below
        return Convergence.CONVERGED if agreed else Convergence.NOT_CONVERGED

    @property
    def message(self) -> str:
        """Return a sentence that tells a reader what happened."""
        name, r_hat = self.worst, self.marginals[self.worst].r_hat
        if self.convergence is Convergence.CONVERGED:
            return f"converged: the largest R-hat is {r_hat:.4f} ({name})"
        return (
            f"not converged: R-hat of {name} is {r_hat:.4f}, not below {self.r_hat_below:g}, after {self.warm_up} "
            f"warm-up steps; give more with sampler.warm_up and sampler.draws, or narrower priors"
        )

    def pooled(self, name: str) -> Float[np.ndarray, " draws"]:
        """Return one parameter's draws of all chains, one chain after the other."""
        return self.draws[name].reshape(-1)
