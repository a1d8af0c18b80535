"""ARMA by conditional Gaussian maximum likelihood, started at Hannan and Rissanen's estimate."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from aurora_jax.core import require_x64

from ._arma_squares import residual_squares
from ._bounded import Slopes, minimise
from ._lanes import side_by_side
from ._window import Series, lagged, standardise
from .autoregression import VANISHING
from .fit import Fit, counted_from, gaussian_log_density, report, too_short
from .hannan_rissanen import default_long_order, regressions

MAX_PARTIAL = 0.999
"""Largest partial autocorrelation of the moving-average part: keeps it invertible."""


@partial(jax.jit, static_argnames=("order", "initial_values"))
def fit_arma(x: Series, *, order: tuple[int, int], initial_values: int | None = None) -> Fit:
    r"""Fit an autoregressive moving average to one window.

    $$x_t = c + \sum_{i=1}^p \phi_i x_{t-i} + e_t + \sum_{j=1}^q \theta_j e_{t-j}, \qquad e_t \sim N(0, \sigma^2)$$

    Conditional on the first p values and on $e_t = 0$ there. The moving-average part is searched through its partial
    autocorrelations, so it is invertible; the autoregressive part is free, as in `fit_ar`.

    Args:
        x: one window; the caller vmaps.
        order: (p, q) with p >= 0 and q >= 1; without a moving average it is `fit_ar`.
        initial_values: observations that the BIC leaves out, the same for all families compared; at least p.

    Returns:
        A `Fit` with parameters (c, phi_1..phi_p, theta_1..theta_q, sigma^2) and Gauss-Newton standard errors.

    Raises:
        ValueError: if the order is out of range or p exceeds `initial_values`.

    References:
        Hamilton (1994), Time Series Analysis, eq. 5.6.3;
        Monahan (1984), Biometrika 71(2), 403-404 (partial autocorrelations).
    """
    require_x64("fit_arma")
    p, q = order
    if p < 0 or q < 1:
        raise ValueError(f"order must be (p >= 0, q >= 1), was {order}; use fit_ar without a moving average.")
    skip = counted_from(initial_values, p)
    long_order = default_long_order(x.size, order)
    if x.size - max(skip, long_order + max(p, q)) <= p + q + 2:
        return too_short(p + q + 2)
    window = standardise(x)
    target = window.values[p:]
    past = jnp.concatenate([jnp.ones((target.size, 1)), lagged(window.values, lags=p, start=p)], axis=1)
    rows = float(target.size)
    _, start = regressions(window.values, order=order, long_order=long_order)
    rough = jnp.concatenate([jnp.zeros(1), start.coefficients])
    first = jnp.concatenate([rough[: p + 1], jnp.clip(_step_down(rough[p + 1 :]), -0.95, 0.95)])
    natural, converged, gram = side_by_side(partial(_search, order))(first, window.values)
    e = _invert(target - past @ natural[: p + 1], natural[p + 1 :])
    variance = jnp.mean(e**2)
    covariance = variance * jnp.linalg.inv(gram)
    # In the units of the window, c = scale * c_z + location (1 - sum phi): a linear map of the coefficients.
    gradient = jnp.concatenate([window.scale[None], jnp.full(p, -window.location), jnp.zeros(q)])
    units_variance = variance * window.scale**2
    return report(
        window,
        jnp.concatenate([(window.location + gradient @ natural)[None], natural[1:], units_variance[None]]),
        jnp.sqrt(
            jnp.concatenate(
                [
                    (gradient @ covariance @ gradient)[None],
                    jnp.diagonal(covariance)[1:],
                    units_variance[None] ** 2 * 2.0 / rows,
                ]
            )
        ),
        gaussian_log_density(e, jnp.full(target.size, jnp.maximum(variance, VANISHING))),
        initial_values=skip,
        vanished=variance < VANISHING,
        converged=converged,
    )


def _search(
    order: tuple[int, int], start: Float[Array, "coefficients lanes"], values: Float[Array, "bars lanes"]
) -> tuple[Float[Array, "coefficients lanes"], Bool[Array, " lanes"], Float[Array, "coefficients coefficients lanes"]]:
    """Return the coefficients of each lane, whether its search converged, and the Gram matrix of the slopes there."""
    p, q = order
    rows = float(values.shape[0] - p)
    to_natural = jax.vmap(partial(_natural, p=p), in_axes=-1, out_axes=-1)
    turn = jax.vmap(jax.jacfwd(partial(_natural, p=p)), in_axes=-1, out_axes=-1)
    bend = jax.vmap(jax.hessian(partial(_natural, p=p)), in_axes=-1, out_axes=-1)

    def objective(point: Float[Array, "coefficients lanes"], values: Float[Array, "bars lanes"]) -> Slopes:
        sums = residual_squares(to_natural(point), values, order=order)
        # The variance is concentrated out of the likelihood: rows / 2 times the log of the mean square.
        precision = rows / (sums.squares + rows * VANISHING)
        gradient = precision[None] * sums.slope
        hessian = precision[None, None] * (sums.gram + sums.bend) - 2.0 / rows * gradient[:, None] * gradient[None, :]
        jacobian = turn(point)
        return Slopes(
            -0.5 * rows * jnp.log(precision),
            jnp.einsum("ial,il->al", jacobian, gradient),
            jnp.einsum("ial,ijl,jbl->abl", jacobian, hessian, jacobian)
            + jnp.einsum("iabl,il->abl", bend(point), gradient),
        )

    bound = jnp.concatenate([jnp.full(p + 1, jnp.inf), jnp.full(q, MAX_PARTIAL)])
    found = minimise(objective, values, start, lower=-bound, upper=bound)
    natural = to_natural(found.point)
    return natural, found.converged, residual_squares(natural, values, order=order).gram


def _invert(shocks: Float[Array, " rows"], theta: Float[Array, " q"]) -> Float[Array, " rows"]:
    """Return e with e_t + sum_j theta_j e_(t-j) = shocks_t and e = 0 before the first row."""

    def advance(recent, shock):
        e = shock - theta @ recent
        return jnp.concatenate([e[None], recent[:-1]]), e

    return lax.scan(advance, jnp.zeros_like(theta), shocks)[1]


def _natural(point: Float[Array, " coefficients"], p: int) -> Float[Array, " coefficients"]:
    """Return (c, phi, theta) where the point holds (c, phi, partial autocorrelations of theta)."""
    return jnp.concatenate([point[: p + 1], _step_up(point[p + 1 :])])


def _step_up(partial: Float[Array, " q"]) -> Float[Array, " q"]:
    """Return the invertible polynomial 1 + theta_1 z + ... with these partial autocorrelations (Levinson)."""
    theta = partial[:0]
    for k in range(partial.size):
        theta = jnp.concatenate([theta + partial[k] * theta[::-1], partial[k : k + 1]])
    return theta


def _step_down(theta: Float[Array, " q"]) -> Float[Array, " q"]:
    """Return the partial autocorrelations of a polynomial, cut to +-0.95 on the way where it is not invertible."""
    partial = []
    for _ in range(theta.size):
        last = jnp.clip(theta[-1], -0.95, 0.95)
        partial.append(last)
        theta = (theta[:-1] - last * theta[:-1][::-1]) / (1.0 - last**2)
    return jnp.stack(partial[::-1])
