"""What every law of jump sizes can do."""

from abc import abstractmethod

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jax import lax
from jaxtyping import Array, Complex, Float, Inexact, Int

from aurora_jax.core import PRNGKey

from .domain import refuse_if


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

    @abstractmethod
    def characteristic_function(self, u: Inexact[Array, "*shape"]) -> Complex[Array, "*shape"]:
        """Return E exp(iuU), for complex u too where the mean exists off the real axis.

        Raises:
            ValueError: if `u` is complex and the mean exists on the real axis alone.
        """

    @abstractmethod
    def log_density(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Return the logarithm of the density of a jump size, minus infinity where there are none.

        Raises:
            ValueError: if `x` is not finite (RuntimeError if it is traced).
        """

    @abstractmethod
    def compound_log_density(self, x: Float[Array, "*shape"], *, expected: Float[Array, ""]) -> Float[Array, "*shape"]:
        """Return the log-density of the sum of a Poisson number of jumps, without the atom of no jump at all.

        Args:
            x: finite.
            expected: mean number of jumps, > 0.

        Raises:
            ValueError: if more jumps are expected than the method can sum (RuntimeError if that is traced).
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


def beyond(name: str, exponent: Float[Array, ""], order: int) -> Float[Array, ""]:
    """Return `exponent`, refusing one at which the moment of that order is infinite."""
    return refuse_if(exponent, exponent <= order, f"the moment of order {order} needs {name} > {order}")
