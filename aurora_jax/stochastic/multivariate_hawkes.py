"""Point processes that excite each other."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Number, PRNGKey

from .blocked_scan import blocked_scan
from .branching_matrix import stable
from .counter_random import uniform_pair_at
from .domain import at_least, refuse_if, within
from .exponential_memory import event_times, faded_sums, faded_to, times_asked, times_up_to
from .next_event import next_event


class MarkedEvents(NamedTuple):
    """Events of several components up to the horizon.

    Attributes:
        times: ascending; places that are not used hold +inf.
        component: which one each event belongs to; -1 in places that are not used.
        count: number of events in `times`.
        overflowed: True if more events happened before the horizon than `times` can hold; the path then ends early.
    """

    times: Float[Array, "*batch max_events"]
    component: Int[Array, "*batch max_events"]
    count: Int[Array, "*batch"]
    overflowed: Bool[Array, "*batch"]


class MultivariateHawkesState(NamedTuple):
    """Where a path stands: the time, and each component's intensity above its baseline."""

    time: Float[Array, "*batch"]
    excess: Float[Array, "*batch components"]


class MultivariateHawkes(eqx.Module):
    r"""Each event raises the intensity of every component by its own amount; all decay at one rate.

    $$\lambda_i(t) = \mu_i + \beta \sum_{t_k < t} N_{i c_k} e^{-\beta (t - t_k)}$$

    $N_{ij}$ is the mean number of events of component i that one event of component j causes directly. Starts at time 0
    with no past.

    References:
        Hawkes (1971), Biometrika 58(1), 83-90, section 4.
    """

    baseline: Float[Array, " components"]
    branching: Float[Array, "components components"]
    decay: Float[Array, ""]

    def __init__(
        self,
        baseline: Float[Array | np.ndarray, " components"],
        branching: Float[Array | np.ndarray, "components components"],
        decay: Number,
    ):
        """Set the process.

        Args:
            baseline: mu, each >= 0 and one at least > 0, events per unit time without excitation.
            branching: N, each entry >= 0, spectral radius below 1; see `stable_branching` for fitting.
            decay: beta > 0, per unit time.

        Raises:
            ValueError: if they are out of range; a spectral radius of 1 or more explodes.
        """
        self.baseline = within("baseline", baseline, 0.0, low_included=True)
        self.branching = within("branching", branching, 0.0, low_included=True)
        self.decay = within("decay", decay, 0.0)
        self.baseline = refuse_if(
            self.baseline,
            jnp.broadcast_to(jnp.all(self.baseline == 0.0), self.baseline.shape),
            "some baseline must be > 0",
        )
        self.branching = stable("branching", self.branching)

    @property
    def stationary_rates(self) -> Float[Array, " components"]:
        r"""Return $(I - N)^{-1} \mu$, mean events per unit time once the start is forgotten."""
        return jnp.linalg.solve(jnp.eye(self.baseline.size, dtype=self.baseline.dtype) - self.branching, self.baseline)

    def init(self) -> MultivariateHawkesState:
        """Start at time 0 without a past."""
        return MultivariateHawkesState(jnp.zeros_like(self.decay), jnp.zeros_like(self.baseline))

    def events(self, key: PRNGKey, *, horizon: Number, max_events: int) -> MarkedEvents:
        """Draw the events up to `horizon`, exact in law, from a start without a past.

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
        self, state: MultivariateHawkesState, key: PRNGKey, *, until: Number, max_events: int
    ) -> tuple[MultivariateHawkesState, MarkedEvents]:
        r"""Draw the events from the state's time on, exact in law, and the state at the end.

        As all components decay at one rate, their sum's waiting time is that of a univariate process; the component of
        the event is then drawn in proportion to the intensities at that time.

        Args:
            state: where the path stands; from `init` or an earlier call, also of a process with another baseline.
            key: spent here.
            until: end of this stretch, not before the state's time.
            max_events: places for the events of this stretch.

        Returns:
            The state at `until`, and the events after the state's time. If they overflowed, the state is that of the
            last event that has a place.

        Raises:
            ValueError: if an argument is out of range.
        """
        until = jnp.asarray(until, self.baseline.dtype)
        until = refuse_if(until, ~(until >= state.time), "until must not lie before the state's time")
        excess = refuse_if(state.excess, ~(state.excess >= 0.0), "the state's excess must be >= 0")
        state = state._replace(excess=excess)
        return self._run(state, key, until, at_least("max_events", max_events, 1))

    def _run(
        self, state: MultivariateHawkesState, key: PRNGKey, until: Float[Array, ""], max_events: int
    ) -> tuple[MultivariateHawkesState, MarkedEvents]:
        dtype = self.baseline.dtype
        total = jnp.sum(self.baseline)

        def advance(carry, counter):
            time, excess = carry
            # Three numbers an event: two for the wait, one for the component.
            (first,), (second,) = uniform_pair_at(key, 2 * counter[None], dtype=dtype)
            (place,), _ = uniform_pair_at(key, 2 * counter[None] + np.uint32(1), dtype=dtype)
            wait, left = next_event(first, second, excess=jnp.sum(excess), baseline=total, decay=self.decay)
            component = drawn_in_proportion(place, self.baseline + left * excess)
            inside = time + wait <= until
            going = inside & (counter < max_events)
            risen = left * excess + self.decay * self.branching[:, component]
            ended = jnp.where(inside, -jnp.inf, jnp.inf).astype(dtype)
            after = jnp.where(going, time + wait, ended), jnp.where(going, risen, excess)
            return after, (time, jnp.where(going, component, -1))

        # As in `Hawkes`: out comes the time before each step, +inf past the end, -inf if places are missing.
        (last, excess), (before, component) = blocked_scan(advance, tuple(state), max_events + 1)
        times = before[1:]
        happened = jnp.isfinite(times)
        overflowed = last < 0.0
        time = jnp.max(jnp.where(happened, times, state.time))
        decayed = excess * jnp.exp(-self.decay * (until - time))
        end = MultivariateHawkesState(jnp.where(overflowed, time, until), jnp.where(overflowed, excess, decayed))
        return end, MarkedEvents(times, component[:-1], jnp.sum(happened), overflowed)

    def intensity(self, events: MarkedEvents, at: Number | Float[Array, " points"]) -> Float[Array, "... components"]:
        r"""Return $\lambda_i(t)$ of each component, given the events of one path before t (one at t not counted).

        Args:
            events: one path's.
            at: one or more times >= 0, in any order.

        Raises:
            RuntimeError: at run time, if times are negative, NaN or not ascending, or a component does not exist.
        """
        times, at = event_times(events.times, dtype=self.baseline.dtype), times_asked(at, dtype=self.baseline.dtype)
        memory, _ = faded_sums(times, self._children(events), self.decay)
        left, _ = faded_to(at, times, memory, self.decay, side="left")
        return jnp.broadcast_to(self.baseline, left.shape) + self.decay * left

    def compensator(self, events: MarkedEvents, at: Number | Float[Array, " points"]) -> Float[Array, "... components"]:
        r"""Return each component's integrated intensity up to `at`, given the events of one path.

        $$\Lambda_i(t) = \mu_i t + \sum_{t_k < t} N_{i c_k} \bigl(1 - e^{-\beta (t - t_k)}\bigr)$$

        Between consecutive events of one component, its own compensator grows by independent standard exponentials.

        Args:
            events: one path's.
            at: one or more times >= 0, in any order; +inf gives +inf, or the number of children where mu_i = 0.

        Raises:
            RuntimeError: at run time, if times are negative, NaN or not ascending, or a component does not exist.
        """
        times, at = event_times(events.times, dtype=self.baseline.dtype), times_asked(at, dtype=self.baseline.dtype)
        return self._integrated(times, self._children(events), at)

    def log_likelihood(self, events: MarkedEvents, *, horizon: Number) -> Float[Array, ""]:
        r"""Return $\sum_k \log\lambda_{c_k}(t_k) - \sum_i \Lambda_i(T)$, differentiable in the parameters.

        Args:
            events: all events of one path on [0, horizon].
            horizon: T > 0.

        Raises:
            ValueError: if `horizon` is out of range.
            RuntimeError: at run time, if times are negative, NaN or not ascending, lie beyond the horizon, or a
                component does not exist.

        References:
            Ozaki (1979), Annals of the Institute of Statistical Mathematics 31(1), 145-155, eq. 2, by component.
        """
        horizon = within("horizon", horizon, 0.0)
        times = times_up_to(events.times, horizon, dtype=self.baseline.dtype)
        children = self._children(events)
        _, before = faded_sums(times, children, self.decay)
        own = jnp.maximum(events.component, 0)
        rates = self.baseline[own] + self.decay * jnp.take_along_axis(before, own[:, None], axis=1)[:, 0]
        densities = jnp.where(jnp.isfinite(times), jnp.log(jnp.where(jnp.isfinite(times), rates, 1.0)), 0.0)
        return jnp.sum(densities) - jnp.sum(self._integrated(times, children, horizon))

    def _children(self, events: MarkedEvents) -> Float[Array, "max_events components"]:
        """Return the mean number of children that each event has in each component."""
        lowest = jnp.where(jnp.isfinite(events.times), 0, -1)
        unknown = jnp.any((events.component < lowest) | (events.component >= self.baseline.size))
        component = eqx.error_if(events.component, unknown, "an event belongs to a component that does not exist.")
        return self.branching.T[jnp.maximum(component, 0)]

    def _integrated(
        self, times: Float[Array, " events"], children: Float[Array, "events components"], at: Float[Array, "..."]
    ) -> Float[Array, "... components"]:
        memory, _ = faded_sums(times, children, self.decay)
        left, number = faded_to(at, times, memory, self.decay, side="right")
        born = jnp.concatenate([jnp.zeros_like(children[:1]), jnp.cumsum(children, axis=0)])[number]
        # Where mu is 0 nothing comes from the baseline, ever.
        elapsed = jnp.broadcast_to(at[..., None], left.shape)
        baseline = jnp.broadcast_to(self.baseline, left.shape)
        return jnp.where(baseline > 0.0, baseline * elapsed, 0.0) + born - left


def drawn_in_proportion(place: Float[Array, ""], weights: Float[Array, " components"]) -> Int[Array, ""]:
    """Return the component in whose share of the total weight the uniform number `place` falls."""
    ladder = jnp.cumsum(weights)
    # Rounding may put the place on top of the ladder.
    return jnp.minimum(jnp.sum(ladder <= place * ladder[-1]), weights.size - 1)
