"""A diffrax control known by its increments on a regular grid."""

import diffrax
import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .domain import at_least

_OFF_GRID = 0.125  # of a step: far above the rounding of float32 times, below any fraction that a solver would ask for


class IncrementPath(diffrax.AbstractPath):
    """A control whose increments were drawn beforehand; the solver may only step along its grid.

    A VirtualBrownianTree would cost 13 times more, and could not carry fractional noise or jumps.

    Attributes:
        increments: one row a step, over [i h, (i + 1) h].
        step_size: h > 0.
    """

    increments: Float[Array, "steps ..."]
    step_size: float = eqx.field(static=True)

    def __check_init__(self):
        at_least("the number of increments", self.increments.shape[0], 1)
        if not 0.0 < self.step_size < np.inf:
            raise ValueError(f"step_size must lie in (0, inf), was {self.step_size}.")

    @property
    def t0(self):
        return self.grid[0]

    @property
    def t1(self):
        return self.grid[-1]

    @property
    def grid(self) -> Float[np.ndarray, " points"]:
        """Return the times 0, h, ..., in the precision of the increments: what the solver's `StepTo` must be given.

        Python floats would silently turn a float32 state into float64.
        """
        return (np.arange(self.increments.shape[0] + 1) * self.step_size).astype(self.increments.dtype)

    def evaluate(self, t0, t1=None, left: bool = True):
        """Return the increment over one step of the grid.

        Raises:
            ValueError: if `t1` is missing: the path has increments, no values.
            RuntimeError: at run time, if [t0, t1] is not a step of the grid.
        """
        if t1 is None:
            raise ValueError("an IncrementPath has increments only; ask for the interval of one solver step.")
        index = step_index(t0, self.step_size)
        start, end = jnp.asarray(t0) / self.step_size, jnp.asarray(t1) / self.step_size
        place = index.astype(start.dtype)
        on_grid = (jnp.abs(start - place) < _OFF_GRID) & (jnp.abs(end - place - 1.0) < _OFF_GRID)
        inside = (index >= 0) & (index < self.increments.shape[0])
        return self.increments[
            eqx.error_if(
                index, ~(on_grid & inside), "an IncrementPath can only be evaluated over one step of its grid."
            )
        ]

    def coarsened(self, factor: int) -> "IncrementPath":
        """Return the same path on every `factor`-th point of the grid, for checks of a scheme's order.

        Raises:
            ValueError: if `factor` does not divide the number of steps.
        """
        steps, *channels = self.increments.shape
        if factor < 1 or steps % factor:
            raise ValueError(f"factor must divide the {steps} steps, was {factor}.")
        summed = jnp.sum(self.increments.reshape(steps // factor, factor, *channels), axis=1)
        return IncrementPath(summed, factor * self.step_size)


def step_index(time, step_size: float) -> Int[Array, ""]:
    """Return the number of the step that starts at `time`, whatever rounding did to it."""
    return jnp.rint(time / step_size).astype(int)
