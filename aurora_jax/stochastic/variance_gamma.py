"""The variance gamma Lévy process."""

import math

import jax.numpy as jnp
import jax.random as jr
from jax.scipy.special import gammaln
from jaxtyping import Array, Complex, Float, Inexact

from aurora_jax.core import Number, PRNGKey, stream

from .bessel import log_bessel_k
from .complex_plane import as_complex
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

    def characteristic_exponent(self, u: Inexact[Array, "*shape"]) -> Complex[Array, "*shape"]:
        u, theta, sigma, nu = as_complex(u, self.theta, self.sigma, self.nu)
        # In the strip of finite moments the argument has a positive real part: the principal branch is the right one.
        return -jnp.log1p(nu * u * (0.5 * sigma**2 * u - 1j * theta)) / nu

    def log_density(self, x: Float[Array, "*shape"], *, step_size: Number) -> Float[Array, "*shape"]:
        r"""Return the closed form, with $v = h/\nu - 1/2$ and $q = \sqrt{\theta^2 + 2\sigma^2/\nu}$.

        $$\log\frac{2}{\sqrt{2\pi}\,\sigma\,\nu^{h/\nu}\,\Gamma(h/\nu)} + \frac{\theta x}{\sigma^2}
          + v\log\frac{|x|}{q} + \log K_v\Bigl(\frac{q|x|}{\sigma^2}\Bigr)$$

        At 0 it is the limit: infinite where $h \le \nu/2$.

        References:
            Madan, Carr and Chang (1998), equation 23.
        """
        x = within("x", x, -math.inf)
        shape = within("step_size", step_size, 0.0) / self.nu
        order = shape - 0.5
        rate = jnp.hypot(self.theta, self.sigma * jnp.sqrt(2.0 / self.nu))
        # Closer to 0 than this the density is its limit, in every digit, or infinite.
        least = jnp.finfo(x.dtype).eps ** 2 * self.sigma**2 / rate
        size = jnp.maximum(jnp.abs(x), least)
        log_bessel = log_bessel_k(order, rate * size / self.sigma**2)
        log_scale = -0.5 * math.log(0.5 * math.pi) - jnp.log(self.sigma) - shape * jnp.log(self.nu) - gammaln(shape)
        log_density = log_scale + self.theta * x / self.sigma**2 + order * jnp.log(size / rate) + log_bessel
        return jnp.where((x == 0.0) & (order <= 0.0), jnp.inf, log_density)
