"""The least that a market model can be: a Brownian motion with drift."""

import jax.random as jr
import numpy as np
from jaxtyping import Float

from ..core import PRNGKey
from .rival import AbstractMarketModel, HeldOut


class GaussianMarket(AbstractMarketModel):
    """Independent normal returns: a Gaussian SDE with constant coefficients, at any step exactly."""

    mean: Float[np.ndarray, " assets"]
    factor: Float[np.ndarray, "assets assets"]

    def simulate(
        self, key: PRNGKey, held_out: HeldOut, *, copies: int
    ) -> Float[np.ndarray, "windows copies bars assets"]:
        shape = (held_out.starts.size, copies, held_out.bars, self.mean.size)
        return self.mean + np.asarray(jr.normal(key, shape, float)) @ self.factor.T


def fit_gaussian(returns: Float[np.ndarray, "bars assets"]) -> GaussianMarket:
    """Fit by maximum likelihood: mean and covariance of the returns."""
    covariance = np.atleast_2d(np.cov(returns.T, bias=True))
    return GaussianMarket(returns.mean(axis=0), np.linalg.cholesky(covariance))
