"""Self-exciting processes with any kernel that never rises, by thinning."""

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from aurora_jax.core import Number, PRNGKey

from .counter_random import uniform_pair_at
from .domain import at_least, within
from .hawkes import HawkesEvents
from .kernels import AbstractKernel


class KernelHawkes(eqx.Module):
    r"""Each event raises the intensity, which fades as its kernel says.

    $$\lambda(t) = \mu + n \sum_{t_i < t} \phi(t - t_i)$$

    Starts at time 0 with no past. Costs (events)^2; with an exponential kernel `Hawkes` does it in (events).
    """

    baseline: Float[Array, ""]
    branching_ratio: Float[Array, ""]
    kernel: AbstractKernel

    def __init__(self, baseline: Number, branching_ratio: Number, kernel: AbstractKernel):
        """Set mu > 0 events per unit time, n in [0, 1) children of an event, and the kernel phi.

        Raises:
            ValueError: if they are out of range.
        """
        self.baseline = within("baseline", baseline, 0.0)
        self.branching_ratio = within("branching_ratio", branching_ratio, 0.0, 1.0, low_included=True)
        self.kernel = kernel

    def intensity(self, times: Float[Array, " events"], at: Number | Float[Array, ""]) -> Float[Array, ""]:
        """Return the intensity just before the time `at`, given events padded with +inf; those at `at` do not count."""
        age = jnp.asarray(at, self.baseline.dtype) - times
        excited = jnp.where(age > 0.0, self.kernel.density(jnp.maximum(age, 0.0)), 0.0)
        return self.baseline + self.branching_ratio * jnp.sum(excited)

    def compensator(self, times: Float[Array, " events"], at: Float[Array, " points"]) -> Float[Array, " points"]:
        r"""Return $\mu t + n \sum_{t_i < t} \int_0^{t - t_i} \phi$ at each time, given events padded with +inf."""
        age = at[:, None] - times[None, :]
        caused = jnp.where(age > 0.0, self.kernel.integral(jnp.maximum(age, 0.0)), 0.0)
        return self.baseline * at + self.branching_ratio * jnp.sum(caused, axis=1)

    def events(self, key: PRNGKey, *, horizon: Number, max_events: int) -> HawkesEvents:
        """Draw the events up to `horizon`, exact in law.

        As the kernel never rises, the intensity just after the last event or rejected candidate bounds it until the
        next; a candidate from a Poisson process of that rate is kept with probability intensity / bound.

        Args:
            key: spent here.
            horizon: > 0.
            max_events: places for events.

        Raises:
            ValueError: if an argument is out of range.

        References:
            Ogata (1981), IEEE Transactions on Information Theory 27(1), 23-31, proposition 1.
        """
        at_least("max_events", max_events, 1)
        horizon = within("horizon", horizon, 0.0)
        dtype = self.baseline.dtype
        # The kernel's height at age 0 belongs to the bound after an event, which `intensity` leaves out at that time.
        height = self.branching_ratio * self.kernel.density(jnp.zeros((), dtype))

        def going(carry):
            _, time, _, count, _ = carry
            return (time <= horizon) & (count <= max_events)

        def propose(carry):
            times, time, bound, count, counter = carry
            first, second = uniform_pair_at(key, counter[None], dtype=dtype)
            candidate = time - jnp.log1p(-first[0]) / bound
            rate = self.intensity(times, candidate)
            kept = (second[0] * bound < rate) & (candidate <= horizon)
            times = times.at[count].set(jnp.where(kept, candidate, times[count]))
            return times, candidate, rate + jnp.where(kept, height, 0.0), count + kept.astype(count.dtype), counter + 1

        # One place more than asked for, to know whether they were enough.
        empty = jnp.full(max_events + 1, jnp.inf, dtype)
        start = (empty, jnp.zeros((), dtype), self.baseline, jnp.zeros((), int), jnp.zeros((), jnp.uint32))
        times, _, _, count, _ = lax.while_loop(going, propose, start)
        return HawkesEvents(times[:-1], jnp.minimum(count, max_events), count > max_events)
