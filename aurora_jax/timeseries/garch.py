"""GARCH(1,1) with a constant mean, by Gaussian quasi-maximum likelihood inside its stationary region."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from aurora_jax.core import require_x64

from ._bounded import minimise
from ._window import Series, standardise
from .fit import Fit, counted_from, gaussian_log_density, report, too_short

# The search runs over (mean, omega, persistence alpha + beta, share of alpha in it), of a standardised window: a box.
LOWER = (-5.0, 1e-8, 0.0, 0.0)
UPPER = (5.0, 10.0, 0.9999, 1.0)
STARTING_PERSISTENCE = (0.5, 0.7, 0.9, 0.98)
STARTING_ALPHA = (0.01, 0.05, 0.1, 0.2)


@partial(jax.jit, static_argnames="initial_values")
def fit_garch(x: Series, *, initial_values: int | None = None) -> Fit:
    r"""Fit a GARCH(1,1) with constant mean to one window.

    $$x_t = \mu + e_t, \qquad e_t \sim N(0, h_t), \qquad h_t = \omega + \alpha e_{t-1}^2 + \beta h_{t-1}$$

    within $\omega > 0$, $\alpha, \beta \ge 0$, $\alpha + \beta \le 0.9999$. Before the window, $e^2$ and $h$ are the
    exponentially weighted mean (0.94) of its first 75 squared deviations, so no value is conditioned on. The search
    starts at the best point of a grid in $(\alpha, \alpha + \beta)$ with the long-run variance at the sample's
    (variance targeting).

    Args:
        x: one window; the caller vmaps.
        initial_values: observations that the BIC leaves out, the same for all families compared.

    Returns:
        A `Fit` with parameters (mu, omega, alpha, beta) and Bollerslev-Wooldridge standard errors.

    Raises:
        ValueError: if `initial_values` is negative.

    References:
        Bollerslev (1986), J. Econometrics 31, eq. 6 and 19-23;
        Bollerslev and Wooldridge (1992), Econometric Reviews 11(2), eq. 2.9 (standard errors).
    """
    require_x64("fit_garch")
    skip = counted_from(initial_values, 0)
    if x.size - skip <= 4:
        return too_short(4)
    window = standardise(x)
    values = window.values
    weights = 0.94 ** jnp.arange(min(75, values.size), dtype=values.dtype)
    backcast = jnp.sum(weights * values[: weights.size] ** 2) / jnp.sum(weights)

    def path(natural):
        return _filter(values, natural, backcast)

    def objective(point: Float[Array, "4"]) -> Float[Array, ""]:
        return -jnp.sum(gaussian_log_density(*path(_natural(point))))

    starts = jnp.array([[0.0, 1.0 - rho, rho, a / rho] for rho in STARTING_PERSISTENCE for a in STARTING_ALPHA])
    found = minimise(
        objective,
        starts[jnp.argmin(jax.vmap(objective)(starts))],
        lower=jnp.array(LOWER),
        upper=jnp.array(UPPER),
        max_evaluations=200,
    )
    natural = _natural(found.point)
    units = jnp.stack([window.scale, window.scale**2, jnp.ones(()), jnp.ones(())])
    return report(
        window,
        natural * units + jnp.stack([window.location, *jnp.zeros(3)]),
        _robust_standard_errors(lambda p: gaussian_log_density(*path(p)), natural) * units,
        gaussian_log_density(*path(natural)),
        initial_values=skip,
        vanished=jnp.zeros((), bool),
        converged=found.converged,
    )


def _natural(point: Float[Array, "4"]) -> Float[Array, "4"]:
    """Return (mu, omega, alpha, beta) at a point of the search."""
    mean, omega, persistence, share = point
    alpha = persistence * share
    return jnp.stack([mean, omega, alpha, persistence - alpha])


def _filter(
    values: Float[Array, " bars"], natural: Float[Array, "4"], backcast: Float[Array, ""]
) -> tuple[Float[Array, " bars"], Float[Array, " bars"]]:
    """Return the residuals and their conditional variances."""
    mean, omega, alpha, beta = natural
    residuals = values - mean
    before = jnp.concatenate([backcast[None], residuals[:-1] ** 2])

    def advance(variance, square):
        variance = omega + alpha * square + beta * variance
        return variance, variance

    _, variances = lax.scan(advance, backcast, before)
    return residuals, variances


def _robust_standard_errors(log_densities, natural: Float[Array, "4"]) -> Float[Array, "4"]:
    r"""Return the square root of the diagonal of $A^{-1} B A^{-1} / n$: Hessian A, covariance of the scores B."""
    scores = jax.jacfwd(log_densities)(natural)
    hessian = jax.hessian(lambda p: jnp.mean(log_densities(p)))(natural)
    bread = jnp.linalg.inv(hessian)
    meat = jnp.cov(scores, rowvar=False)
    return jnp.sqrt(jnp.diagonal(bread @ meat @ bread) / scores.shape[0])
