"""The density of stable laws, by Zolotarev's integral of a positive function."""

import math

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float

from .bisection import bisect

NODES = 400
# Integrands left out are smaller than the largest by a factor exp(-LEFT_OUT).
LEFT_OUT = 40.0


def log_stable_density(
    x: Float[Array, "*shape"], *, alpha: Float[Array, ""], beta: Float[Array, ""]
) -> Float[Array, "*shape"]:
    r"""Return the log-density of a stable law of unit scale in parametrisation S1, minus infinity off its support.

    For x > 0 and $\alpha \ne 1$, with $g(\theta) = x^{\alpha/(\alpha-1)} V(\theta)$,

    $$f(x) = \frac{\alpha}{\pi |\alpha - 1| x} \int_{-\theta_0}^{\pi/2} g e^{-g} \,d\theta$$

    and f(x; beta) = f(-x; -beta). The integrand has one peak. Its place and width are found by bisection in
    $t = \log((\theta + \theta_0) / (\pi/2 - \theta))$, and it is summed by the trapezoidal rule in t, in logarithms. So
    the *relative* error is below 1e-10 in bulk and tails alike for $0.1 \le \alpha \le 2$, except that digits are lost
    as $10^{-16} / |\alpha - 1|$ near, not at, alpha = 1, and as $10^{-16} / |\beta|$ for small beta at it.

    References:
        Nolan (1997), Communications in Statistics: Stochastic Models 13(4), 759-774, theorem 1.
    """
    return jnp.vectorize(lambda point: _log_density(point, alpha, beta))(x)


def _log_density(x, alpha, beta):
    return lax.cond(alpha == 1.0, _log_density_at_one, _log_density_off_one, x, alpha, beta)


def _log_density_off_one(x, alpha, beta):
    # The other branch's alpha would make infinities here, and NaN of their derivatives.
    alpha = jnp.where(alpha == 1.0, 2.0, alpha)
    beta = jnp.where(x < 0.0, -beta, beta)
    tangent = beta * -jnp.tan(0.5 * math.pi * (2.0 - alpha))
    edge = jnp.arctan(tangent) / alpha  # theta_0
    log_cosine = -0.5 * jnp.log1p(tangent**2)  # of alpha theta_0
    # Closer to 0 than this, density and limit agree in every digit.
    size = jnp.maximum(jnp.abs(x), jnp.finfo(x.dtype).tiny ** 0.25)
    length = 0.5 * math.pi + edge
    # At the ends V has zeros and poles: sines of angles that are known without cancellation from the near end.
    below = _snap(0.5 * math.pi - edge)
    above = _snap(math.pi - alpha * length)

    log_integral = _log_integral(_log_g_off_one, (size, alpha, log_cosine, below, above), length)
    log_density = jnp.log(alpha / (math.pi * jnp.abs(alpha - 1.0))) - jnp.log(size) + log_integral
    off_support = length <= 8.0 * jnp.finfo(x.dtype).eps
    at_zero = _log_density_at_zero(alpha, tangent)
    return jnp.where(x == 0.0, at_zero, jnp.where(off_support, -jnp.inf, log_density))


def _log_g_off_one(log_left, log_right, size, alpha, log_cosine, below, above):
    left, right = jnp.exp(log_left), jnp.exp(log_right)
    near_left = left < right
    cosine = jnp.where(near_left, jnp.sin(below + left), jnp.sin(right))
    sine = jnp.where(near_left, jnp.sin(alpha * left), jnp.sin(above + alpha * right))
    other = jnp.where(alpha < 1.0, below + (1.0 - alpha) * left, above + (alpha - 1.0) * right)
    log_ratio = jnp.log(size) + log_cosine / alpha + jnp.log(cosine) - jnp.log(sine)
    return alpha / (alpha - 1.0) * log_ratio + jnp.log(jnp.sin(other)) - jnp.log(cosine)


