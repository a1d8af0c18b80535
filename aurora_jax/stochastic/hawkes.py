"""A self-exciting point process with an exponential kernel."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Number, PRNGKey

from .blocked_scan import blocked_scan
from .counter_random import uniform_pair_at
from .domain import at_least, refuse_if, within
from .exponential_memory import event_times, faded_sums, faded_to, times_asked, times_up_to
from .next_event import next_event


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


class HawkesState(NamedTuple):
    """Where a path stands: all that its future depends on.

    Attributes:
        time: now.
        excess: intensity above the baseline, just after any event at this time.
    """

    time: Float[Array, "*batch"]
    excess: Float[Array, "*batch"]


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

    def init(self) -> HawkesState:
        """Start at time 0 without a past."""
        return HawkesState(jnp.zeros_like(self.baseline), jnp.zeros_like(self.baseline))

    def events(self, key: PRNGKey, *, horizon: Number, max_events: int) -> HawkesEvents:
        """Draw the events up to `horizon`, exact in law, from a start without a past.

        In single precision times have 24 bits: neighbours may coincide where gaps are as short as that.

        Args:
            key: spent here.
            horizon: > 0.
            max_events: places for events; the cost does not depend on how many are used.

        Raises:
            ValueError: if an argument is out of range.
        """
        horizon = within("horizon", horizon, 0.0)
        return self._run(self.init(), key, horizon, at_least("max_events", max_events, 1))[1]

    def events_from(
        self, state: HawkesState, key: PRNGKey, *, until: Number, max_events: int
    ) -> tuple[HawkesState, HawkesEvents]:
        """Draw the events from the state's time on, exact in law, and the state at the end.

        The process is Markov in (time, excess), so going on from the state with another baseline is how a regime
        changes at the edge of a block.

        Args:
            state: where the path stands; from `init` or an earlier call, also of a process with another baseline.
            key: spent here.
            until: end of this stretch, not before the state's time.
            max_events: places for the events of this stretch.

        Returns:
            The state at `until`, and the events after the state's time. If they overflowed, the state is that of the
            last event that has a place, and must not be carried on as if it were at `until`.

        Raises:
            ValueError: if an argument is out of range.
        """
        until = jnp.asarray(until, self.baseline.dtype)
        until = refuse_if(until, ~(until >= state.time), "until must not lie before the state's time")
        excess = refuse_if(state.excess, ~(state.excess >= 0.0), "the state's excess must be >= 0")
        state = state._replace(excess=excess)
        return self._run(state, key, until, at_least("max_events", max_events, 1))

    def _run(
        self, state: HawkesState, key: PRNGKey, until: Float[Array, ""], max_events: int
    ) -> tuple[HawkesState, HawkesEvents]:
        dtype = self.baseline.dtype
        jump = self.branching_ratio * self.decay

        def advance(carry, counter):
            # One complex number instead of two real ones, as XLA then makes one loop of the step. For a pair it makes
            # two, and draws the random numbers in each.
            time, excess = lax.real(carry), lax.imag(carry)
            (first,), (second,) = uniform_pair_at(key, counter[None], dtype=dtype)
            wait, left = next_event(first, second, excess=excess, baseline=self.baseline, decay=self.decay)
            inside = time + wait <= until
            going = inside & (counter < max_events)
            ended = jnp.where(inside, -jnp.inf, jnp.inf).astype(dtype)
            after = jnp.where(going, time + wait, ended), jnp.where(going, excess * left + jump, excess)
            return lax.complex(*after), time

        # What comes out is the time before each step, so the events are what comes out from the second step on. A path
        # past its end stands at +inf, or at -inf if it would have had one event more than there are places.
        last, before = blocked_scan(advance, lax.complex(*state), max_events + 1)
        times = before[1:]
        happened = jnp.isfinite(times)
        overflowed = lax.real(last) < 0.0
        time = jnp.max(jnp.where(happened, times, state.time))
        excess = lax.imag(last)
        decayed = excess * jnp.exp(-self.decay * (until - time))
        end = HawkesState(jnp.where(overflowed, time, until), jnp.where(overflowed, excess, decayed))
        return end, HawkesEvents(times, jnp.sum(happened), overflowed)

    def intensity(self, times: Float[Array, " events"], at: Number | Float[Array, " points"]) -> Float[Array, "..."]:
        r"""Return $\lambda(t)$ at one or more times, given the events before them (an event at t itself not counted).

        Args:
            times: ascending, padded with +inf, as in `HawkesEvents`.
            at: times >= 0, in any order.

        Raises:
            RuntimeError: at run time, if times are negative, NaN or not ascending.
        """
        times, at = event_times(times, dtype=self.baseline.dtype), times_asked(at, dtype=self.baseline.dtype)
        memory, _ = faded_sums(times, jnp.ones_like(times), self.decay)
        left, _ = faded_to(at, times, memory, self.decay, side="left")
        return self.baseline + self.branching_ratio * self.decay * left

    def compensator(self, times: Float[Array, " events"], at: Number | Float[Array, " points"]) -> Float[Array, "..."]:
        r"""Return the integrated intensity up to `at`, given the events before it.

        $$\Lambda(t) = \mu t + n \sum_{t_i < t} \bigl(1 - e^{-\beta (t - t_i)}\bigr)$$

        Between consecutive events it grows by independent standard exponentials.

        Args:
            times: ascending, padded with +inf, as in `HawkesEvents`.
            at: one or more times >= 0, in any order; +inf gives +inf.

        Raises:
            RuntimeError: at run time, if times are negative, NaN or not ascending.
        """
        times, at = event_times(times, dtype=self.baseline.dtype), times_asked(at, dtype=self.baseline.dtype)
        memory, _ = faded_sums(times, jnp.ones_like(times), self.decay)
        left, number = faded_to(at, times, memory, self.decay, side="right")
        return self.baseline * at + self.branching_ratio * (number.astype(at.dtype) - left)

    def log_likelihood(self, times: Float[Array, " events"], *, horizon: Number) -> Float[Array, ""]:
        r"""Return the log-likelihood of a path observed on [0, horizon], differentiable in the parameters.

        $$\log L = \sum_{t_i \le T} \log\lambda(t_i) - \Lambda(T)$$

        Args:
            times: ascending, padded with +inf, as in `HawkesEvents`; none may lie in (horizon, inf).
            horizon: T > 0.

        Raises:
            ValueError: if `horizon` is out of range.
            RuntimeError: at run time, if times are negative, NaN or not ascending, or lie beyond the horizon.

        References:
            Ozaki (1979), Annals of the Institute of Statistical Mathematics 31(1), 145-155, eq. 2.
        """
        horizon = within("horizon", horizon, 0.0)
        times = times_up_to(times, horizon, dtype=self.baseline.dtype)
        happened = jnp.isfinite(times)
        memory, before = faded_sums(times, jnp.ones_like(times), self.decay)
        rates = self.baseline + self.branching_ratio * self.decay * before
        left, number = faded_to(horizon, times, memory, self.decay, side="right")
        compensator = self.baseline * horizon + self.branching_ratio * (number.astype(left.dtype) - left)
        return jnp.sum(jnp.where(happened, jnp.log(rates), 0.0)) - compensator
