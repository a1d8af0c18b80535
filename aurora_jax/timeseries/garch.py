"""GARCH(1,1) with a constant mean, by maximum likelihood inside its stationary region."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import require_x64

from ._garch_likelihood import differentiate, log_densities
from ._garch_search import search
from ._innovation import AbstractInnovation, Gaussian, StudentT
from ._lanes import side_by_side
from ._window import Series, standardise
from .fit import Fit, counted_from, report, too_short


@partial(jax.jit, static_argnames="initial_values")
def fit_garch(x: Series, *, initial_values: int | None = None) -> Fit:
    r"""Fit a GARCH(1,1) with constant mean and Gaussian likelihood to one window.

    $$x_t = \mu + e_t, \qquad e_t \sim N(0, h_t), \qquad h_t = \omega + \alpha e_{t-1}^2 + \beta h_{t-1}$$

    within $\omega > 0$, $\alpha, \beta \ge 0$, $\alpha + \beta \le 1 - 10^{-7}$. Before the window, $e^2$ and $h$ are
    the exponentially weighted mean (0.94) of its first 75 squared deviations, so no value is conditioned on. The
    search starts at the best point of a grid in $(\alpha, \alpha + \beta)$ with the long-run variance at the sample's
    (variance targeting).

    Args:
        x: one window; the caller vmaps.
        initial_values: observations that the BIC leaves out, the same for all families compared.

    Returns:
        A `Fit` with parameters (mu, omega, alpha, beta) and Bollerslev-Wooldridge standard errors. Where alpha
            is 0, omega and beta cannot be told apart and their errors are infinite; at other bounds errors are those of
            the interior.

    Raises:
        ValueError: if `initial_values` is negative.

    References:
        Bollerslev (1986), J. Econometrics 31, eq. 6 and 19-23;
        Bollerslev and Wooldridge (1992), Econometric Reviews 11(2), eq. 2.9 (standard errors).
    """
    require_x64("fit_garch")
    return _fit(Gaussian(), x, initial_values)


@partial(jax.jit, static_argnames="initial_values")
def fit_garch_t(x: Series, *, initial_values: int | None = None) -> Fit:
    r"""Fit a GARCH(1,1) with constant mean and standardised Student-t innovations to one window.

    $$x_t = \mu + \sqrt{h_t}\, z_t, \qquad z_t \sim t_\nu \sqrt{(\nu - 2) / \nu}, \qquad
    h_t = \omega + \alpha (x_{t-1} - \mu)^2 + \beta h_{t-1}$$

    with $2.05 \le \nu \le 500$ estimated; everything else is as in `fit_garch`.

    Args:
        x: one window; the caller vmaps.
        initial_values: observations that the BIC leaves out, the same for all families compared.

    Returns:
        A `Fit` with parameters (mu, omega, alpha, beta, degrees of freedom) and robust standard errors. Where alpha
            is 0, omega and beta cannot be told apart and their errors are infinite; at other bounds errors are those of
            the interior.

    Raises:
        ValueError: if `initial_values` is negative.

    References:
        Bollerslev (1987), Rev. Econ. Stat. 69(3), 542-547, eq. 1 and 3.
    """
    require_x64("fit_garch_t")
    return _fit(StudentT(), x, initial_values)


def _fit(innovation: AbstractInnovation, x: Series, initial_values: int | None) -> Fit:
    skip = counted_from(initial_values, 0)
    size = 4 + len(innovation.shape_box())
    if x.size - skip <= size:
        return too_short(size)
    window = standardise(x)
    values = window.values
    weights = 0.94 ** jnp.arange(min(75, values.size), dtype=values.dtype)
    backcast = jnp.sum(weights * values[: weights.size] ** 2) / jnp.sum(weights)

    def of_lanes(values: Float[Array, "bars lanes"], backcast: Float[Array, " lanes"]):
        found = search(innovation, values, backcast)
        sums = differentiate(innovation, found.point, values, backcast)
        return found.point, found.converged, sums.gradient, sums.hessian, sums.products

    natural, converged, gradient, hessian, products = side_by_side(of_lanes)(values, backcast)
    shapeless = [jnp.ones(())] * (size - 2)
    units = jnp.stack([window.scale, window.scale**2, *shapeless])
    return report(
        window,
        natural * units + jnp.stack([window.location, *jnp.zeros(size - 1)]),
        _known(_robust_standard_errors(gradient, hessian, products, values.size), natural) * units,
        log_densities(innovation, natural, values, backcast),
        initial_values=skip,
        vanished=jnp.zeros((), bool),
        converged=converged,
    )


def _known(errors: Float[Array, " parameters"], natural: Float[Array, " parameters"]) -> Float[Array, " parameters"]:
    """Return the errors, infinite for omega and beta where alpha is 0: only omega / (1 - beta) is seen then."""
    unseen = (natural[2] <= 0.0) & jnp.asarray([False, True, False, True, *[False] * (natural.size - 4)])
    return jnp.where(unseen, jnp.inf, errors)


def _robust_standard_errors(
    gradient: Float[Array, " parameters"],
    hessian: Float[Array, "parameters parameters"],
    products: Float[Array, "parameters parameters"],
    bars: int,
) -> Float[Array, " parameters"]:
    r"""Return the square root of the diagonal of $A^{-1} B A^{-1} / n$: Hessian A, covariance of the scores B."""
    bread = jnp.linalg.inv(hessian / bars)
    meat = (products - jnp.outer(gradient, gradient) / bars) / (bars - 1)
    return jnp.sqrt(jnp.diagonal(bread @ meat @ bread) / bars)
