"""The model that practice would use: GARCH(1,1)-t for each asset, joined by a t copula."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import scipy.special
import scipy.stats
from jaxtyping import Float

from ..core import PRNGKey, stream
from ..invariants import student_copula
from ..timeseries import fit_garch_t
from .rival import AbstractMarketModel, HeldOut

_PAIRS = 40  # whose copulas' degrees of freedom are averaged: all pairs of twenty assets would take minutes


class GarchCopula(AbstractMarketModel):
    r"""GARCH(1,1) with standardised t innovations for each asset, whose ranks have a t copula.

    Attributes:
        parameters: mu, omega, alpha, beta, degrees of freedom; a row for each asset.
        correlation: of the copula.
        degrees_of_freedom: of the copula.
    """

    parameters: Float[np.ndarray, "assets 5"]
    correlation: Float[np.ndarray, "assets assets"]
    degrees_of_freedom: float

    def simulate(
        self, key: PRNGKey, held_out: HeldOut, *, copies: int
    ) -> Float[np.ndarray, "windows copies bars assets"]:
        mu, omega, alpha, beta, _ = self.parameters.T
        variance = filtered_variance(self.parameters, held_out.returns)[held_out.starts]
        windows, assets = variance.shape
        state = np.repeat(variance[:, None, :], copies, axis=1)
        innovations = self._innovations(key, (windows, copies, held_out.bars))
        paths = np.empty((windows, copies, held_out.bars, assets))
        for bar in range(held_out.bars):
            shock = np.sqrt(state) * innovations[:, :, bar]
            paths[:, :, bar] = mu + shock
            state = omega + alpha * shock**2 + beta * state
        return paths

    def _innovations(self, key: PRNGKey, shape: tuple[int, ...]) -> Float[np.ndarray, "windows copies bars assets"]:
        """Draw t-copula ranks and turn them into standardised t quantiles."""
        assets = self.parameters.shape[0]
        factor = np.linalg.cholesky(self.correlation)
        normal = np.asarray(jr.normal(stream(key, "normal"), (*shape, assets), float)) @ factor.T
        nu = self.degrees_of_freedom
        mixing = 2.0 * np.asarray(jr.gamma(stream(key, "mixing"), nu / 2.0, (*shape, 1), float)) / nu
        ranks = scipy.special.stdtr(nu, normal / np.sqrt(mixing))
        own = self.parameters[:, 4]
        return scipy.special.stdtrit(own, np.clip(ranks, 1e-12, 1.0 - 1e-12)) * np.sqrt((own - 2.0) / own)


def filtered_variance(
    parameters: Float[np.ndarray, "assets 5"],
    returns: Float[np.ndarray, "bars assets"],
    *,
    start_bars: int | None = None,
) -> Float[np.ndarray, "bars_and_one assets"]:
    r"""Return $h_t = \omega + \alpha (x_{t-1} - \mu)^2 + \beta h_{t-1}$ for each bar and the next.

    It starts at the mean square of the first `start_bars` returns, by default of all.
    """
    mu, omega, alpha, beta, _ = parameters.T
    variance = np.empty((returns.shape[0] + 1, returns.shape[1]))
    variance[0] = np.mean((returns[:start_bars] - mu) ** 2, axis=0)
    for bar, row in enumerate(returns):
        variance[bar + 1] = omega + alpha * (row - mu) ** 2 + beta * variance[bar]
    return variance


def fit_garch_copula(returns: Float[np.ndarray, "bars assets"]) -> GarchCopula:
    """Fit margins by maximum likelihood, then the copula to the ranks of their residuals.

    Its correlations are sines of Kendall's tau, its degrees of freedom the mean over pairs of the pairs' own.

    References:
        McNeil, Frey and Embrechts (2015), Quantitative Risk Management, section 7.5 and proposition 7.43.
    """
    parameters = np.asarray(jax.jit(jax.vmap(fit_garch_t))(jnp.asarray(returns.T, float)).parameters)
    residuals = (returns - parameters[:, 0]) / np.sqrt(filtered_variance(parameters, returns)[:-1])
    assets = returns.shape[1]
    correlation = np.eye(assets)
    first, second = np.triu_indices(assets, 1)
    for one, other in zip(first, second, strict=True):
        tau = scipy.stats.kendalltau(residuals[:, one], residuals[:, other]).statistic
        correlation[one, other] = correlation[other, one] = np.sin(0.5 * np.pi * tau)
    if not first.size:
        return GarchCopula(parameters, correlation, float(parameters[0, 4]))
    some = np.linspace(0, first.size - 1, min(_PAIRS, first.size)).astype(int)
    pair = jax.jit(lambda x, y: student_copula(x, y).degrees_of_freedom.value)
    found = [float(pair(jnp.asarray(residuals[:, first[i]]), jnp.asarray(residuals[:, second[i]]))) for i in some]
    return GarchCopula(parameters, _positive_definite(correlation), float(np.mean(np.clip(found, 2.0, 100.0))))


def _positive_definite(correlation: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "n n"]:
    """Raise eigenvalues that pairwise estimates made negative, and scale back to a unit diagonal."""
    values, vectors = np.linalg.eigh(correlation)
    raised = (vectors * np.maximum(values, 1e-4)) @ vectors.T
    size = np.sqrt(np.diag(raised))
    return raised / np.outer(size, size)
