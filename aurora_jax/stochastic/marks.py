"""Laws of jump sizes."""

import math
from abc import abstractmethod

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jax import lax
from jax.scipy.special import gammaln
from jaxtyping import Array, Float, Int

from aurora_jax.core import Number, PRNGKey, stream

from .domain import at_least, refuse_if, within


class AbstractMarks(eqx.Module):
    """The law of one jump; jumps are independent."""

    @abstractmethod
    def draw(self, key: PRNGKey, *, count: int) -> Float[Array, " count"]:
        """Draw `count` independent jump sizes."""

    @abstractmethod
    def total(self, key: PRNGKey, counts: Int[Array, " steps"]) -> Float[Array, " steps"]:
        """Draw, for each step, the sum of `counts` independent jump sizes; 0 where there is none."""

    @abstractmethod
    def moment(self, order: int) -> Float[Array, ""]:
        """Return E[U^order].

        Raises:
            ValueError: if `order` is less than 1, or the moment does not exist (RuntimeError if parameters are traced).
        """


def total_by_drawing(marks: AbstractMarks, key: PRNGKey, counts: Int[Array, " steps"]) -> Float[Array, " steps"]:
    """Sum marks one at a time until every step has its number: exact without a bound on the number.

    The loop has no fixed length, so derivatives with respect to the marks' parameters are forward-mode only.
    """

    def unfinished(carry):
        return jnp.any(counts > carry[0])

    def add(carry):
        index, total = carry
        size = marks.draw(jr.fold_in(key, index), count=counts.shape[0])
        return index + 1, total + jnp.where(counts > index, size, 0.0)

    start = (jnp.zeros((), counts.dtype), jnp.zeros(counts.shape, float))
    return lax.while_loop(unfinished, add, start)[1]


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
        nu = _beyond("degrees_of_freedom", self.degrees_of_freedom, order)
        total = self.location**order
        for k in range(2, order + 1, 2):
            log_moment = gammaln((nu - k) / 2.0) - gammaln(nu / 2.0) + 0.5 * k * jnp.log(nu)
            central = math.gamma((k + 1) / 2) / math.sqrt(math.pi) * jnp.exp(log_moment)
            total = total + math.comb(order, k) * self.location ** (order - k) * self.scale**k * central
        return total


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


class ParetoMarks(AbstractMarks):
    """Positive jumps with P(U > u) = (minimum / u)^tail_exponent."""

    tail_exponent: Float[Array, ""]
    minimum: Float[Array, ""]

    def __init__(self, tail_exponent: Number, minimum: Number):
        """Set the tail exponent (> 0, the reciprocal of the tail index) and the smallest size (> 0)."""
        self.tail_exponent = within("tail_exponent", tail_exponent, 0.0)
        self.minimum = within("minimum", minimum, 0.0)

    def draw(self, key: PRNGKey, *, count: int) -> Float[Array, " count"]:
        return self.minimum * jnp.exp(jr.exponential(key, (count,)) / self.tail_exponent)

    def total(self, key: PRNGKey, counts: Int[Array, " steps"]) -> Float[Array, " steps"]:
        return total_by_drawing(self, key, counts)

    def moment(self, order: int) -> Float[Array, ""]:
        at_least("order", order, 1)
        exponent = _beyond("tail_exponent", self.tail_exponent, order)
        return exponent * self.minimum**order / (exponent - order)


def _beyond(name: str, exponent: Float[Array, ""], order: int) -> Float[Array, ""]:
    """Return `exponent`, refusing one at which the moment of that order is infinite."""
    return refuse_if(exponent, exponent <= order, f"the moment of order {order} needs {name} > {order}")
