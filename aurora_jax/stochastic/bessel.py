"""The modified Bessel function of the second kind, of any real order, in logarithms."""

import math

import jax.numpy as jnp
from jax import lax
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float, Inexact

from .complex_plane import as_complex

NODES = 256
# Summands left out are smaller than the largest by a factor exp(-LEFT_OUT).
LEFT_OUT = 40.0


def log_bessel_k(order: Float[Array, "..."], z: Inexact[Array, "..."]) -> Inexact[Array, "..."]:
    r"""Return $\log K_v(z)$, differentiable in both arguments, which broadcast.

    $$K_v(z) = \int_0^\infty e^{-z \cosh t} \cosh(vt) \,dt$$

    by the trapezoidal rule, which converges geometrically because the integrand is even and analytic. In double
    precision the relative error of K is below 1e-11 for $|v| \le 10^3$ and $10^{-12} \le z$ real, or complex with an
    argument of at most 0.8.

    Args:
        order: v, any real number; K is even in it.
        z: with a positive real part.

    References:
        DLMF 10.32.9; Trefethen and Weideman (2014), SIAM Review 56(3), section 5.
    """
    return jnp.vectorize(_log_bessel_k)(jnp.abs(order), z)


def _log_bessel_k(order, z):
    start, stop = _window(lax.stop_gradient(order), lax.stop_gradient(z.real))
    spacing = (stop - start) / (NODES - 1)
    index = jnp.arange(NODES, dtype=spacing.dtype)
    t = start + spacing * index
    log_cosh = jnp.logaddexp(order * t, -order * t) - math.log(2.0)
    # cosh t - 1 = 2 sinh^2(t / 2) does not cancel for large z, where t is small.
    rise = 2.0 * jnp.sinh(0.5 * t) ** 2
    # At t = 0 the even integrand continues, so its end weighs one half. Elsewhere an end weighs nothing.
    log_weight = jnp.where(index == 0, -math.log(2.0), 0.0)
    if jnp.iscomplexobj(z):
        rise, log_cosh, log_weight, spacing = as_complex(rise, log_cosh, log_weight, spacing)
    return _log_sum(log_cosh + log_weight - z * rise) + jnp.log(spacing) - z


def _log_sum(logarithms):
    """Return the logarithm of the sum of exponentials, complex on the principal branch."""
    if not jnp.iscomplexobj(logarithms):
        return logsumexp(logarithms)
    largest = jnp.max(lax.stop_gradient(logarithms.real))
    (largest,) = as_complex(largest)
    return jnp.log(jnp.sum(jnp.exp(logarithms - largest))) + largest


def _window(order, z):
    """Return the interval of t outside which the integrand has fallen by exp(-LEFT_OUT) from its peak.

    At s beyond the peak asinh(v / z) the exponent has fallen by sqrt(z^2 + v^2)(cosh s - 1) + v (sinh s - s); at s
    before it by at least v (exp(-s) - 1 + s).
    """
    peak = jnp.arcsinh(order / z)
    after = 2.0 * jnp.arcsinh(jnp.sqrt(0.5 * LEFT_OUT / jnp.hypot(order, z)))  # cosh s - 1 = 2 sinh^2(s / 2)
    safe = jnp.maximum(order, jnp.finfo(z.dtype).tiny ** 0.5)
    before = LEFT_OUT / safe + jnp.sqrt(2.0 * LEFT_OUT / safe)
    return jnp.maximum(peak - before, 0.0), peak + after
