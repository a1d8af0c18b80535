"""Minimisation of smooth functions of a few parameters inside a box: projected, damped Newton, many lanes at once.

The one adapter of all families. L-BFGS-B (jaxopt) was the other candidate: these problems have at most a handful of
parameters, so a Hessian is cheap, and a damped step needs no line search.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, PyTree

TILE = 128
"""Lanes that are advanced together: their recursions fit the first-level cache, and a finished lane is left behind."""


class Slopes(NamedTuple):
    """An objective and its derivatives, one column a lane.

    Attributes:
        value: +inf where the objective does not exist.
        gradient: of the value.
        hessian: exact or a substitute; where it is not positive definite it is made so.
    """

    value: Float[Array, " lanes"]
    gradient: Float[Array, "parameters lanes"]
    hessian: Float[Array, "parameters parameters lanes"]


Objective: TypeAlias = Callable[[Float[Array, "parameters lanes"], PyTree[Array]], Slopes]
"""Takes points and the data they are fitted to, whose last axis holds the same lanes."""


class Minimum(NamedTuple):
    """Where each lane stopped.

    Attributes:
        point: the best point found, inside the box.
        value: objective there.
        converged: True where no step inside the box promises more than the tolerance.
        evaluations: of the objective and its derivatives.
    """

    point: Float[Array, "parameters lanes"]
    value: Float[Array, " lanes"]
    converged: Bool[Array, " lanes"]
    evaluations: Int[Array, " lanes"]


class _Search(NamedTuple):
    candidate: Float[Array, "parameters lanes"]
    point: Float[Array, "parameters lanes"]
    at: Slopes
    damping: Float[Array, " lanes"]
    converged: Bool[Array, " lanes"]
    evaluations: Int[Array, " lanes"]


def minimise(
    objective: Objective,
    data: PyTree[Array],
    start: Float[Array, "parameters lanes"],
    *,
    lower: Float[Array, " parameters"],
    upper: Float[Array, " parameters"],
    tolerance: float = 1e-11,
    max_evaluations: int = 200,
) -> Minimum:
    r"""Minimise inside a box by damped Newton steps on the free parameters of each lane.

    A parameter at a bound whose gradient points outwards is held. The others move by
    $\Delta = -D (D H D + \lambda I)^{-1} D g$, cut at the box, where $D$ scales the Hessian to a unit diagonal and
    negative pivots of the factorised matrix are turned positive. A step that does not improve is withdrawn and
    $\lambda$ raised. Converged: $(1 + \lambda) |g' \Delta| <$ `tolerance`; for a negative log-likelihood the optimum
    is then about $\sqrt{\text{tolerance}}$ standard errors away.

    References:
        Bertsekas (1982), SIAM J. Control Optim. 20(2), 221-246, eq. 32 (the held set);
        Nocedal and Wright (2006), Numerical Optimization, section 3.4 (modified pivots) and 10.3 (damping).
    """
    low, high = lower[:, None], upper[:, None]

    def advance(search: _Search, data: PyTree[Array]) -> _Search:
        trial = objective(search.candidate, data)
        going = unfinished(search)
        better = (trial.value < search.at.value) & going
        point = jnp.where(better[None], search.candidate, search.point)
        at = jax.tree.map(lambda new, old: jnp.where(better, new, old), trial, search.at)
        damping = jnp.where(better, jnp.maximum(search.damping / 10.0, 1e-10), search.damping * 8.0)
        step, promise = _newton(point, at, damping, low, high)
        return _Search(
            candidate=jnp.clip(point + step, low, high),
            point=point,
            at=at,
            damping=damping,
            converged=search.converged | (going & (promise < tolerance)),
            evaluations=search.evaluations + jnp.where(going, 1, 0),
        )

    def unfinished(search: _Search) -> Bool[Array, " lanes"]:
        return ~search.converged & (search.evaluations < max_evaluations)

    def until(few: Int[Array, ""] | int, search: _Search, data: PyTree[Array]) -> _Search:
        """Advance all lanes until at most `few` are unfinished."""
        return lax.while_loop(
            lambda search: jnp.sum(unfinished(search)) > few, lambda search: advance(search, data), search
        )

    def sweep(search: _Search) -> _Search:
        going = unfinished(search)
        count = jnp.sum(going)
        order = jnp.argsort(~going, stable=True)
        # Its last lanes leave a tile to meet those of other tiles, unless they are all that is left.
        few = jnp.where(count > TILE, TILE // 4, 0)

        def visit(tile: Int[Array, ""], search: _Search) -> _Search:
            chosen = lax.dynamic_slice(order, (tile * TILE,), (TILE,))
            part, own = jax.tree.map(lambda leaf: leaf.at[..., chosen].get(mode="promise_in_bounds"), (search, data))
            part = until(few, part, own)
            return jax.tree.map(lambda leaf, new: leaf.at[..., chosen].set(new), search, part)

        return lax.fori_loop(0, -(-count // TILE), visit, search)

    start = jnp.clip(start, low, high)
    size, lanes = start.shape
    # The start is the first candidate, so that the objective is compiled once. It beats a value of +inf.
    nothing = Slopes(
        jnp.full(lanes, jnp.inf, start.dtype), jnp.zeros_like(start), jnp.zeros((size, size, lanes), start.dtype)
    )
    search = _Search(
        candidate=start,
        point=start,
        at=nothing,
        damping=jnp.full(lanes, 1e-1, start.dtype),
        converged=jnp.zeros(lanes, bool),
        evaluations=jnp.zeros(lanes, int),
    )
    if lanes <= TILE:
        found = until(0, search, data)
    else:
        found = lax.while_loop(lambda search: jnp.any(unfinished(search)), sweep, search)
    return Minimum(found.point, found.at.value, found.converged, found.evaluations)


def _newton(
    point: Float[Array, "parameters lanes"],
    at: Slopes,
    damping: Float[Array, " lanes"],
    low: Float[Array, "parameters 1"],
    high: Float[Array, "parameters 1"],
) -> tuple[Float[Array, "parameters lanes"], Float[Array, " lanes"]]:
    """Return the damped step on the free parameters and the decrease that an undamped one promises."""
    held = ((point <= low) & (at.gradient > 0.0)) | ((point >= high) & (at.gradient < 0.0))
    free = jnp.where(held, 0.0, 1.0)
    # Held parameters keep a unit pivot of their own and no gradient, so they stay where they are.
    diagonal = jnp.abs(jnp.diagonal(at.hessian).T)
    unit = free / jnp.sqrt(jnp.maximum(diagonal, 1e-12 * jnp.max(diagonal, axis=0, keepdims=True)) + 1e-30)
    size = point.shape[0]
    scaled = at.hessian * unit[:, None] * unit[None, :]
    matrix = scaled + jnp.eye(size)[:, :, None] * (1.0 - free + damping[None])[:, None]
    step = -unit * _solve_positive(matrix, unit * at.gradient)
    return step, (1.0 + damping) * jnp.abs(jnp.sum(at.gradient * step, axis=0))


def _solve_positive(
    matrix: Float[Array, "parameters parameters lanes"], right: Float[Array, "parameters lanes"]
) -> Float[Array, "parameters lanes"]:
    """Solve M'y = right, where M' is M = LDL' with every pivot in D made positive.

    Written out over the few parameters: a library's factorisation of one small matrix a lane takes longer than the
    likelihood.
    """
    size = right.shape[0]
    rows = [[matrix[i, j] for j in range(i + 1)] for i in range(size)]
    y = [right[i] for i in range(size)]
    pivots = []
    for j in range(size):
        pivot = jnp.maximum(jnp.abs(rows[j][j]), 1e-9)
        pivots.append(pivot)
        column = [rows[i][j] / pivot for i in range(j + 1, size)]
        for i in range(j + 1, size):
            for k in range(j + 1, i + 1):
                rows[i][k] = rows[i][k] - column[i - j - 1] * rows[k][j]
            y[i] = y[i] - column[i - j - 1] * y[j]
        for i in range(j + 1, size):
            rows[i][j] = column[i - j - 1]
    y = [value / pivot for value, pivot in zip(y, pivots, strict=True)]
    for j in reversed(range(size)):
        for i in range(j):
            y[i] = y[i] - rows[j][i] * y[j]
    return jnp.stack(y)
