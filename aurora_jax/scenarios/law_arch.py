"""ARCH(1): clusters of volatility whose tail and extremal index are known."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import scipy.optimize
import scipy.special
from jaxtyping import Array, Float

from ..core import PRNGKey, stream
from .law import AbstractLaw, check_common

# Extremal index of one tail of X by the coefficient: de Haan et al. (1989), table 3, computed anew to three digits.
_EXTREMAL_INDEX = {0.3: 0.937, 0.5: 0.832, 0.7: 0.717, 0.9: 0.611}
_WARM_UP_STEPS = 256  # the start is forgotten at the rate of the coefficient


class ConditionalHeteroskedastic(AbstractLaw):
    r"""Independent ARCH(1) processes with normal innovations and stationary standard deviation `scale`.

    $$X_t = s \sqrt{1 - a + a X_{t-1}^2 / s^2}\; Z_t$$

    The tail exponent $\alpha = 1/\xi$ of X solves $(2 a)^{\alpha/2}\, \Gamma(\alpha/2 + 1/2) = \sqrt{\pi}$.

    References:
        de Haan, Resnick, Rootzén and de Vries (1989), Stochastic Processes Appl. 32, 213-224.
    """

    coefficient: float = eqx.field(static=True)
    assets: int = eqx.field(static=True, default=2)
    scale: float = eqx.field(static=True, default=0.01)

    def __check_init__(self):
        check_common(self)
        if not 0.0 < self.coefficient < 1.0:
            raise ValueError(f"coefficient must lie in (0, 1), was {self.coefficient}.")

    def returns(self, key: PRNGKey, *, steps: int) -> Float[Array, "steps assets"]:
        normal = jr.normal(stream(key, "innovations"), (_WARM_UP_STEPS + steps, self.assets))

        def advance(before, innovation):
            now = jnp.sqrt(1.0 - self.coefficient + self.coefficient * before**2) * innovation
            return now, now

        _, path = jax.lax.scan(advance, jnp.zeros(self.assets), normal)
        return self.scale * path[_WARM_UP_STEPS:]

    def truth(self) -> dict[str, float]:
        known = {"hurst": 0.5, "tail_index": 1.0 / self.tail_exponent()}
        if self.coefficient in _EXTREMAL_INDEX:
            known["extremal_index"] = _EXTREMAL_INDEX[self.coefficient]
        return known

    def tail_exponent(self) -> float:
        """Return alpha with P(|X| > x) of the order of x^-alpha."""

        def excess(half: float) -> float:
            moment = float(scipy.special.gammaln(half + 0.5)) - 0.5 * math.log(math.pi)
            return half * math.log(2.0 * self.coefficient) + moment

        # One root above 1: at 1 the moment is the coefficient itself, below 1; and Gamma wins in the end.
        high = 2.0
        while excess(high) < 0.0:
            high *= 2.0
        return 2.0 * float(scipy.optimize.brentq(excess, 1.0, high))  # pyright: ignore[reportArgumentType]
