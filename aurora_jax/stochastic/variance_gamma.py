"""The variance gamma Lévy process."""

import math

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from aurora_jax.core import Number, PRNGKey, stream

from .domain import at_least, within
from .levy_process import AbstractLevyProcess


class VarianceGamma(AbstractLevyProcess):
    r"""Brownian motion with drift run on a gamma clock of unit mean rate and variance rate nu.

    $$\log E e^{uX_1} = -\tfrac1\nu \log\bigl(1 - \theta\nu u - \tfrac12\sigma^2\nu u^2\bigr)$$

    References:
        Madan, Carr and Chang (1998), European Finance Review 2, 79-105.
    """

    theta: Float[Array, ""]
    sigma: Float[Array, ""]
    nu: Float[Array, ""]

    def __init__(self, theta: Number, sigma: Number, nu: Number):
        """Set the process.

        Args:
            theta: drift per unit of the clock.
            sigma: volatility on the clock, > 0.
            nu: variance of the clock per unit time, > 0.

        Raises:
            ValueError: if they are out of range.
        """
        self.theta = within("theta", theta, -math.inf)
        self.sigma = within("sigma", sigma, 0.0)
        self.nu = within("nu", nu, 0.0)

    def increments(self, key: PRNGKey, *, steps: int, step_size: Number) -> Float[Array, " steps"]:
        at_least("steps", steps, 1)
        step_size = within("step_size", step_size, 0.0)
        # In logarithms: with few events a step most gamma variables are far below the smallest number.
        log_clock = jnp.log(self.nu) + jr.loggamma(stream(key, "clock"), step_size / self.nu, (steps,))
        motion = self.sigma * jr.normal(stream(key, "motion"), (steps,))
        return self.theta * jnp.exp(log_clock) + jnp.exp(0.5 * log_clock) * motion

    def cumulant(self, order: int) -> Float[Array, ""]:
        at_least("order", order, 1)
        # The logarithm's argument is (1 - up u)(1 + down u): the difference of two gamma processes.
        middle = 0.5 * self.theta * self.nu
        radius = jnp.sqrt(middle**2 + 0.5 * self.sigma**2 * self.nu)
        up, down = radius + middle, radius - middle
        return math.factorial(order - 1) / self.nu * (up**order + (-1) ** order * down**order)
