"""Normally distributed jump sizes."""

import math

import jax.numpy as jnp
import jax.random as jr
from jax.scipy import stats
from jax.scipy.special import gammaln, logsumexp
from jaxtyping import Array, Complex, Float, Inexact, Int

from aurora_jax.core import Number, PRNGKey

from .complex_plane import as_complex
from .domain import at_least, refuse_if, within
from .marks import AbstractMarks

# Poisson numbers of mean 150 exceed 256 with a probability of 1e-15.
TERMS = 256
MOST_EXPECTED = 150.0


class GaussianMarks(AbstractMarks):
    """Normally distributed jumps (Merton)."""

    location: Float[Array, ""]
    scale: Float[Array, ""]

    def __init__(self, location: Number, scale: Number):
        """Set mean and standard deviation (> 0)."""
        self.location = within("location", location, -math.inf)
        self.scale = within("scale", scale, 0.0)

    def draw(self, key: PRNGKey, *, count: int) -> Float[Array, " count"]:
        return self.location + self.scale * jr.normal(key, (count,))

    def total(self, key: PRNGKey, counts: Int[Array, " steps"]) -> Float[Array, " steps"]:
        number = counts.astype(self.scale.dtype)
        return self.location * number + self.scale * jnp.sqrt(number) * jr.normal(key, counts.shape)

    def moment(self, order: int) -> Float[Array, ""]:
        at_least("order", order, 1)
        before, moment = jnp.zeros_like(self.location), jnp.ones_like(self.location)
        for k in range(order):  # Stein: m_{k+1} = location m_k + k scale^2 m_{k-1}
            before, moment = moment, self.location * moment + k * self.scale**2 * before
        return moment

    def characteristic_function(self, u: Inexact[Array, "*shape"]) -> Complex[Array, "*shape"]:
        u, location, variance = as_complex(u, self.location, self.scale**2)
        return jnp.exp(u * (1j * location - 0.5 * variance * u))

    def log_density(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return stats.norm.logpdf(within("x", x, -math.inf), self.location, self.scale)

    def compound_log_density(self, x: Float[Array, "*shape"], *, expected: Float[Array, ""]) -> Float[Array, "*shape"]:
        """Return the mixture of normal densities over 1 to 256 jumps, which is exact for up to 150 expected ones."""
        expected = refuse_if(expected, expected > MOST_EXPECTED, f"at most {MOST_EXPECTED} jumps may be expected")
        number = jnp.arange(1, TERMS + 1, dtype=expected.dtype)
        log_weight = number * jnp.log(expected) - expected - gammaln(number + 1.0)

        def mixture(point):
            return logsumexp(
                log_weight + stats.norm.logpdf(point, number * self.location, jnp.sqrt(number) * self.scale)
            )

        return jnp.vectorize(mixture)(within("x", x, -math.inf))
