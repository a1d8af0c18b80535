"""A self-exciting point process with an exponential kernel."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Number, PRNGKey

from .domain import at_least, within


class HawkesEvents(NamedTuple):
    """Event times up to the horizon.

    Attributes:
        times: ascending; places that are not used hold +inf.
        count: number of events in `times`.
        overflowed: True if more events happened before the horizon than `times` can hold; the path then ends early.
    """

    times: Float[Array, "*batch max_events"]
    count: Int[Array, "*batch"]
    overflowed: Bool[Array, "*batch"]


class Hawkes(eqx.Module):
    r"""Each event raises the intensity, which decays back to its baseline.

    $$\lambda(t) = \mu + n\beta \sum_{t_i < t} e^{-\beta (t - t_i)}$$

    The process starts at time 0 with no past, $\lambda(0) = \mu$.

    References:
        Hawkes (1971), Biometrika 58(1), 83-90.
    """

    baseline: Float[Array, ""]
    branching_ratio: Float[Array, ""]
    decay: Float[Array, ""]

    def __init__(self, baseline: Number, branching_ratio: Number, decay: Number):
        """Set the process.

        Args:
            baseline: mu > 0, events per unit time without excitation.
            branching_ratio: n in [0, 1), mean number of events directly caused by one event.
            decay: beta > 0, per unit time.

        Raises:
            ValueError: if they are out of range; a branching ratio of 1 or more explodes.
        """
        self.baseline = within("baseline", baseline, 0.0)
        self.branching_ratio = within("branching_ratio", branching_ratio, 0.0, 1.0, low_included=True)
        self.decay = within("decay", decay, 0.0)

    @property
    def stationary_rate(self) -> Float[Array, ""]:
        """Return mu / (1 - n), the mean number of events per unit time once the start is forgotten."""
        return self.baseline / (1.0 - self.branching_ratio)

    def events(self, key: PRNGKey, *, horizon: Number, max_events: int) -> HawkesEvents:
        r"""Draw the events up to `horizon`, exact in law.

        The waiting time is the smaller of one caused by the baseline, $E_2/\mu$, and one caused by the excess
        intensity x, $-\log(1 - \beta E_1/x)/\beta$, infinite when the logarithm has no argument ($E_i$ standard
        exponential).

        Args:
            key: spent here.
            horizon: > 0.
            max_events: places for events; the cost does not depend on how many are used.

        References:
            Dassios and Zhao (2013), Electron. Commun. Probab. 18(62), Algorithm 3.1.
        """
        at_least("max_events", max_events, 1)
        horizon = within("horizon", horizon, 0.0)
        jump = self.branching_ratio * self.decay

        def advance(state, exponentials):
            time, excess = state
            # The excess is 0 at the start and may underflow later: then only the baseline can cause the next event.
            causes = excess > self.decay * exponentials[0]
            remaining = 1.0 - self.decay * exponentials[0] / jnp.where(causes, excess, jnp.inf)
            by_excess = jnp.where(causes, -jnp.log(remaining) / self.decay, jnp.inf)
            wait = jnp.minimum(by_excess, exponentials[1] / self.baseline)
            time = time + wait
            return (time, excess * jnp.exp(-self.decay * wait) + jump), time

        start = (jnp.zeros_like(self.baseline), jnp.zeros_like(self.baseline))
        # One event more than there are places, to know whether the places were enough.
        _, times = lax.scan(advance, start, jr.exponential(key, (max_events + 1, 2)))
        inside = times <= horizon
        kept = inside[:-1]
        return HawkesEvents(jnp.where(kept, times[:-1], jnp.inf), jnp.sum(kept), inside[-1])

    def compensator(self, times: Float[Array, " events"], at: Number | Float[Array, " points"]) -> Float[Array, "..."]:
        r"""Return the integrated intensity up to `at`, given the events before it.

        $$\Lambda(t) = \mu t + n \sum_{t_i < t} \bigl(1 - e^{-\beta (t - t_i)}\bigr)$$

        Between consecutive events it grows by independent standard exponentials.

        Args:
            times: ascending, padded with +inf, as in `HawkesEvents`.
            at: one or more times >= 0, in any order; +inf gives +inf.
        """
        at = jnp.asarray(at, self.baseline.dtype)
        happened = jnp.isfinite(times)
        before = jnp.concatenate([jnp.zeros_like(times[:1]), times[:-1]])
        gaps = jnp.where(happened, times - jnp.where(jnp.isfinite(before), before, 0.0), 0.0)

        def decayed(memory, gap):
            memory = memory * jnp.exp(-self.decay * gap) + 1.0
            return memory, memory

        # memory_k = sum over i <= k of exp(-decay (t_k - t_i))
        _, memory = lax.scan(decayed, jnp.zeros_like(self.decay), gaps)
        number = jnp.searchsorted(times, at, side="right")
        # At +inf the padding would count as events; those times have no finite compensator anyway.
        last = jnp.maximum(number - 1, 0)
        elapsed = jnp.where(jnp.isfinite(at) & (number > 0), at - times[last], jnp.inf)
        caused = number.astype(at.dtype) - jnp.where(number > 0, memory[last], 0.0) * jnp.exp(-self.decay * elapsed)
        return self.baseline * at + self.branching_ratio * caused
