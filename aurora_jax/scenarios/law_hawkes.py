"""Self-exciting jumps with heavy marks: how often and how clustered they are is known in closed form."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int

from ..core import PRNGKey, stream
from ..stochastic import Hawkes
from .law import AbstractLaw, check_common

DISPERSION_BARS = 32
"""Bars of the windows in which jumps are counted for their dispersion."""

_WARM_UP_RELAXATIONS = 8.0  # times the relaxation time of the intensity: what is left of the start is e^-8


class HawkesJumps(AbstractLaw):
    r"""Jumps at the events of a stationary Hawkes process with symmetric Pareto marks, over Gaussian noise.

    $$r_t = s \Bigl(Z_t + \sum_{k \in (t-1, t]} \pm P_k\Bigr), \qquad P(P_k > x) = x^{-1/\xi},\ x \ge 1$$

    All assets jump together, with marks and noise of their own. Jumps per bar have mean $\Lambda = \mu / (1 - n)$, and
    their number in W bars has variance over mean

    $$1 + \Bigl(\frac{1}{(1-n)^2} - 1\Bigr) \Bigl(1 - \frac{1 - e^{-\kappa W}}{\kappa W}\Bigr),\quad
      \kappa = \beta (1 - n).$$

    The tail index is $\xi$. The extremal index tends to 1, since marks are independent, but only far beyond the level
    that is measured (.68 at q = .99 with n = .8): it is left out.

    References:
        Hawkes (1971), J. R. Stat. Soc. B 33(3), 438-443, eq. 18, for the covariance density.
    """

    baseline: float = eqx.field(static=True)
    branching_ratio: float = eqx.field(static=True)
    decay: float = eqx.field(static=True)
    tail_index: float = eqx.field(static=True)
    assets: int = eqx.field(static=True, default=2)
    scale: float = eqx.field(static=True, default=0.01)

    def __check_init__(self):
        check_common(self)
        for name in ("baseline", "decay"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive, was {getattr(self, name)}.")
        if not 0.0 <= self.branching_ratio < 1.0:
            raise ValueError(f"branching_ratio must lie in [0, 1), was {self.branching_ratio}.")
        if not 0.0 < self.tail_index < 1.0:
            raise ValueError(f"tail_index must lie in (0, 1), was {self.tail_index}.")

    def returns(self, key: PRNGKey, *, steps: int) -> Float[Array, "steps assets"]:
        return self.counted(key, steps=steps)[0]

    def counted(self, key: PRNGKey, *, steps: int) -> tuple[Float[Array, "steps assets"], Int[Array, " steps"]]:
        speed = self.decay * (1.0 - self.branching_ratio)
        warm_up = math.ceil(_WARM_UP_RELAXATIONS / speed)
        rate = self.baseline / (1.0 - self.branching_ratio)
        expected = rate * (warm_up + steps)
        spread = math.sqrt(expected) / (1.0 - self.branching_ratio)
        places = math.ceil(expected + 8.0 * spread + 16.0)
        process = Hawkes(self.baseline, self.branching_ratio, self.decay)
        events = process.events(stream(key, "events"), horizon=float(warm_up + steps), max_events=places)
        times = eqx.error_if(events.times, events.overflowed, "a Hawkes path had more events than places.")
        # A bar is the open-closed interval that ends with it; events of the warm-up and padding fall outside.
        bar = jnp.where(jnp.isfinite(times), jnp.ceil(times) - 1 - warm_up, -1.0).astype(int)
        bar = jnp.where(bar >= 0, bar, steps)
        shape = (places, self.assets)
        sign = jr.rademacher(stream(key, "signs"), shape, times.dtype)
        size = (
            jr.uniform(stream(key, "sizes"), shape, times.dtype, minval=jnp.finfo(times.dtype).tiny) ** -self.tail_index
        )
        jumps = jax.ops.segment_sum(sign * size, bar, num_segments=steps + 1)[:steps]
        count = jax.ops.segment_sum(jnp.ones(places, int), bar, num_segments=steps + 1)[:steps]
        noise = jr.normal(stream(key, "noise"), (steps, self.assets))
        return self.scale * (noise + jumps), count

    def at_level(self, *, tail_share: float, extreme_quantile: float) -> dict[str, float]:
        # At the level measured the losses are those of some jumps and of the noise: the tail index is far from it.
        return {name: value for name, value in self.truth().items() if name != "tail_index"}

    def truth(self) -> dict[str, float]:
        n, speed = self.branching_ratio, self.decay * (1.0 - self.branching_ratio)
        relaxed = 1.0 - -math.expm1(-speed * DISPERSION_BARS) / (speed * DISPERSION_BARS)
        return {
            "hurst": 0.5,
            "tail_index": self.tail_index,
            "jump_rate": self.baseline / (1.0 - n),
            "jump_dispersion": 1.0 + (1.0 / (1.0 - n) ** 2 - 1.0) * relaxed,
        }
