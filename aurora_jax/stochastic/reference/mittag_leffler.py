"""The Mittag-Leffler function on the negative half-line, by its power series."""

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jaxtyping import Array, Float

from ..domain import refuse_if

_TERMS = 160
_LARGEST = 10.0  # of |z|^(1/order): the largest term is about its exponential, so 4 of 16 digits may cancel


def mittag_leffler(
    argument: Float[Array, " points"], *, order: Float[Array, ""], second: Float[Array, ""]
) -> Float[Array, " points"]:
    r"""Return the two-parameter Mittag-Leffler function at arguments between $-10^\alpha$ and 0, to 1e-10.

    $$E_{\alpha,\beta}(z) = \sum_{k \ge 0} \frac{z^k}{\Gamma(\alpha k + \beta)}$$

    Args:
        argument: z.
        order: alpha in (1/2, 1].
        second: beta > 0.

    Raises:
        ValueError: if an argument is out of range (RuntimeError if it is traced).

    References:
        Haubold, Mathai and Saxena (2011), Mittag-Leffler functions and their applications, J. Applied Mathematics,
        eq. 1.2.
    """
    rule = f"the argument of the Mittag-Leffler function must lie in [-{_LARGEST} ** order, 0]"
    argument = refuse_if(argument, ~((argument <= 0.0) & (argument >= -(_LARGEST**order))), rule)
    index = np.arange(_TERMS)
    powers = jnp.asarray(index, order.dtype)
    sign = jnp.asarray((-1.0) ** index, order.dtype)
    # At 0, where the logarithm is not finite, only the first term is left.
    zero = argument == 0.0
    logarithm = jnp.log(jnp.where(zero, 1.0, -argument))
    terms = sign[None, :] * jnp.exp(logarithm[:, None] * powers[None, :] - gammaln(order * powers + second)[None, :])
    return jnp.where(zero, terms[:, 0], jnp.sum(terms, axis=1))
