"""The tempered stable (CGMY) Lévy process."""

import math

import jax.numpy as jnp
import jax.random as jr
from jax import lax
from jax.core import Tracer
from jaxtyping import Array, Complex, Float, Inexact

from aurora_jax.core import Number, PRNGKey, stream

from .complex_plane import as_complex, expm1_over
from .contour import log_density_by_contour
from .domain import at_least, refuse_if, within
from .inverse_distribution import draw_by_inversion
from .levy_process import AbstractLevyProcess
from .tilted_stable import log_tilted_stable

# Between 0 and this a stable variable's logarithm needs more digits than there are.
LEAST_ACTIVITY = 1e-3
# From here on the exponent is computed in the form that is regular at y = 1.
SWITCH = 0.9
# Of the interpolated distribution function.
CELLS = 256


class TemperedStable(AbstractLevyProcess):
    r"""Jumps of both signs, stable when small and exponentially rare when large; CGMY of Carr et al.

    $$\psi(u) = c\,\Gamma(-y)\bigl((m - iu)^y - m^y + (g + iu)^y - g^y\bigr)$$

    and its limits at y = 0, where it is a variance gamma process, and at y = 1. The density of jumps of size x is
    $c e^{-mx} / x^{1+y}$ for x > 0 and $c e^{-g|x|} / |x|^{1+y}$ for x < 0. For y < 1 an increment is the sum of its
    jumps. For y >= 1 the jumps have no sum; they are compensated, and the mean is the one that the formula has.

    References:
        Carr, Geman, Madan and Yor (2002), Journal of Business 75(2), 305-332, theorem 1.
    """

    c: Float[Array, ""]
    g: Float[Array, ""]
    m: Float[Array, ""]
    y: Float[Array, ""]

    def __init__(self, c: Number, g: Number, m: Number, y: Number):
        """Set the process.

        Args:
            c: level of activity per unit time, > 0.
            g: exponential rate at which jumps down become rare, > 0.
            m: exponential rate at which jumps up become rare, > 0.
            y: activity of small jumps: 0, or in [0.001, 2). Jumps are summable below 1.

        Raises:
            ValueError: if they are out of range.
        """
        self.c = within("c", c, 0.0)
        self.g = within("g", g, 0.0)
        self.m = within("m", m, 0.0)
        y = within("y", y, 0.0, 2.0, low_included=True)
        self.y = refuse_if(y, (y > 0.0) & (y < LEAST_ACTIVITY), f"y must be 0 or at least {LEAST_ACTIVITY}; y")

    def increments(self, key: PRNGKey, *, steps: int, step_size: Number) -> Float[Array, " steps"]:
        """Draw increments: exactly for y < 1, by inverting the distribution function for y >= 1.

        For 0 < y < 1 the stable sums of jumps up and down are tilted by rejection, and a draw has no derivative in
        the parameters (taken as 0). For y = 0 they are gamma variables, smooth in c, g and m; for y >= 1 a draw is
        smooth in all four. The quantile function for y >= 1 is interpolated: relative to the smaller tail, the
        probability of a draw is wrong by less than 1e-6 down to tails of 1e-6, and by less than 1e-8 between the
        percentiles 1 and 99; a call costs 1025 densities, so draw many steps at once.
        """
        at_least("steps", steps, 1)
        step_size = within("step_size", step_size, 0.0)
        draws = (self._gamma_draw, self._summable_draw, self._inverse_draw)
        if not isinstance(self.y, Tracer):  # spares the compilation of what is not used
            y = float(self.y)  # comparing the array would be traced, inside a jit that closes over the process
            return draws[0 if y == 0.0 else 1 if y < 1.0 else 2](key, steps, step_size)
        regime = jnp.where(self.y == 0.0, 0, jnp.where(self.y < 1.0, 1, 2))
        return lax.switch(regime, [lambda key, h, draw=draw: draw(key, steps, h) for draw in draws], key, step_size)

    def cumulant(self, order: int) -> Float[Array, ""]:
        at_least("order", order, 1)
        if order == 1:
            return -self.c * jnp.exp(lax.lgamma(2.0 - self.y)) * self._power_gap()
        sides = self.m ** (self.y - order) + (-1.0) ** order * self.g ** (self.y - order)
        return self.c * jnp.exp(lax.lgamma(order - self.y)) * sides

    def characteristic_exponent(self, u: Inexact[Array, "*shape"]) -> Complex[Array, "*shape"]:
        # Regular at y = 0 is -c Gamma(1 - y) sum of m^y ((1 + q)^y - 1) / y, with q = -iu/m and its like for g. Regular
        # at y = 1 is the same without its parts linear in u, which cancel there; where u is huge and y far below 1
        # they would drown the rest.
        low = self.y < SWITCH
        y_low, y_high = jnp.minimum(self.y, SWITCH), jnp.maximum(self.y, SWITCH)
        level = jnp.where(low, -jnp.exp(lax.lgamma(1.0 - y_low)), jnp.exp(lax.lgamma(2.0 - y_high)) / y_high)
        rates = jnp.stack([self.m, self.g])
        u, level, gap, exponent, powers, rates = as_complex(
            u, self.c * level, self._power_gap(), jnp.where(low, self.y, self.y - 1.0), rates**self.y, rates
        )
        q = jnp.stack([-1j * u / rates[0], 1j * u / rates[1]])
        log_ratio = jnp.log1p(q)
        terms = log_ratio * expm1_over(exponent * log_ratio) * jnp.where(low, jnp.ones_like(q), 1.0 + q)
        return level * (jnp.tensordot(powers, terms, 1) - jnp.where(low, 0.0, 1j * u * gap))

    def log_density(self, x: Float[Array, "*shape"], *, step_size: Number) -> Float[Array, "*shape"]:
        """Return it by `log_density_by_contour`, to a relative error of 1e-9 in the density, in double precision.

        At x = 0 it is infinite where y = 0 and 2 c h <= 1.
        """
        x = within("x", x, -math.inf)
        step_size = within("step_size", step_size, 0.0)
        log_density = _log_density((self, step_size), x)
        infinite = (x == 0.0) & (self.y == 0.0) & (2.0 * self.c * step_size <= 1.0)
        return jnp.where(infinite, jnp.inf, log_density)

    def _half_angle(self):
        """Return by how much a contour may bend: K decays where y times the angle off the axis is below pi / 2."""
        return 0.45 * 0.5 * math.pi / jnp.maximum(self.y, 1.0)

    def _power_gap(self):
        """Return (m^(y-1) - g^(y-1)) / (y - 1), which is log(m / g) at y = 1."""
        log_ratio = jnp.log(self.m / self.g)
        return self.g ** (self.y - 1.0) * log_ratio * expm1_over((self.y - 1.0) * log_ratio)

    def _gamma_draw(self, key, steps, step_size):
        up = jnp.exp(jr.loggamma(stream(key, "up"), self.c * step_size, (steps,))) / self.m
        return up - jnp.exp(jr.loggamma(stream(key, "down"), self.c * step_size, (steps,))) / self.g

    def _summable_draw(self, key, steps, step_size):
        """Draw the sums of the jumps up and of those down, each a stable variable tilted by its rate."""
        y = lax.stop_gradient(jnp.where((self.y > 0.0) & (self.y < 1.0), self.y, 0.5))
        # E exp(-s S) = exp(-level ((rate + s)^y - rate^y)), with level = -c h Gamma(-y).
        log_level = lax.stop_gradient(jnp.log(self.c * step_size) + lax.lgamma(1.0 - y) - jnp.log(y))

        def total(name, rate):
            tilt = jnp.exp(log_level + y * jnp.log(lax.stop_gradient(rate)))
            return jnp.exp(log_tilted_stable(stream(key, name), alpha=y, tilt=tilt, count=steps) + log_level / y)

        return total("up", self.m) - total("down", self.g)

    def _inverse_draw(self, key, steps, step_size):
        uniforms = jr.uniform(stream(key, "quantile"), (steps,), minval=jnp.finfo(self.y.dtype).tiny)
        return draw_by_inversion(uniforms, _log_density, (self, step_size), self._edges(step_size))

    def _edges(self, step_size):
        """Return cells that resolve the stable bulk of a short step and reach out to where jumps are e^-36 rare."""
        mean, deviation = step_size * self.cumulant(1), jnp.sqrt(step_size * self.cumulant(2))
        bulk = jnp.minimum(deviation, (self.c * step_size) ** (1.0 / self.y))
        down = jnp.arcsinh((10.0 * deviation + 36.0 / self.g) / bulk)
        up = jnp.arcsinh((10.0 * deviation + 36.0 / self.m) / bulk)
        return mean + bulk * jnp.sinh(jnp.linspace(-down, up, CELLS + 1))


def _cumulant_function(parameters, z):
    """Return the cumulant function of an increment at complex z."""
    process, step_size = parameters
    return as_complex(step_size)[0] * process.characteristic_exponent(-1j * z)


def _log_density(parameters, x):
    process, _ = parameters
    return log_density_by_contour(
        _cumulant_function, parameters, x, lower=-process.g, upper=process.m, half_angle=process._half_angle()
    )
