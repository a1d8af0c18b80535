"""The persistent heavy scale: one mixing variable for all assets, held from bar to bar."""

import math

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jax import lax
from jaxtyping import Array, Float

from ..core import PRNGKey, stream
from ..stochastic.gamma import standard_gamma
from .regime_map import bounded, inverse_softplus, unbounded

_FREEDOM_MIN = 2.0  # marks keep a variance
_RENEWAL_MIN, _RENEWAL_MAX = 1e-3, 5.0  # per bar: a scale lasts between a fifth of a bar and a thousand bars


class HeldMixing(eqx.Module):
    r"""A stationary, mean-reverting inverse-gamma scale $w$ that is held and redrawn at rate $\kappa$.

    $$w_{t+h} = w_t \text{ with probability } e^{-\kappa h}, \text{ else a fresh draw of }
      \mathrm{InvGamma}(\nu/2, \nu/2),$$

    so that $E[w_{t+h} \mid w_t] = E w + e^{-\kappa h} (w_t - E w)$ at any step size, and $\sqrt w\, n$ is Student t
    with $\nu$ degrees of freedom: tail index $1/\nu$. A scale drawn anew each bar would let the extremal index of the
    returns go to 1; one that depends on Gaussians by a Lipschitz map would have no heavy tail.
    """

    raw_degrees_of_freedom: Float[Array, ""]
    raw_renewal_rate: Float[Array, ""]

    @property
    def degrees_of_freedom(self) -> Float[Array, ""]:
        """Return nu > 2 of the marks; the returns' tail index is 1/nu."""
        return _FREEDOM_MIN + jnp.logaddexp(self.raw_degrees_of_freedom, 0.0)

    @property
    def renewal_rate(self) -> Float[Array, ""]:
        """Return kappa, fresh draws per bar; a scale lasts 1/kappa bars on average."""
        low, high = math.log(_RENEWAL_MIN), math.log(_RENEWAL_MAX)
        return jnp.exp(bounded(self.raw_renewal_rate, low, high))

    def with_renewal_rate(self, value: float) -> "HeldMixing":
        """Return the same scale, redrawn `value` times per bar on average."""
        return HeldMixing(self.raw_degrees_of_freedom, _raw_rate(value, self.raw_renewal_rate.dtype))

    def held(self, step_size: float) -> Float[Array, ""]:
        """Return the probability that a scale outlives a step."""
        return jnp.exp(-self.renewal_rate * step_size)

    def draw(self, key: PRNGKey, *, steps: int, step_size: float) -> Float[Array, " steps"]:
        """Draw the scale of each step, the first from the stationary law.

        Args:
            key: parent of the streams used here.
            steps: at least 1.
            step_size: bars per step.
        """
        dtype = self.raw_degrees_of_freedom.dtype
        half = 0.5 * self.degrees_of_freedom
        fresh = half / standard_gamma(stream(key, "scale"), half, steps)
        renewed = jr.uniform(stream(key, "renewal"), (steps,), dtype) >= self.held(step_size)

        def hold(last, given):
            now = jnp.where(given[1], given[0], last)
            return now, now

        # A loop over steps takes a tenth of the time of gathering each step's last fresh draw.
        return lax.scan(hold, fresh[0], (fresh, renewed))[1]


def held_mixing(*, degrees_of_freedom: float, renewal_rate: float, dtype) -> HeldMixing:
    """Start at the values given.

    Raises:
        ValueError: if one leaves its range; names the value.
    """
    if not degrees_of_freedom > _FREEDOM_MIN:
        raise ValueError(f"degrees_of_freedom must exceed {_FREEDOM_MIN}, was {degrees_of_freedom}.")
    raw = inverse_softplus(jnp.asarray(degrees_of_freedom - _FREEDOM_MIN, dtype))
    return HeldMixing(raw, _raw_rate(renewal_rate, dtype))


def _raw_rate(value: float, dtype) -> Float[Array, ""]:
    if not _RENEWAL_MIN < value < _RENEWAL_MAX:
        raise ValueError(f"renewal_rate must lie in ({_RENEWAL_MIN}, {_RENEWAL_MAX}) per bar, was {value}.")
    low, high = math.log(_RENEWAL_MIN), math.log(_RENEWAL_MAX)
    return unbounded(jnp.asarray(math.log(value), dtype), low, high)
