"""Densities from cumulant functions, by a contour integral whose contour is bent towards decay."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Float

from .bisection import bisect
from .complex_plane import as_complex

NODES = 256
# Integrands left out are smaller than the largest by a factor exp(-LEFT_OUT).
LEFT_OUT = 40.0

CumulantFunction = Callable[[Any, Complex[Array, "..."]], Complex[Array, "..."]]


def log_density_by_contour(
    cumulant_function: CumulantFunction,
    parameters: Any,
    x: Float[Array, "*shape"],
    *,
    lower: Float[Array, ""],
    upper: Float[Array, ""],
    half_angle: Float[Array, ""],
    log_atom: Float[Array, ""] | None = None,
) -> Float[Array, "*shape"]:
    r"""Return the log-density of a law whose cumulant function K(z) = log E exp(zX) is analytic off two real rays.

    $$f(x) = \frac1{2\pi i} \int e^{K(z) - zx} \,dz, \qquad
      z(t) = a + b (\sin\omega \cosh t + i \cos\omega \sinh t)$$

    for x > 0, and its mirror image for x < 0. The hyperbola crosses the real axis near the saddle point K'(s) = x and
    bends towards the half-plane in which exp(-zx) decays, by omega = `half_angle`. By the trapezoidal rule in t the
    error falls geometrically in the number of nodes. As the factor exp(K(s) - sx) is taken out, it is relative to the
    density, in the tails as in the bulk. Where nothing but the branch point at the end of the strip matters (short
    steps, far tails), exp(K) - exp(K(s)) is integrated instead: the constant has no integral, and small differences
    keep their digits.

    Args:
        cumulant_function: of `parameters` and z; vectorised in z.
        parameters: a tree of arrays; derivatives pass through it and `x`.
        x: where; at 0 the limit from above is taken.
        lower: left end of the strip of finite exponential moments, < 0.
        upper: right end, > 0.
        log_atom: the limit of K far off the real axis, if the law has an atom at 0, which is then left out;
            `cumulant_function` is K less this limit, so that it keeps its digits where it is small.
        half_angle: omega; exp(K) must decay, or at least stay bounded, up to 2 omega off the imaginary direction.

    References:
        Boyarchenko and Levendorskii (2019), International Journal of Theoretical and Applied Finance 22(3), section 2.
    """

    def at(point):
        return _log_density(cumulant_function, parameters, point, (lower, upper), half_angle, log_atom)

    return jnp.vectorize(at)(x)


def _log_density(cumulant_function, parameters, x, strip, half_angle, log_atom):
    lower, upper = strip
    down = x < 0.0
    (sign,) = as_complex(jnp.where(down, -1.0, 1.0).astype(x.dtype))
    strip = (jnp.where(down, -upper, lower), jnp.where(down, -lower, upper))
    size = jnp.maximum(jnp.abs(x), jnp.finfo(x.dtype).eps ** 2 / (upper - lower))

    def mirrored(parameters, z):
        return cumulant_function(parameters, sign * z)

    fixed = lax.stop_gradient((parameters, size, strip, half_angle))
    crossing, width, stop, is_tail = _locate(mirrored, *fixed)
    angle = fixed[3]
    t = stop / NODES * jnp.arange(NODES, dtype=x.dtype)
    z, slope = _hyperbola(t, crossing, width, angle)
    at_crossing = mirrored(parameters, as_complex(crossing)[0])
    above = mirrored(parameters, z)
    rise = above - at_crossing
    decay = as_complex(size)[0] * (z - as_complex(crossing)[0])
    if log_atom is None:
        kernel = _without_constant(rise, decay, is_tail)
    else:
        kernel = _without_atom(above, rise, decay)
    weight = jnp.where(t == 0.0, 0.5, 1.0)
    total = stop / (NODES * math.pi) * jnp.sum(weight * (kernel * slope).imag)
    # Below the rounding of the sum there is no density to speak of, nor a logarithm.
    level = at_crossing.real - size * crossing + (0.0 if log_atom is None else log_atom)
    return level + jnp.log(jnp.maximum(total, jnp.finfo(x.dtype).tiny))


def _without_constant(rise, decay, is_tail):
    """Return exp(rise - decay), in the tail less exp(-decay): each form where it neither overflows nor cancels."""
    in_tail = jnp.expm1(jnp.where(is_tail, rise, 0.0)) * jnp.exp(-decay)
    return jnp.where(is_tail, in_tail, jnp.exp(jnp.where(is_tail, 0.0, rise - decay)))


def _without_atom(above, rise, decay):
    """Return exp(rise - decay) less its value at `above` = 0, the atom's; an atom below exp(-500) is none."""
    slight = (above - rise).real > 500.0
    differing = jnp.exp(rise - above - decay) * jnp.expm1(jnp.where(slight, 0.0, above))
    return jnp.where(slight, jnp.exp(jnp.where(slight, rise - decay, 0.0)), differing)


def _hyperbola(t, crossing, width, angle):
    """Return z(t) and its derivative."""
    centre, width, sine, cosine, t = as_complex(
        crossing - width * jnp.sin(angle), width, jnp.sin(angle), jnp.cos(angle), t
    )
    z = centre + width * (sine * jnp.cosh(t) + 1j * cosine * jnp.sinh(t))
    return z, width * (sine * jnp.sinh(t) + 1j * cosine * jnp.cosh(t))


def _locate(cumulant_function, parameters, size, strip, angle):
    """Return where the hyperbola crosses the real axis, its width, its last t, and whether x lies in the tail."""
    lower, upper = strip

    def real(s):
        return cumulant_function(parameters, as_complex(s)[0]).real

    def slope(s):
        return jax.jvp(real, (s,), (jnp.ones_like(s),))[1]

    saddle = bisect(lambda s: slope(s) < size, lower, upper)
    # No closer to the end of the strip than the decay of exp(-zx) resolves.
    crossing = jnp.minimum(saddle, upper - jnp.minimum(1.0 / size, 0.5 * (upper - lower)))
    curvature = jax.jvp(slope, (crossing,), (jnp.ones_like(crossing),))[1]
    # The rule's error is set by the widest and narrowest hyperbolas (angles 2 omega and 0) that miss both rays.
    room_right = (upper - crossing) / (jnp.sin(2.0 * angle) - jnp.sin(angle))
    room_left = (crossing - lower) / jnp.sin(angle)
    width = jnp.minimum(0.9 * jnp.minimum(room_left, room_right), 2.5 / jnp.sqrt(curvature))

    centre = as_complex(real(crossing))[0]
    is_tail = jnp.abs(cumulant_function(parameters, lax.complex(crossing, 1.0 / size)) - centre) < 0.5

    def matters(t):
        z, speed = _hyperbola(t, crossing, width, angle)
        rise = jnp.where(is_tail, 0.0, (cumulant_function(parameters, z) - centre).real)
        return rise - size * (z.real - crossing) + jnp.log(jnp.abs(speed) / width) > -LEFT_OUT

    last = 0.5 * math.log(jnp.finfo(size.dtype).max)
    return crossing, width, bisect(matters, jnp.zeros_like(size), jnp.full_like(size, last)), is_tail
