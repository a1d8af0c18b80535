"""The bound of an interval that has too few scores of its own: that of the forecast's law."""

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtri
from jaxtyping import Array, Bool, Float

from aurora_jax.core import student_t_quantile

_NORMAL_DEGREES_OF_FREEDOM = 1e6
"""Above this the Student-t quantile is the normal one to 1e-5."""


@jax.jit  # so that a caller without jit compiles the loops once, not at each bar
def student_where_cold(
    cold: Bool[Array, ""], alphas: Float[Array, " n"], nu: Float[Array, ""], quantiles: Float[Array, " n"]
) -> Float[Array, " n"]:
    """Return the two-sided Student-t bounds where `cold`, else `quantiles`, at no cost where none is cold.

    A loop of at most one turn: unlike `lax.cond`, it still skips the work under `vmap` when no lane wants it. What it
    works from is tied to the loop's own flag, as the compiler moves what does not vary out of a loop, and then does it
    at each bar.
    """

    def student(carry):
        _, (levels, own) = jax.lax.optimization_barrier((carry[0], (alphas, nu)))
        upper = 1.0 - 0.5 * jnp.clip(levels, 1e-12, 1.0)
        bound = student_t_quantile(upper, jnp.full_like(upper, jnp.minimum(own, _NORMAL_DEGREES_OF_FREEDOM)))
        return jnp.array(False), jnp.where(own >= _NORMAL_DEGREES_OF_FREEDOM, ndtri(upper), bound)

    return jax.lax.while_loop(lambda carry: carry[0], student, (cold, quantiles))[1]
