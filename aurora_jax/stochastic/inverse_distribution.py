"""Draws by inverting a distribution function that is known through its density."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from .bisection import bisect

# Gauss-Lobatto's nodes on [0, 1]: the ends are shared with the neighbours, and polynomials of degree 7 are exact.
LOBATTO = np.array([0.0, 0.5 - 0.5 * (3.0 / 7.0) ** 0.5, 0.5, 0.5 + 0.5 * (3.0 / 7.0) ** 0.5, 1.0])
# From values at the nodes to the coefficients of the primitive of the interpolating polynomial.
PRIMITIVE = np.linalg.inv(np.vander(LOBATTO, increasing=True)) / np.arange(1.0, 6.0)[:, None]

LogDensity = Callable[[Any, Float[Array, " points"]], Float[Array, " points"]]


def draw_by_inversion(
    uniforms: Float[Array, " draws"], log_density: LogDensity, parameters: Any, edges: Float[Array, " edges"]
) -> Float[Array, " draws"]:
    r"""Map uniform variables to a law by its quantile function, differentiably.

    The density is interpolated by a quartic polynomial on every cell, and the polynomial's integral, scaled to total
    mass 1, is inverted. The error of a quantile is that of the interpolation alone; the mass outside the edges is left
    out. Derivatives are implicit ones, $dX = -dF(X) / f(X)$, and do not see the edges move.

    Args:
        uniforms: in (0, 1).
        log_density: of `parameters` and points; called once, with 4 points a cell and one more.
        parameters: a tree of arrays.
        edges: of the cells, increasing, around all but a negligible mass.
    """
    edges = lax.stop_gradient(edges)
    widths = jnp.diff(edges)
    inner = edges[:-1, None] + jnp.outer(widths, jnp.asarray(LOBATTO[:-1], edges.dtype))
    points = jnp.append(inner.ravel(), edges[-1])
    values = jnp.exp(log_density(parameters, points))
    cells = jnp.concatenate([values[:-1].reshape(inner.shape), values[4::4, None]], axis=1)
    primitives = widths[:, None] * (cells @ jnp.asarray(PRIMITIVE.T, edges.dtype))
    masses = jnp.sum(primitives, axis=1)
    below = jnp.cumsum(masses)
    wanted = uniforms * below[-1]
    cell = jnp.minimum(jnp.searchsorted(lax.stop_gradient(below), lax.stop_gradient(wanted)), masses.size - 1)
    excess = wanted - (below - masses)[cell]
    coefficients = primitives[cell]
    place = _invert(lax.stop_gradient(coefficients), lax.stop_gradient(excess))
    # One Newton step from the root: no change in value, but the implicit derivative.
    gap = excess - _primitive(coefficients, place)
    density = _density(coefficients, place)
    return edges[cell] + widths[cell] * (place + (gap - lax.stop_gradient(gap)) / lax.stop_gradient(density))


def _invert(coefficients, excess):
    """Return where in its cell, as a fraction, the primitive is `excess`."""
    zeros = jnp.zeros_like(excess)
    return bisect(lambda place: _primitive(coefficients, place) < excess, zeros, zeros + 1.0)


def _primitive(coefficients, place):
    total = jnp.zeros_like(place)
    for k in reversed(range(5)):
        total = (total + coefficients[:, k]) * place
    return total


def _density(coefficients, place):
    total = jnp.zeros_like(place)
    for k in reversed(range(5)):
        total = total * place + (k + 1) * coefficients[:, k]
    return total