def _log_density_at_zero(alpha, tangent):
    """Return log f(0) = Gamma(1 + 1/alpha) cos(theta_0) cos(alpha theta_0)^(1/alpha) / pi."""
    log_gamma = lax.lgamma(1.0 + 1.0 / alpha)
    edge = jnp.abs(jnp.arctan(tangent)) / alpha
    log_cosine = jnp.log(jnp.sin(_snap(0.5 * math.pi - edge)))
    return log_gamma - math.log(math.pi) + log_cosine - 0.5 / alpha * jnp.log1p(tangent**2)


def _log_density_at_one(x, alpha, beta):
    x, beta = jnp.where(beta < 0.0, -x, x), jnp.abs(beta)
    symmetric = beta == 0.0
    beta = jnp.where(symmetric, 1.0, beta)

    skewed = _log_integral(_log_g_at_one, (x, beta), jnp.full_like(x, math.pi)) - jnp.log(2.0 * beta)
    return jnp.where(symmetric, -jnp.log(math.pi * (1.0 + x**2)), skewed)


def _log_g_at_one(log_left, log_right, x, beta):
    left, right = jnp.exp(log_left), jnp.exp(log_right)
    lean = 0.5 * math.pi * (1.0 - beta) + beta * left  # pi / 2 + beta theta
    cosine = jnp.sin(jnp.minimum(left, right))
    tangent = jnp.where(left < right, -jnp.cos(left), jnp.cos(right)) / cosine
    return jnp.log(2.0 / math.pi * lean) - jnp.log(cosine) + (lean * tangent - 0.5 * math.pi * x) / beta


def _snap(angle):
    """Return an angle that cannot be negative but by rounding, exactly 0 if it may be meant to be."""
    return jnp.where(angle < 8.0 * jnp.finfo(angle.dtype).eps, 0.0, angle)


def _log_integral(log_g, parameters, length):
    """Return the logarithm of the integral of g exp(-g) over an interval of that length.

    Args:
        log_g: a function of the log-distances to the left and to the right end, and of `parameters`.
        parameters: what log g depends on.
        length: of the interval, >= 0.
    """
    # Where the nodes lie does not change the integral, so derivatives need not know.
    start, stop = _locate(log_g, lax.stop_gradient(parameters), lax.stop_gradient(length))
    spacing = (stop - start) / (NODES - 1)
    t = start + spacing * jnp.arange(NODES, dtype=length.dtype)
    return logsumexp(_log_integrand(t, log_g, parameters, length)) + jnp.log(spacing * length)


def _log_distances(t, length):
    """Return the log-distances to both ends at t, the logarithm of their ratio."""
    return jnp.log(length) - jnp.logaddexp(0.0, -t), jnp.log(length) - jnp.logaddexp(0.0, t)


def _log_integrand(t, log_g, parameters, length):
    log_left, log_right = _log_distances(t, length)
    value = log_g(log_left, log_right, *parameters)
    return value - jnp.exp(value) + (log_left + log_right - 2.0 * jnp.log(length))


def _locate(log_g, parameters, length):
    """Return the ends, in t, of the interval outside which the integrand can be left out."""
    big = math.log(jnp.finfo(length.dtype).max)
    end = jnp.full_like(length, 0.8 * big)

    def rises(t):
        value, slope = jax.jvp(lambda t: log_g(*_log_distances(t, length), *parameters), (t,), (jnp.ones_like(t),))
        return slope * -jnp.expm1(jnp.minimum(value, 0.9 * big)) - jnp.tanh(0.5 * t) > 0.0

    def matters(t):
        return _log_integrand(t, log_g, parameters, length) >= floor

    peak = bisect(rises, -end, end)
    floor = _log_integrand(peak, log_g, parameters, length) - LEFT_OUT
    start = bisect(lambda t: ~matters(t), -end, peak)
    return start, bisect(matters, peak, end)
