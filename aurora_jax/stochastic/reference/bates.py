"""Bates's model: Heston's with lognormal jumps."""

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from aurora_jax.core import Number, PRNGKey, stream

from ..domain import within
from .heston import Heston
from .stochastic_volatility import AbstractStochasticVolatility, Drive


class Bates(AbstractStochasticVolatility):
    r"""Heston's price with jumps to $S e^U$ at rate $\lambda$, U normal, $E e^U - 1 = m$, compensated.

    References:
        Bates (1996), Review of Financial Studies 9(1), 69-107; Broadie and Kaya (2006), Exact simulation of stochastic
        volatility and other affine jump diffusion processes, Operations Research 54(2), section 5.
    """

    heston: Heston
    intensity: Float[Array, ""]
    mean_jump: Float[Array, ""]
    jump_deviation: Float[Array, ""]

    def __init__(self, heston: Heston, *, intensity: Number, mean_jump: Number, jump_deviation: Number):
        """Add jumps to a model.

        Args:
            heston: the model without jumps.
            intensity: jumps per unit time, >= 0.
            mean_jump: m > -1, the mean relative move of the price in a jump.
            jump_deviation: standard deviation of U, > 0.

        Raises:
            ValueError: if they are out of range.
        """
        self.heston = heston
        self.intensity = within("intensity", intensity, 0.0, low_included=True)
        self.mean_jump = within("mean_jump", mean_jump, -1.0)
        self.jump_deviation = within("jump_deviation", jump_deviation, 0.0)

    @property
    def spot(self) -> Float[Array, ""]:
        return self.heston.spot

    @property
    def rate(self) -> Float[Array, ""]:
        return self.heston.rate

    def drive(self, key: PRNGKey, *, horizon: Number, steps: int) -> Drive:
        smooth = self.heston.drive(stream(key, "heston"), horizon=horizon, steps=steps)
        expected = self.intensity * within("horizon", horizon, 0.0) / steps
        count = jr.poisson(stream(key, "jumps"), expected, (steps,)).astype(smooth.mean.dtype)
        location = jnp.log1p(self.mean_jump) - 0.5 * self.jump_deviation**2
        # Given their number the jumps of a step add up to a normal variable.
        return Drive(
            variance=smooth.variance,
            mean=smooth.mean + count * location - expected * self.mean_jump,
            spread=smooth.spread + count * self.jump_deviation**2,
        )
