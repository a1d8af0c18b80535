"""Search for the maximum of a GARCH(1,1) likelihood, in coordinates whose region is a box."""

import itertools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._bounded import Minimum, Slopes, minimise
from ._garch_likelihood import differentiate, evaluate
from ._innovation import AbstractInnovation

# (mean, omega, persistence alpha + beta, share of alpha in it) of a standardised window, then the shape's coordinate.
LOWER = (-5.0, 1e-8, 0.0, 0.0)
UPPER = (5.0, 10.0, 1.0 - 1e-7, 1.0)
STARTING_PERSISTENCE = (0.7, 0.9, 0.98)
STARTING_ALPHA = (0.03, 0.1)


def search(
    innovation: AbstractInnovation, values: Float[Array, "bars lanes"], backcast: Float[Array, " lanes"]
) -> Minimum:
    """Return the best points, in natural parameters, of standardised windows side by side."""
    box = innovation.shape_box()
    grid = np.array(
        [
            [0.0, 1.0 - r, r, a / r, *shape]
            for r, a in itertools.product(STARTING_PERSISTENCE, STARTING_ALPHA)
            for shape in itertools.product(*(starts for _, starts, _ in box))
        ]
    )
    points = jnp.broadcast_to(jnp.asarray(grid.T)[:, :, None], (4 + len(box), grid.shape[0], backcast.size))
    heights = evaluate(innovation, _natural(points), values[:, None, :], backcast[None])
    start = jnp.asarray(grid.T)[:, jnp.argmin(heights, axis=0)]

    def objective(point: Float[Array, "parameters lanes"], data) -> Slopes:
        natural = _natural(point)
        sums = differentiate(innovation, natural, *data)
        return _in_coordinates(point, sums.value, sums.gradient, sums.hessian)

    found = minimise(
        objective,
        (values, backcast),
        start,
        lower=jnp.array([*LOWER, *(low for low, _, _ in box)]),
        upper=jnp.array([*UPPER, *(high for _, _, high in box)]),
    )
    return found._replace(point=_natural(found.point))


def _natural(point: Float[Array, "parameters ..."]) -> Float[Array, "parameters ..."]:
    """Return (mu, omega, alpha, beta[, degrees of freedom]) at a point of the search."""
    mean, omega, persistence, share, *reciprocal = point
    alpha = persistence * share
    return jnp.stack([mean, omega, alpha, persistence - alpha, *(1.0 / value for value in reciprocal)])


def _in_coordinates(
    point: Float[Array, "parameters lanes"],
    value: Float[Array, " lanes"],
    gradient: Float[Array, "parameters lanes"],
    hessian: Float[Array, "parameters parameters lanes"],
) -> Slopes:
    """Carry the derivatives in the natural parameters over to the coordinates of the search."""
    _, _, persistence, share, *reciprocal = point
    # Written out: alpha = persistence * share and beta = persistence * (1 - share) touch two rows and columns only.
    rows = [_turn(persistence, share, row) for row in hessian]
    columns = [_turn(persistence, share, [row[j] for row in rows]) for j in range(point.shape[0])]
    slope = _turn(persistence, share, gradient)
    bend = gradient[2] - gradient[3]
    columns[2][3] = columns[2][3] + bend
    columns[3][2] = columns[3][2] + bend
    for inverse in reciprocal:
        by_shape = -1.0 / inverse**2
        slope[4] = slope[4] * by_shape
        columns = [[entry * by_shape if i == 4 else entry for i, entry in enumerate(column)] for column in columns]
        columns[4] = [entry * by_shape for entry in columns[4]]
        columns[4][4] = columns[4][4] + 2.0 * gradient[4] / inverse**3
    return Slopes(value, jnp.stack(slope), jnp.stack([jnp.stack(column) for column in columns]))


def _turn(persistence, share, vector):
    """Return a row of derivatives in (alpha, beta) as one in (persistence, share)."""
    mean, omega, alpha, beta, *shape = vector
    return [mean, omega, share * alpha + (1.0 - share) * beta, persistence * (alpha - beta), *shape]
