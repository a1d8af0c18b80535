"""Student-t distributed jump sizes."""

import math

import jax.numpy as jnp
import jax.random as jr
from jax.scipy import stats
from jax.scipy.special import gammaln
from jaxtyping import Array, Complex, Float, Inexact, Int

from aurora_jax.core import Number, PRNGKey, stream

from .bessel import log_bessel_k
from .complex_plane import as_complex, refuse_complex
from .compound_by_rays import log_compound_density_by_rays
from .domain import at_least, within
from .marks import AbstractMarks, beyond, total_by_drawing


class StudentTMarks(AbstractMarks):
    """Student-t jumps, tail index 1 / degrees_of_freedom; drawn by Bailey (1994), Math. Comp. 62(206), 779-781."""

    degrees_of_freedom: Float[Array, ""]
    location: Float[Array, ""]
    scale: Float[Array, ""]

    def __init__(self, degrees_of_freedom: Number, location: Number, scale: Number):
        """Set degrees of freedom (> 0), centre and scale (> 0, not the standard deviation)."""
        self.degrees_of_freedom = within("degrees_of_freedom", degrees_of_freedom, 0.0)
        self.location = within("location", location, -math.inf)
        self.scale = within("scale", scale, 0.0)

    def draw(self, key: PRNGKey, *, count: int) -> Float[Array, " count"]:
        # Box and Muller's method with a heavier radius: no rejection, and smooth in the degrees of freedom.
        nu = self.degrees_of_freedom
        radius = jnp.sqrt(nu * jnp.expm1(2.0 / nu * jr.exponential(stream(key, "radius"), (count,))))
        angle = jr.uniform(stream(key, "angle"), (count,), maxval=2.0 * math.pi)
        return self.location + self.scale * radius * jnp.cos(angle)

    def total(self, key: PRNGKey, counts: Int[Array, " steps"]) -> Float[Array, " steps"]:
        return total_by_drawing(self, key, counts)

    def moment(self, order: int) -> Float[Array, ""]:
        at_least("order", order, 1)
        nu = beyond("degrees_of_freedom", self.degrees_of_freedom, order)
        total = self.location**order
        for k in range(2, order + 1, 2):
            log_moment = gammaln((nu - k) / 2.0) - gammaln(nu / 2.0) + 0.5 * k * jnp.log(nu)
            central = math.gamma((k + 1) / 2) / math.sqrt(math.pi) * jnp.exp(log_moment)
            total = total + math.comb(order, k) * self.location ** (order - k) * self.scale**k * central
        return total

    def characteristic_function(self, u: Inexact[Array, "*shape"]) -> Complex[Array, "*shape"]:
        refuse_complex("u", u)
        at_zero = u == 0.0
        (centred,) = as_complex(jnp.where(at_zero, 1.0, self.centred_transform(jnp.where(at_zero, 1.0, jnp.abs(u)))))
        return centred * jnp.exp(1j * as_complex(self.location * u)[0])

    def log_density(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return stats.t.logpdf(within("x", x, -math.inf), self.degrees_of_freedom, self.location, self.scale)

    def compound_log_density(self, x: Float[Array, "*shape"], *, expected: Float[Array, ""]) -> Float[Array, "*shape"]:
        return log_compound_density_by_rays(
            x,
            transform=self.centred_transform,
            log_single=self._centred_log_density,
            expected=expected,
            shift=self.location,
            scale=self.scale,
            symmetric=True,
        )

    def _centred_log_density(self, distance):
        return stats.t.logpdf(distance, self.degrees_of_freedom, 0.0, self.scale)

    def centred_transform(self, u: Inexact[Array, "*shape"]) -> Inexact[Array, "*shape"]:
        r"""Return $2^{1-v} w^v K_v(w) / \Gamma(v)$ with $v = \nu/2$, $w = \sqrt\nu\,s u$, of U - location.

        Args:
            u: positive, or in the quadrant below the positive axis and at most 0.8 off it.

        References:
            Hurst (1995), The characteristic function of the Student t distribution, Australian National University.
        """
        half = 0.5 * self.degrees_of_freedom
        scale, constant = jnp.sqrt(self.degrees_of_freedom) * self.scale, (1.0 - half) * math.log(2.0) - gammaln(half)
        power = half
        if jnp.iscomplexobj(u):
            power, scale, constant = as_complex(half, scale, constant)
        return jnp.exp(constant + power * jnp.log(scale * u) + log_bessel_k(half, scale * u))
