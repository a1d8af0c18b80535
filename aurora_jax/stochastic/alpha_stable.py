"""The alpha-stable Lévy process."""

import math

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Complex, Float, Inexact

from aurora_jax.core import Number, PRNGKey, stream

from .complex_plane import as_complex, refuse_complex
from .domain import at_least, refuse_if, within
from .levy_process import AbstractLevyProcess
from .stable_density import log_stable_density


class AlphaStable(AbstractLevyProcess):
    r"""The process whose increments are copies of each other up to scale: power tails of exponent alpha.

    $$\psi(u) = -\sigma^\alpha |u|^\alpha (1 - i\beta\,\mathrm{sgn}(u)\tan\tfrac{\pi\alpha}2), \qquad
      \psi(u) = -\sigma |u| (1 + i\beta\tfrac2\pi\,\mathrm{sgn}(u)\log|u|) \text{ if } \alpha = 1$$

    This is parametrisation S1 of Samorodnitsky and Taqqu, the default of `scipy.stats.levy_stable`. No location is
    added. In it the law jumps at alpha = 1 unless beta = 0: near 1, but not at it, the bulk sits far out, near
    $\beta\sigma\tan(\pi\alpha/2)$, and digits are lost as $10^{-16} / |\alpha - 1|$.

    References:
        Samorodnitsky and Taqqu (1994), Stable Non-Gaussian Random Processes, definition 1.1.6.
    """

    alpha: Float[Array, ""]
    beta: Float[Array, ""]
    scale: Float[Array, ""]

    def __init__(self, alpha: Number, beta: Number, scale: Number):
        """Set the process.

        Args:
            alpha: stability, in (0, 2]; 2 is Brownian motion of variance 2 scale^2, whatever beta is.
            beta: skewness, in [-1, 1].
            scale: sigma > 0 of an increment over one unit of time.

        Raises:
            ValueError: if they are out of range.
        """
        self.alpha = within("alpha", alpha, 0.0)
        self.alpha = refuse_if(self.alpha, self.alpha > 2.0, "alpha must be at most 2; alpha")
        self.beta = within("beta", beta, -1.0, low_included=True)
        self.beta = refuse_if(self.beta, self.beta > 1.0, "beta must be at most 1; beta")
        self.scale = within("scale", scale, 0.0)

    def increments(self, key: PRNGKey, *, steps: int, step_size: Number) -> Float[Array, " steps"]:
        """Draw by Chambers, Mallows and Stuck's method: no rejection, and smooth in every parameter.

        At alpha = 1 the derivative in alpha exists for beta = 0 alone, and is taken as 0 otherwise.

        References:
            Weron (1996), Statistics and Probability Letters 28(2), 165-171, equations 3.8 and 3.9.
        """
        at_least("steps", steps, 1)
        tiny = jnp.finfo(self.alpha.dtype).tiny  # a uniform of 0 would be an infinite draw, or NaN
        fraction = jr.uniform(stream(key, "angle"), (steps,), minval=tiny)
        exponential = -jnp.log(jr.uniform(stream(key, "size"), (steps,), minval=tiny))
        scale = self._step_scale(step_size)
        return scale * _standard_draw(fraction, exponential, self.alpha, self.beta) + self._shift(scale)

    def cumulant(self, order: int) -> Float[Array, ""]:
        """Return 0 for the mean if alpha > 1; for higher orders only alpha = 2 has any."""
        at_least("order", order, 1)
        if order == 1:
            return 0.0 * refuse_if(self.alpha, self.alpha <= 1.0, "the cumulant of order 1 needs alpha > 1")
        alpha = refuse_if(self.alpha, self.alpha < 2.0, f"the cumulant of order {order} needs alpha = 2")
        return alpha * self.scale**2 if order == 2 else 0.0 * alpha

    def characteristic_exponent(self, u: Inexact[Array, "*shape"]) -> Complex[Array, "*shape"]:
        """Return the exponent at real u; off the real axis it is not analytic.

        Raises:
            ValueError: if `u` is complex.
        """
        refuse_complex("u", u)
        at_one = self.alpha == 1.0
        size = jnp.where(u == 0.0, 1.0, jnp.abs(u))  # the logarithm of 0 weighs nothing
        slope = jnp.where(at_one, -2.0 / math.pi * jnp.log(size), _skew_tangent(self.alpha))
        real = -((self.scale * jnp.abs(u)) ** self.alpha)
        (real, imaginary) = as_complex(real, -real * self.beta * jnp.sign(u) * slope)
        return real + 1j * imaginary

    def log_density(self, x: Float[Array, "*shape"], *, step_size: Number) -> Float[Array, "*shape"]:
        """Return it by Zolotarev's integral; see `log_stable_density` for its error."""
        x = within("x", x, -math.inf)
        scale = self._step_scale(step_size)
        standard = (x - self._shift(scale)) / scale
        return log_stable_density(standard, alpha=self.alpha, beta=self.beta) - jnp.log(scale)

    def _step_scale(self, step_size: Number) -> Float[Array, ""]:
        return self.scale * within("step_size", step_size, 0.0) ** (1.0 / self.alpha)

    def _shift(self, scale: Float[Array, ""]) -> Float[Array, ""]:
        """Return what a standard variable times `scale` still lacks: at alpha = 1, scaling moves the centre."""
        return jnp.where(self.alpha == 1.0, 2.0 / math.pi * self.beta * scale * jnp.log(scale), 0.0)


def _skew_tangent(alpha):
    """Return tan(pi alpha / 2): 0 at 2 exactly, and a harmless 0 at 1, where it has no meaning."""
    safe = jnp.where(alpha == 1.0, 2.0, alpha)
    return -jnp.tan(0.5 * math.pi * (2.0 - safe))


def _standard_draw(fraction, exponential, alpha, beta):
    """Map a uniform and an exponential variable to a stable one of unit scale."""
    angle = math.pi * (fraction - 0.5)
    cosine = jnp.sin(math.pi * fraction)  # of the angle: positive also where rounding puts the angle at pi / 2
    lean = 0.5 * math.pi + beta * angle
    at_one = 2.0 / math.pi * (lean * jnp.tan(angle) - beta * jnp.log(0.5 * math.pi * exponential * cosine / lean))
    # Zero, but with the derivative in alpha of the symmetric law, which is smooth there.
    excess = jnp.where(beta == 0.0, alpha - 1.0, 0.0)
    at_one = at_one + excess * (angle + jnp.tan(angle) * (jnp.log(cosine) + jnp.log(exponential)))
    safe = jnp.where(alpha == 1.0, 2.0, alpha)
    tilt = jnp.arctan(beta * _skew_tangent(alpha))
    turned = safe * angle + tilt
    log_size = (
        0.5 / safe * jnp.log1p((beta * _skew_tangent(alpha)) ** 2)
        - jnp.log(cosine) / safe
        + (1.0 - safe) / safe * jnp.log(jnp.abs(jnp.cos(angle - turned)) / exponential)
    )
    return jnp.where(alpha == 1.0, at_one, jnp.sin(turned) * jnp.exp(log_size))
