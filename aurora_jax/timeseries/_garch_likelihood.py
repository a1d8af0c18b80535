"""Likelihood of GARCH(1,1) with its gradient and Hessian, by the recursions that the derivatives obey themselves."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from ._innovation import AbstractInnovation

MEAN, OMEGA, ALPHA, BETA = range(4)


class Sums(NamedTuple):
    """Minus the log-likelihood and its derivatives in (mu, omega, alpha, beta[, shape]).

    Attributes:
        value: minus the log-likelihood.
        gradient: of the value.
        hessian: of the value.
        products: the sum over bars of the outer products of the scores.
    """

    value: Float[Array, " lanes"]
    gradient: Float[Array, "parameters lanes"]
    hessian: Float[Array, "parameters parameters lanes"]
    products: Float[Array, "parameters parameters lanes"]


def differentiate(
    innovation: AbstractInnovation,
    natural: Float[Array, "parameters lanes"],
    values: Float[Array, "bars lanes"],
    backcast: Float[Array, " lanes"],
) -> Sums:
    r"""Return the likelihood of each lane and its derivatives in one pass over the bars.

    With $h' = \omega + \alpha e^2 + \beta h$ and $e = x - \mu$, every derivative of $h$ is a first-order linear
    recursion with the same coefficient $\beta$, and six of the ten second derivatives are not zero:

    $$\nabla h' = (-2 \alpha e,\ 1,\ e^2,\ h) + \beta \nabla h, \qquad
    h'_{\mu\mu} = 2 \alpha + \beta h_{\mu\mu}, \quad h'_{\mu\alpha} = -2 e + \beta h_{\mu\alpha}, \quad
    h'_{i\beta} = h_i + \beta h_{i\beta}, \quad h'_{\beta\beta} = 2 h_\beta + \beta h_{\beta\beta}$$

    Differentiating the loop automatically gives the same numbers in about ten times the time.

    References:
        Fiorentini, Calzolari and Panattoni (1996), J. Appl. Econometrics 11(4), 399-417, eq. 7-12.
    """
    mean, omega, alpha, beta, *shape = natural
    shape = tuple(shape)
    zero = jnp.zeros_like(backcast)
    size = natural.shape[0]
    constant = innovation.constant(shape)

    def step(carry, x):
        h, first, second, total = carry
        e = x - mean
        piece = innovation.piece(e, h, shape)
        gradient, hessian = _chain(piece, first, second)
        if shape:
            gradient[-1] = gradient[-1] + constant[1]
        products = [[gradient[i] * gradient[j] for j in range(i + 1)] for i in range(size)]
        total = jax.tree.map(jnp.add, total, (piece.value, gradient, hessian, products))
        first, second = _advance(h, e, alpha, beta, first, second)
        return (omega + alpha * e * e + beta * h, first, second, total), None

    triangle = [[zero] * (i + 1) for i in range(size)]
    before = omega + (alpha + beta) * backcast
    slopes = [zero, jnp.ones_like(zero), backcast, backcast]
    start = (before, slopes, [zero] * 6, (zero, [zero] * size, triangle, triangle))
    (_, _, _, (value, gradient, hessian, products)), _ = lax.scan(step, start, values)
    bars = float(values.shape[0])
    if shape:
        hessian[-1][-1] = hessian[-1][-1] + bars * constant[2]
    return Sums(value + bars * constant[0], jnp.stack(gradient), _full(hessian), _full(products))


def _chain(piece, first, second):
    """Return the gradient and the lower triangle of the Hessian of one bar by the chain rule through e and h."""
    mm, ma, mb, ob, ab, bb = second
    curved = {(0, 0): mm, (2, 0): ma, (3, 0): mb, (3, 1): ob, (3, 2): ab, (3, 3): bb}
    gradient = [piece.h * slope for slope in first]
    gradient[MEAN] = gradient[MEAN] - piece.e
    hessian = []
    for i in range(4):
        row = [piece.hh * first[i] * first[j] for j in range(i + 1)]
        row = [row[j] + piece.h * curved[i, j] if (i, j) in curved else row[j] for j in range(i + 1)]
        row[MEAN] = row[MEAN] - piece.eh * first[i]
        hessian.append(row)
    # The residual falls as the mean rises: de / dmu = -1.
    hessian[MEAN][MEAN] = hessian[MEAN][MEAN] - piece.eh * first[MEAN] + piece.ee
    if piece.shape:
        gradient.append(piece.shape[0])
        mixed = [piece.shape_h[0] * slope for slope in first]
        mixed[MEAN] = mixed[MEAN] - piece.shape_e[0]
        hessian.append([*mixed, piece.shape_shape[0]])
    return gradient, hessian


def _advance(h, e, alpha, beta, first, second):
    """Return the first and second derivatives of the next bar's variance."""
    mm, ma, mb, ob, ab, bb = second
    by_mean, by_omega, by_alpha, by_beta = first
    return [
        beta * by_mean - 2.0 * alpha * e,
        beta * by_omega + 1.0,
        beta * by_alpha + e * e,
        beta * by_beta + h,
    ], [
        beta * mm + 2.0 * alpha,
        beta * ma - 2.0 * e,
        beta * mb + by_mean,
        beta * ob + by_omega,
        beta * ab + by_alpha,
        beta * bb + 2.0 * by_beta,
    ]


def _full(triangle):
    """Return the symmetric matrices whose lower triangles these are."""
    size = len(triangle)
    return jnp.stack([jnp.stack([triangle[max(i, j)][min(i, j)] for j in range(size)]) for i in range(size)])


def evaluate(
    innovation: AbstractInnovation,
    natural: Float[Array, "parameters ..."],
    values: Float[Array, "bars ..."],
    backcast: Float[Array, "..."],
) -> Float[Array, "*lanes"]:
    """Return minus the log-likelihood only."""
    mean, omega, alpha, beta, *shape = natural
    shape = tuple(shape)

    def step(carry, x):
        h, total = carry
        e = x - mean
        return (omega + alpha * e * e + beta * h, total + innovation.piece(e, h, shape).value), None

    (_, total), _ = lax.scan(step, (omega + (alpha + beta) * backcast, jnp.zeros_like(mean)), values)
    return total + values.shape[0] * innovation.constant(shape)[0]


def log_densities(
    innovation: AbstractInnovation,
    natural: Float[Array, " parameters"],
    values: Float[Array, " bars"],
    backcast: Float[Array, ""],
) -> Float[Array, " bars"]:
    """Return the log density of every bar of one window."""
    mean, omega, alpha, beta, *shape = natural
    e = values - mean

    def step(h, square):
        return omega + alpha * square + beta * h, h

    _, h = lax.scan(step, omega + (alpha + beta) * backcast, e * e)
    return -innovation.piece(e, h, tuple(shape)).value - innovation.constant(tuple(shape))[0]
