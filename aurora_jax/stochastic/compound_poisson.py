"""Jumps of independent sizes at the times of a Poisson process."""

import jax.random as jr
from jax import lax
from jaxtyping import Array, Float

from aurora_jax.core import Number, PRNGKey, stream

from .domain import at_least, within
from .levy_process import AbstractLevyProcess
from .marks import AbstractMarks


class CompoundPoisson(AbstractLevyProcess):
    r"""A Poisson number of independent jumps, not compensated: cumulant n is $\lambda E U^n$ per unit time."""

    intensity: Float[Array, ""]
    marks: AbstractMarks

    def __init__(self, intensity: Number, marks: AbstractMarks):
        """Set the mean number of jumps per unit time (>= 0) and the law of their sizes."""
        self.intensity = within("intensity", intensity, 0.0, low_included=True)
        self.marks = marks

    def increments(self, key: PRNGKey, *, steps: int, step_size: Number) -> Float[Array, " steps"]:
        """Draw the sum of the jumps in each step; a path has no derivative in the intensity (taken as 0)."""
        at_least("steps", steps, 1)
        expected = lax.stop_gradient(self.intensity * within("step_size", step_size, 0.0))
        counts = jr.poisson(stream(key, "counts"), expected, (steps,))
        return self.marks.total(stream(key, "marks"), counts)

    def cumulant(self, order: int) -> Float[Array, ""]:
        return self.intensity * self.marks.moment(order)
