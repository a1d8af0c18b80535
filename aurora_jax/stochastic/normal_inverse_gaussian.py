"""The normal inverse Gaussian Lévy process."""

import math

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Complex, Float, Inexact

from aurora_jax.core import Number, PRNGKey, stream

from .bessel import log_bessel_k
from .complex_plane import as_complex
from .domain import at_least, refuse_if, within
from .levy_process import AbstractLevyProcess


def inverse_gaussian(
    key: PRNGKey, *, mean: Float[Array, ""], shape: Float[Array, ""], count: int
) -> Float[Array, " count"]:
    """Draw inverse Gaussian variables (Michael, Schucany and Haas 1976, The American Statistician 30(2)).

    The smaller root is written m / (1 + r + sqrt(r (r + 2))), which does not cancel for small shape.
    """
    ratio = mean / (2.0 * shape) * jr.normal(stream(key, "root"), (count,)) ** 2
    root = mean / (1.0 + ratio + jnp.sqrt(ratio * (ratio + 2.0)))
    smaller = jr.uniform(stream(key, "side"), (count,)) <= mean / (mean + root)
    return jnp.where(smaller, root, mean**2 / root)


class NormalInverseGaussian(AbstractLevyProcess):
    r"""Brownian motion with drift run at the first-passage times of another; semi-heavy tails.

    $$\log E e^{uX_1} = \delta\bigl(\sqrt{\alpha^2 - \beta^2} - \sqrt{\alpha^2 - (\beta + u)^2}\bigr)$$

    No location is added, so the mean is $\delta\beta/\sqrt{\alpha^2 - \beta^2}$.

    References:
        Barndorff-Nielsen (1997), Scandinavian Journal of Statistics 24(1), 1-13.
    """

    alpha: Float[Array, ""]
    beta: Float[Array, ""]
    delta: Float[Array, ""]

    def __init__(self, alpha: Number, beta: Number, delta: Number):
        """Set the process.

        Args:
            alpha: steepness of the tails, > |beta|.
            beta: asymmetry.
            delta: scale per unit time, > 0.

        Raises:
            ValueError: if they are out of range.
        """
        self.alpha = within("alpha", alpha, 0.0)
        self.beta = within("beta", beta, -math.inf)
        self.delta = within("delta", delta, 0.0)
        self.beta = refuse_if(self.beta, jnp.abs(self.beta) >= self.alpha, "|beta| must be less than alpha; beta")

    def increments(self, key: PRNGKey, *, steps: int, step_size: Number) -> Float[Array, " steps"]:
        at_least("steps", steps, 1)
        scale = self.delta * within("step_size", step_size, 0.0)
        mean = scale / jnp.sqrt(self.alpha**2 - self.beta**2)
        clock = inverse_gaussian(stream(key, "clock"), mean=mean, shape=scale**2, count=steps)
        return self.beta * clock + jnp.sqrt(clock) * jr.normal(stream(key, "motion"), (steps,))

    def cumulant(self, order: int) -> Float[Array, ""]:
        at_least("order", order, 1)
        # s(u)^2 = P(u) = (alpha^2 - beta^2) - 2 beta u - u^2, hence 2 P s' = P' s: a recurrence for Taylor's s_k.
        level = self.alpha**2 - self.beta**2
        coefficients = [jnp.sqrt(level)]
        coefficients.append(-self.beta / coefficients[0])
        for k in range(1, order):
            rise = (2.0 * k - 1.0) * self.beta * coefficients[k] + (k - 2.0) * coefficients[k - 1]
            coefficients.append(rise / (level * (k + 1.0)))
        return -self.delta * math.factorial(order) * coefficients[order]

    def characteristic_exponent(self, u: Inexact[Array, "*shape"]) -> Complex[Array, "*shape"]:
        u, beta, delta, level = as_complex(u, self.beta, self.delta, self.alpha**2 - self.beta**2)
        # The difference of the roots, written without cancellation at small u: P(iu) - level = u^2 - 2 i beta u.
        rise = u * u - 2j * beta * u
        return -delta * rise / (jnp.sqrt(level) + jnp.sqrt(level + rise))

    def log_density(self, x: Float[Array, "*shape"], *, step_size: Number) -> Float[Array, "*shape"]:
        r"""Return the closed form, with $r = \sqrt{(\delta h)^2 + x^2}$.

        $$\log\frac{\alpha\delta h}{\pi r} + \log K_1(\alpha r) + \delta h\sqrt{\alpha^2 - \beta^2} + \beta x$$
        """
        x = within("x", x, -math.inf)
        scale = self.delta * within("step_size", step_size, 0.0)
        radius = jnp.hypot(scale, x)
        log_bessel = log_bessel_k(jnp.ones_like(self.alpha), self.alpha * radius)
        tilt = scale * jnp.sqrt(self.alpha**2 - self.beta**2) + self.beta * x
        return jnp.log(self.alpha * scale / (math.pi * radius)) + log_bessel + tilt
