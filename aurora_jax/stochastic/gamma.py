"""Gamma variables, a whole row at a time."""

from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
from jax import lax
from jaxtyping import Array, Float, Int

from ..core import PRNGKey
from .counter_random import normal_of, uniform_pair_at


@partial(jax.custom_jvp, nondiff_argnums=(2,))
def standard_gamma(key: PRNGKey, shape: Float[Array, ""], count: int) -> Float[Array, " count"]:
    r"""Draw from the gamma law of this shape and of scale 1, by rejection.

    With $d = a - 1/3$, $y = n / (3 \sqrt d)$, n standard normal and u uniform, $d (1 + y)^3$ is kept if $y > -1$ and

    $$\log u < \tfrac12 n^2 + d - d (1 + y)^3 + 3 d \log(1 + y)
             = d\,\bigl(3 (\log(1 + y) - y + \tfrac12 y^2) - y^3\bigr),$$

    of which the right-hand form loses no digits for large a. At least 95 % of the proposals are kept: the row is drawn
    anew, all of it in one pass, until each entry has had one, which takes fewer passes than `jax.random.gamma` takes
    steps, entry for entry, to prepare its keys. Entries do not depend on `count`; the derivative in the shape is that
    of the quantile at the value drawn.

    Args:
        key: spent here.
        shape: a >= 1, in the precision of the result.
        count: length of the row, less than 2^31.

    References:
        Marsaglia and Tsang (2000), ACM Trans. Math. Softw. 26(3), 363-372, section 4.
    """

    def again(state: tuple[Int[Array, ""], Array, Array]) -> tuple[Int[Array, ""], Array, Array]:
        turn, value, kept = state
        first, second = uniform_pair_at(jr.fold_in(key, turn), jnp.arange(count, dtype=jnp.uint32), dtype=shape.dtype)
        proposed, refused = _propose(normal_of(first), second, shape)
        return turn + 1, jnp.where(kept, value, proposed), kept | ~refused

    def unfinished(state):
        return ~jnp.all(state[2])

    start = jnp.zeros((), jnp.int32), jnp.zeros(count, shape.dtype), jnp.zeros(count, bool)
    return lax.while_loop(unfinished, again, start)[1]


def _propose(normal: Float[Array, " count"], uniform: Float[Array, " count"], shape: Float[Array, ""]):
    """Return proposals and which are refused; a shape that is not a number refuses none, or the loop would not end."""
    d = shape - 1.0 / 3.0
    y = normal / (3.0 * jnp.sqrt(d))
    positive = y > -1.0
    inside = jnp.where(positive, y, 0.0)
    bound = d * (3.0 * (jnp.log1p(inside) - inside + 0.5 * inside**2) - inside**3)
    return d * (1.0 + y) ** 3, (y <= -1.0) | (jnp.log(uniform) >= bound)


@standard_gamma.defjvp
def _(count, primals, tangents):
    key, shape = primals
    value = standard_gamma(key, shape, count)
    shapes = jnp.broadcast_to(shape, value.shape)
    slope = lax.random_gamma_grad(shapes, value)  # pyright: ignore[reportCallIssue]  # jax fills in dtype itself
    return value, slope * tangents[1]
