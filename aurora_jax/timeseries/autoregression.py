"""Autoregression by conditional maximum likelihood, which is least squares."""

from functools import partial

import jax
import jax.numpy as jnp

from aurora_jax.core import require_x64

from ._least_squares import least_squares
from ._window import Series, lagged, standardise
from .fit import Fit, counted_from, gaussian_log_density, report, too_short

VANISHING = 1e-20
"""Residual variance, as a share of the window's, below which a window counts as predicted without error."""


@partial(jax.jit, static_argnames=("order", "initial_values"))
def fit_ar(x: Series, *, order: int, initial_values: int | None = None) -> Fit:
    r"""Fit an autoregression to one window.

    $$x_t = c + \sum_{i=1}^p \phi_i x_{t-i} + e_t, \qquad e_t \sim N(0, \sigma^2), \qquad t > p$$

    Conditional on the first p values the maximum is ordinary least squares, with $\sigma^2$ the mean squared residual.

    Args:
        x: one window; the caller vmaps.
        order: p >= 0; 0 is independent observations.
        initial_values: observations that the BIC leaves out, the same for all families compared; at least p.

    Returns:
        A `Fit` with parameters (c, phi_1, ..., phi_p, sigma^2). A window predicted without error is CONSTANT.

    Raises:
        ValueError: if the order is negative or exceeds `initial_values`.

    References:
        Hamilton (1994), Time Series Analysis, eq. 5.3.8.
    """
    require_x64("fit_ar")
    if order < 0:
        raise ValueError(f"order must be at least 0, was {order}.")
    skip = counted_from(initial_values, order)
    if x.size - skip <= order + 2:
        return too_short(order + 2)
    window = standardise(x)
    values = window.values
    target = values[order:]
    columns = jnp.concatenate([jnp.ones((target.size, 1)), lagged(values, lags=order, start=order)], axis=1)
    fitted = least_squares(columns, target)
    phi = fitted.coefficients[1:]
    # In the units of the window, c = scale * c_z + location (1 - sum phi): a linear map of the coefficients.
    gradient = jnp.concatenate([window.scale[None], jnp.full(order, -window.location)])
    intercept = window.location + gradient @ fitted.coefficients
    intercept_variance = fitted.variance * (gradient @ fitted.inverse_gram @ gradient)
    variance = fitted.variance * window.scale**2
    return report(
        window,
        jnp.concatenate([intercept[None], phi, variance[None]]),
        jnp.concatenate(
            [
                jnp.sqrt(intercept_variance)[None],
                fitted.standard_errors[1:],
                variance[None] * jnp.sqrt(2.0 / target.size),
            ]
        ),
        gaussian_log_density(fitted.residuals, jnp.full(target.size, jnp.maximum(fitted.variance, VANISHING))),
        initial_values=skip,
        vanished=fitted.variance < VANISHING,
    )
