"""Conditional sum of squares of an ARMA with its derivatives, in one pass over the bars of many windows."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


class Squares(NamedTuple):
    """Sums over the bars after the first p.

    Attributes:
        squares: of the residuals.
        slope: of residuals times their derivatives in (c, phi, theta): half the gradient of `squares`.
        gram: of products of derivatives: half of Gauss and Newton's Hessian of `squares`.
        bend: of residuals times their second derivatives: what that Hessian leaves out.
    """

    squares: Float[Array, " lanes"]
    slope: Float[Array, "coefficients lanes"]
    gram: Float[Array, "coefficients coefficients lanes"]
    bend: Float[Array, "coefficients coefficients lanes"]


def residual_squares(
    natural: Float[Array, "coefficients lanes"], values: Float[Array, "bars lanes"], *, order: tuple[int, int]
) -> Squares:
    r"""Sum the squares of the conditional residuals and their derivatives.

    With $e_t = x_t - c - \sum_i \phi_i x_{t-i} - \sum_j \theta_j e_{t-j}$ every derivative $\partial e_t$ obeys the
    same recursion, driven by minus the regressor that it belongs to:

    $$\partial e_t = -(1, x_{t-1}, \dots, x_{t-p}, e_{t-1}, \dots, e_{t-q}) - \sum_j \theta_j \, \partial e_{t-j}$$

    and the second derivatives likewise, driven by the first of the lagged residuals among the regressors.

    References:
        Box, Jenkins, Reinsel and Ljung (2016), Time Series Analysis, section 7.2.4.
    """
    p, q = order
    size, lanes = natural.shape
    theta = natural[p + 1 :]

    def step(carry, x):
        regressors, slopes, curves, total = carry
        e = x - jnp.sum(natural * regressors, axis=0)
        slope = -regressors - jnp.sum(theta[:, None] * slopes, axis=0)
        # Row i, column p + 1 + j: the derivative of the regressor e_(t-j) in coefficient i.
        driven = jnp.concatenate([jnp.zeros((size, p + 1, lanes)), jnp.moveaxis(slopes, 0, 1)], axis=1)
        curve = -driven - jnp.swapaxes(driven, 0, 1) - jnp.sum(theta[:, None, None] * curves, axis=0)
        total = Squares(
            total.squares + e * e,
            total.slope + e[None] * slope,
            total.gram + slope[:, None] * slope[None, :],
            total.bend + e[None, None] * curve,
        )
        own = jnp.concatenate([x[None], regressors[1:p]]) if p else regressors[:0]
        regressors = jnp.concatenate([regressors[:1], own, e[None], regressors[p + 1 : -1]])
        slopes = jnp.concatenate([slope[None], slopes[:-1]])
        return (regressors, slopes, jnp.concatenate([curve[None], curves[:-1]]), total), None

    start = jnp.concatenate([jnp.ones((1, lanes)), values[:p][::-1], jnp.zeros((q, lanes))])
    square = jnp.zeros((size, size, lanes))
    nothing = Squares(jnp.zeros(lanes), jnp.zeros((size, lanes)), square, square)
    before = (start, jnp.zeros((q, size, lanes)), jnp.zeros((q, size, size, lanes)), nothing)
    (*_, total), _ = lax.scan(step, before, values[p:])
    return total
