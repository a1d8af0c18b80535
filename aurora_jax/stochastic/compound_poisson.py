"""Jumps of independent sizes at the times of a Poisson process."""

import jax.numpy as jnp
import jax.random as jr
from jax import lax
from jaxtyping import Array, Complex, Float, Inexact

from aurora_jax.core import Number, PRNGKey, stream

from .complex_plane import as_complex
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

    def characteristic_exponent(self, u: Inexact[Array, "*shape"]) -> Complex[Array, "*shape"]:
        return as_complex(self.intensity)[0] * (self.marks.characteristic_function(u) - 1.0)

    def log_density(self, x: Float[Array, "*shape"], *, step_size: Number) -> Float[Array, "*shape"]:
        """Return the log-density of the continuous part, whose mass is 1 - `atom`: of an increment with jumps in it.

        Its method, error and bound on the number of jumps are those of `compound_log_density` of the marks.
        """
        expected = self.intensity * within("step_size", step_size, 0.0)
        some = expected > 0.0
        log_density = self.marks.compound_log_density(x, expected=jnp.where(some, expected, 1.0))
        return jnp.where(some, log_density, -jnp.inf)

    def atom(self, *, step_size: Number) -> Float[Array, ""]:
        r"""Return the probability $e^{-\lambda h}$ that an increment over `step_size` is 0, as it has no jump."""
        return jnp.exp(-self.intensity * within("step_size", step_size, 0.0))
