"""Precision switches and the few special functions that several floors need."""

import contextlib
from collections.abc import Iterator
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax.scipy.special import betainc, gammaln
from jaxtyping import Array, Float

from .shapes import Number

Tree = TypeVar("Tree")


def enable_x64() -> None:
    """Switch double precision on, as certification and risk require; call once, at the start of a program."""
    jax.config.update("jax_enable_x64", True)


def require_x64(name: str) -> None:
    """Refuse to run in single precision.

    Raises:
        RuntimeError: if double precision is off; names the function and the remedy.
    """
    if not jax.config.jax_enable_x64:  # pyright: ignore[reportAttributeAccessIssue]
        raise RuntimeError(f"{name} needs double precision: call aurora_jax.enable_x64() first.")


def strongly_typed(tree: Tree) -> Tree:
    """Return `tree` with no leaf weakly typed, so that it compiles like its successors; values stay the same."""
    return jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, jnp.asarray(leaf).dtype), tree)


@contextlib.contextmanager
def lenient() -> Iterator[None]:
    """Relax strict dtype and rank promotion around third-party calls that need it."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def student_t_upper_probability(x: Float[Array, "*batch"], degrees_of_freedom: Float[Array, "*batch"]):
    r"""Return $P(T_\nu > x)$ for $x \ge 0$, $\tfrac12 I_{\nu / (\nu + x^2)}(\nu / 2, 1 / 2)$.

    Args:
        x: not negative.
        degrees_of_freedom: nu > 0, of the same shape.
    """
    nu = degrees_of_freedom
    return 0.5 * betainc(nu / 2, jnp.full_like(nu, 0.5), nu / (nu + x * x))


def student_t_quantile(probability: Number | Float[Array, "..."], degrees_of_freedom: Number | Float[Array, "..."]):
    r"""Return the quantile of the standard Student-t law.

    Solves $F_\nu(x) = p$ by bisection on a bracket in $\log(1 + |x|)$ and two Newton steps (1e-10 in float64);
    the derivative with respect to either argument is not defined here.

    Args:
        probability: in (0, 1).
        degrees_of_freedom: > 0; arrays broadcast.

    Returns:
        The quantile, in the common shape.
    """
    dtype = jnp.result_type(float)
    p, nu = jnp.broadcast_arrays(jnp.asarray(probability, dtype), jnp.asarray(degrees_of_freedom, dtype))
    upper = jnp.minimum(p, 1.0 - p)  # by symmetry: find x >= 0 with P(T > x) = upper

    def halve(_, bracket):
        low, high = bracket
        middle = 0.5 * (low + high)
        too_low = student_t_upper_probability(jnp.expm1(middle), nu) > upper
        return jnp.where(too_low, middle, low), jnp.where(too_low, high, middle)

    low, high = jax.lax.fori_loop(0, 40, halve, (jnp.zeros_like(p), jnp.full_like(p, 60.0)))
    x = jnp.expm1(0.5 * (low + high))
    log_norm = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * jnp.log(nu * jnp.pi)
    for _ in range(2):
        density = jnp.exp(log_norm - (nu + 1) / 2 * jnp.log1p(x * x / nu))
        x = x + (student_t_upper_probability(x, nu) - upper) / density
    return jnp.where(p < 0.5, -x, x)


def student_t_expected_shortfall(
    tail_probability: Number | Float[Array, "..."], degrees_of_freedom: Number | Float[Array, "..."]
):
    r"""Return the expected shortfall of the standard Student-t law, as a positive loss.

    $$ES_p = \frac{\nu + q^2}{\nu - 1} \frac{f_\nu(q)}{p}, \qquad q = F_\nu^{-1}(p)$$

    Args:
        tail_probability: p in (0, 1), e.g. 0.05.
        degrees_of_freedom: > 1.

    References:
        McNeil, Frey and Embrechts (2015), Quantitative Risk Management, eq. 2.25.
    """
    dtype = jnp.result_type(float)
    p, nu = jnp.broadcast_arrays(jnp.asarray(tail_probability, dtype), jnp.asarray(degrees_of_freedom, dtype))
    q = student_t_quantile(p, nu)
    log_norm = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * jnp.log(nu * jnp.pi)
    density: Array = jnp.exp(log_norm - (nu + 1) / 2 * jnp.log1p(q * q / nu))
    return (nu + q * q) / (nu - 1.0) * density / p
