"""Minimising a smooth function on an interval from its values at Chebyshev nodes."""

import functools
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float
from numpy.polynomial import chebyshev

_GRID = 129
_NEWTON_STEPS = 5


class _Operators(NamedTuple):
    """Linear maps on series with that many terms: values to coefficients, coefficients to a grid, two derivatives."""

    to_coefficients: Float[np.ndarray, "nodes nodes"]
    on_grid: Float[np.ndarray, "grid nodes"]
    slope: Float[np.ndarray, "_ nodes"]
    curvature: Float[np.ndarray, "_ nodes"]


_grid = np.linspace(-1.0, 1.0, _GRID)


def nodes(count: int) -> Float[np.ndarray, " nodes"]:
    """Return the zeros of the Chebyshev polynomial of degree `count`, from 1 down to -1."""
    return np.cos(np.pi * (np.arange(count) + 0.5) / count)


@functools.lru_cache(maxsize=8)
def operators(count: int) -> _Operators:
    """Return the maps for functions known at `count` nodes."""
    slope = chebyshev.chebder(np.eye(count), axis=0)
    return _Operators(
        np.linalg.inv(chebyshev.chebvander(nodes(count), count - 1)),
        chebyshev.chebvander(_grid, count - 1),
        slope,
        chebyshev.chebder(slope, axis=0),
    )


def evaluate(coefficients: Float[Array, " terms"], position: Float[Array, ""]) -> Float[Array, ""]:
    """Return a Chebyshev series at a position in [-1, 1]."""
    orders = jnp.arange(coefficients.shape[0], dtype=coefficients.dtype)
    return coefficients @ jnp.cos(orders * jnp.arccos(position))


def interpolation_weights(position: Float[Array, ""], *, count: int) -> Float[Array, " nodes"]:
    """Return the weights by which values at the nodes give the value at a position in [-1, 1]."""
    orders = jnp.arange(count, dtype=position.dtype)
    return jnp.cos(orders * jnp.arccos(position)) @ jnp.asarray(operators(count).to_coefficients, position.dtype)


def minimise(values: Float[Array, " nodes"]) -> Float[Array, ""]:
    """Return where in [-1, 1] the interpolant of `values` is least: the best of 129 points, polished by Newton."""
    dtype = values.dtype
    maps = [jnp.asarray(table, dtype) for table in operators(values.size)]
    objective = maps[0] @ values
    best = jnp.argmin(maps[1] @ objective)
    positions = jnp.asarray(_grid, dtype)
    low, high = positions[jnp.maximum(best - 1, 0)], positions[jnp.minimum(best + 1, _GRID - 1)]
    slope, curvature = maps[2] @ objective, maps[3] @ objective

    def newton(_, position):
        bend = evaluate(curvature, position)
        step = evaluate(slope, position) / jnp.where(bend > 0.0, bend, jnp.inf)
        return jnp.clip(position - step, low, high)

    return lax.fori_loop(0, _NEWTON_STEPS, newton, positions[best])
