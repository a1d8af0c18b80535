"""How the influence of an event fades: densities of the time from an event to those it causes."""

import math
from abc import abstractmethod

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from aurora_jax.core import Number

from .domain import refuse_if, within


class AbstractKernel(eqx.Module):
    """A probability density on (0, inf) that never rises, so that an intensity is highest just after an event."""

    @abstractmethod
    def density(self, age: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the density at ages >= 0."""

    @abstractmethod
    def integral(self, age: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the probability of ages up to `age` >= 0; 1 at infinity."""


class ExponentialKernel(AbstractKernel):
    r"""The memoryless kernel, $\beta e^{-\beta t}$."""

    decay: Float[Array, ""]

    def __init__(self, decay: Number):
        """Set beta > 0, per unit time."""
        self.decay = within("decay", decay, 0.0)

    def density(self, age: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.decay * jnp.exp(-self.decay * age)

    def integral(self, age: Float[Array, "..."]) -> Float[Array, "..."]:
        return -jnp.expm1(-self.decay * age)


class MixedExponentialKernel(AbstractKernel):
    r"""Several time scales at once, $\sum_k w_k \beta_k e^{-\beta_k t}$ with $\sum_k w_k = 1$."""

    weights: Float[Array, " scales"]
    decays: Float[Array, " scales"]

    def __init__(self, weights: Float[Array | np.ndarray, " scales"], decays: Float[Array | np.ndarray, " scales"]):
        """Set the weights (>= 0, sum 1) and the decays (> 0) of each scale."""
        self.weights = within("weights", weights, 0.0, low_included=True)
        self.decays = within("decays", decays, 0.0)
        off = jnp.abs(jnp.sum(self.weights) - 1.0) > 1e-6
        self.weights = refuse_if(self.weights, jnp.broadcast_to(off, self.weights.shape), "weights must sum to 1")

    def density(self, age: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.exp(-self._scaled(age)) @ (self.weights * self.decays)

    def integral(self, age: Float[Array, "..."]) -> Float[Array, "..."]:
        return -jnp.expm1(-self._scaled(age)) @ self.weights

    def _scaled(self, age: Float[Array, "..."]) -> Float[Array, "... scales"]:
        return age[..., None] * self.decays.reshape((1,) * age.ndim + (-1,))


class PowerLawKernel(AbstractKernel):
    r"""Omori's law, $(p - 1) c^{p-1} / (t + c)^p$: a long memory, as of aftershocks and of order flow."""

    exponent: Float[Array, ""]
    offset: Float[Array, ""]

    def __init__(self, exponent: Number, offset: Number):
        """Set p > 1 and c > 0, in units of time."""
        self.exponent = within("exponent", exponent, 1.0, math.inf)
        self.offset = within("offset", offset, 0.0)

    def density(self, age: Float[Array, "..."]) -> Float[Array, "..."]:
        return (self.exponent - 1.0) / self.offset * (1.0 + age / self.offset) ** -self.exponent

    def integral(self, age: Float[Array, "..."]) -> Float[Array, "..."]:
        return -jnp.expm1((1.0 - self.exponent) * jnp.log1p(age / self.offset))
