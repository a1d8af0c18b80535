"""Exponentially distributed jump sizes of both signs."""

import math

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Complex, Float, Inexact, Int

from aurora_jax.core import Number, PRNGKey, stream

from .complex_plane import as_complex
from .contour import log_density_by_contour
from .domain import at_least, within
from .marks import AbstractMarks, total_by_drawing


class DoubleExponentialMarks(AbstractMarks):
    """Exponential jumps up with `up_probability`, down otherwise (Kou 2002, Management Science 48(8))."""

    up_probability: Float[Array, ""]
    up_mean: Float[Array, ""]
    down_mean: Float[Array, ""]

    def __init__(self, up_probability: Number, up_mean: Number, down_mean: Number):
        """Set the probability in (0, 1) of a jump up and the mean sizes (> 0) of jumps up and down."""
        self.up_probability = within("up_probability", up_probability, 0.0, 1.0)
        self.up_mean = within("up_mean", up_mean, 0.0)
        self.down_mean = within("down_mean", down_mean, 0.0)

    def draw(self, key: PRNGKey, *, count: int) -> Float[Array, " count"]:
        up = jr.uniform(stream(key, "side"), (count,)) < self.up_probability
        return jnp.where(up, self.up_mean, -self.down_mean) * jr.exponential(stream(key, "size"), (count,))

    def total(self, key: PRNGKey, counts: Int[Array, " steps"]) -> Float[Array, " steps"]:
        return total_by_drawing(self, key, counts)

    def moment(self, order: int) -> Float[Array, ""]:
        at_least("order", order, 1)
        down = (1.0 - self.up_probability) * (-self.down_mean) ** order
        return math.factorial(order) * (self.up_probability * self.up_mean**order + down)

    def characteristic_function(self, u: Inexact[Array, "*shape"]) -> Complex[Array, "*shape"]:
        u, up_mean, down_mean, probability = as_complex(u, self.up_mean, self.down_mean, self.up_probability)
        return probability / (1.0 - 1j * up_mean * u) + (1.0 - probability) / (1.0 + 1j * down_mean * u)

    def log_density(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        x = within("x", x, -math.inf)
        up = jnp.log(self.up_probability / self.up_mean) - x / self.up_mean
        down = jnp.log1p(-self.up_probability) - jnp.log(self.down_mean) + x / self.down_mean
        return jnp.where(x >= 0.0, up, down)

    def compound_log_density(self, x: Float[Array, "*shape"], *, expected: Float[Array, ""]) -> Float[Array, "*shape"]:
        """Return it by `log_density_by_contour`, to a relative error of 1e-9; at 0, where it jumps, from above."""
        return log_density_by_contour(
            _cumulant_function,
            (self, expected),
            within("x", x, -math.inf),
            lower=-1.0 / self.down_mean,
            upper=1.0 / self.up_mean,
            half_angle=jnp.asarray(0.7, self.up_mean.dtype),
            log_atom=-expected,
        )


def _cumulant_function(parameters, z):
    """Return the cumulant function of the sum less its limit, the logarithm of the atom."""
    marks, expected = parameters
    return as_complex(expected)[0] * marks.characteristic_function(-1j * z)
