"""Self-exciting processes with any kernel that never rises, by thinning."""

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from aurora_jax.core import Number, PRNGKey

from .counter_random import uniform_pair_at
from .domain import at_least, within
from .exponential_memory import event_times, times_asked, times_up_to
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

    @property
    def stationary_rate(self) -> Float[Array, ""]:
        """Return mu / (1 - n), the mean number of events per unit time once the start is forgotten."""
        return self.baseline / (1.0 - self.branching_ratio)

    def intensity(self, times: Float[Array, " events"], at: Number | Float[Array, " points"]) -> Float[Array, "..."]:
        r"""Return $\lambda(t)$ at one or more times, given the events before them (an event at t itself not counted).

        Args:
            times: ascending, padded with +inf, as in `HawkesEvents`.
            at: times >= 0, in any order.

        Raises:
            RuntimeError: at run time, if times are negative, NaN or not ascending.
        """
        dtype = self.baseline.dtype
        return self._intensity(event_times(times, dtype=dtype), times_asked(at, dtype=dtype))

    def compensator(self, times: Float[Array, " events"], at: Number | Float[Array, " points"]) -> Float[Array, "..."]:
        r"""Return $\mu t + n \sum_{t_i < t} \int_0^{t - t_i} \phi$ at one or more times, as `intensity` does."""
        dtype = self.baseline.dtype
        return self._integrated(event_times(times, dtype=dtype), times_asked(at, dtype=dtype))

    def log_likelihood(self, times: Float[Array, " events"], *, horizon: Number) -> Float[Array, ""]:
        r"""Return $\sum_{t_i \le T} \log\lambda(t_i) - \Lambda(T)$, differentiable in the parameters.

        Args:
            times: ascending, padded with +inf, as in `HawkesEvents`; none may lie in (horizon, inf).
            horizon: T > 0.

        Raises:
            ValueError: if `horizon` is out of range.
            RuntimeError: at run time, if times are negative, NaN or not ascending, or lie beyond the horizon.

        References:
            Daley and Vere-Jones (2003), An introduction to the theory of point processes I, proposition 7.2.III.
        """
        horizon = within("horizon", horizon, 0.0)
        times = times_up_to(times, horizon, dtype=self.baseline.dtype)
        happened = jnp.isfinite(times)
        rates = self._intensity(times, jnp.where(happened, times, 0.0))
        return jnp.sum(jnp.where(happened, jnp.log(rates), 0.0)) - self._integrated(times, horizon)

    def _intensity(self, times: Float[Array, " events"], at: Float[Array, "..."]) -> Float[Array, "..."]:
        age, past = _ages(times, at)
        return self.baseline + self.branching_ratio * jnp.sum(jnp.where(past, self.kernel.density(age), 0.0), axis=-1)

    def _integrated(self, times: Float[Array, " events"], at: Float[Array, "..."]) -> Float[Array, "..."]:
        age, past = _ages(times, at)
        caused = jnp.sum(jnp.where(past, self.kernel.integral(age), 0.0), axis=-1)
        return self.baseline * at + self.branching_ratio * caused

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
            RuntimeError: at run time, if the kernel is found to rise.

        References:
            Ogata (1981), IEEE Transactions on Information Theory 27(1), 23-31, proposition 1.
        """
        at_least("max_events", max_events, 1)
        horizon = within("horizon", horizon, 0.0)
        dtype = self.baseline.dtype
        # The kernel's height at age 0 belongs to the bound after an event, which `intensity` leaves out at that time.
        height = self.branching_ratio * self.kernel.density(jnp.zeros((), dtype))

        def going(carry):
            _, time, _, count, _, _ = carry
            return (time <= horizon) & (count <= max_events)

        def propose(carry):
            times, time, bound, count, counter, rises = carry
            (first,), (second,) = uniform_pair_at(key, counter[None], dtype=dtype)
            candidate = time - jnp.log(1.0 - first) / bound
            rate = self._intensity(times, candidate)
            kept = (second * bound < rate) & (candidate <= horizon)
            times = times.at[count].set(jnp.where(kept, candidate, times[count]))
            rises = rises | ~(rate <= bound * (1.0 + 64.0 * jnp.finfo(dtype).eps))
            count, bound = count + kept.astype(count.dtype), rate + jnp.where(kept, height, 0.0)
            return times, candidate, bound, count, counter + 1, rises

        # One place more than asked for, to know whether they were enough.
        empty = jnp.full(max_events + 1, jnp.inf, dtype)
        start = (empty, jnp.zeros((), dtype), self.baseline, jnp.zeros((), int), jnp.uint32(0), jnp.array(False))
        times, _, _, count, _, rises = lax.while_loop(going, propose, start)
        times = eqx.error_if(times, rises, "the kernel rises with age, so thinning under its height now is wrong.")
        return HawkesEvents(times[:-1], jnp.minimum(count, max_events), count > max_events)


def _ages(
    times: Float[Array, " events"], at: Float[Array, "..."]
) -> tuple[Float[Array, "... events"], Bool[Array, "... events"]]:
    """Return how long before `at` each event was, and whether it was."""
    times = jnp.broadcast_to(times, (*at.shape, times.size))
    past = times < at[..., None]
    # Ages that are not chosen are 0, as an infinite one would spoil gradients all the same.
    return jnp.where(past, at[..., None] - times, 0.0), past
