"""A self-exciting point process with an exponential kernel."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Number, PRNGKey

from .counter_random import uniform_pair_at
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

    def init(self) -> "HawkesState":
        """Start at time 0 without a past."""
        return HawkesState(jnp.zeros_like(self.baseline), jnp.zeros_like(self.baseline))

    def events(self, key: PRNGKey, *, horizon: Number, max_events: int) -> HawkesEvents:
        """Draw the events up to `horizon`, exact in law, from a start without a past; see `events_from`.

        Args:
            key: spent here.
            horizon: > 0.
            max_events: places for events; the cost does not depend on how many are used.

        Raises:
            ValueError: if an argument is out of range.
        """
        horizon = within("horizon", horizon, 0.0)
        return self.events_from(self.init(), key, until=horizon, max_events=max_events)[1]

    def events_from(
        self, state: "HawkesState", key: PRNGKey, *, until: Number, max_events: int
    ) -> tuple["HawkesState", HawkesEvents]:
        r"""Draw the events from the state's time on, exact in law, and the state at the end.

        The waiting time is the smaller of one caused by the baseline, $E_2/\mu$, and one caused by the excess
        intensity x, $-\log(1 - \beta E_1/x)/\beta$, infinite when the logarithm has no argument ($E_i$ standard
        exponential). The process is Markov in (time, excess), so going on from the state with another baseline is how
        a regime changes at the edge of a block.

        Args:
            state: where the path stands; from `init` or an earlier call.
            key: spent here.
            until: end of this stretch, not before the state's time.
            max_events: places for the events of this stretch.

        Returns:
            The state at `until`, and the events after the state's time. If they overflowed, the state is that of the
            last event that has a place, and must not be carried on as if it were at `until`.

        Raises:
            ValueError: if `max_events` is less than 1.

        References:
            Dassios and Zhao (2013), Electron. Commun. Probab. 18(62), Algorithm 3.1.
        """
        at_least("max_events", max_events, 1)
        until = jnp.asarray(until, self.baseline.dtype)
        jump = self.branching_ratio * self.decay

        def advance(carry, counter):
            time, excess, going = carry
            uniforms = uniform_pair_at(key, counter[None], dtype=self.baseline.dtype)
            first, second = (-jnp.log1p(-uniform[0]) for uniform in uniforms)
            # The excess is 0 at the start and may underflow later: then only the baseline can cause the next event.
            causes = excess > self.decay * first
            remaining = 1.0 - self.decay * first / jnp.where(causes, excess, jnp.inf)
            by_excess = jnp.where(causes, -jnp.log(remaining) / self.decay, jnp.inf)
            wait = jnp.minimum(by_excess, second / self.baseline)
            going = going & (time + wait <= until)
            risen = excess * jnp.exp(-self.decay * wait) + jump
            after = jnp.where(going, time + wait, time), jnp.where(going, risen, excess), going
            return after, (jnp.where(going, time + wait, jnp.inf), going)

        start = (state.time, state.excess, jnp.ones_like(state.time, bool))
        # One event more than there are places, to know whether the places were enough.
        places = jnp.arange(max_events, dtype=jnp.uint32)
        (time, excess, going), (times, happened) = lax.scan(advance, start, places)
        (_, _, overflowed), _ = advance((time, excess, going), jnp.asarray(max_events, jnp.uint32))
        decayed = excess * jnp.exp(-self.decay * (until - time))
        end = HawkesState(jnp.where(overflowed, time, until), jnp.where(overflowed, excess, decayed))
        return end, HawkesEvents(times, jnp.sum(happened), overflowed)

    def intensity(self, times: Float[Array, " events"], at: Number | Float[Array, " points"]) -> Float[Array, "..."]:
        r"""Return $\lambda(t)$ at one or more times, given the events before them (an event at t itself not counted).

        Args:
            times: ascending, padded with +inf, as in `HawkesEvents`.
            at: times >= 0, in any order.
        """
        at = jnp.asarray(at, self.baseline.dtype)
        memory, _ = self._memory(times)
        number = jnp.searchsorted(times, at, side="left")
        last = jnp.maximum(number - 1, 0)
        elapsed = jnp.where(number > 0, at - times[last], jnp.inf)
        excited = jnp.where(number > 0, memory[last], 0.0) * jnp.exp(-self.decay * elapsed)
        return self.baseline + self.branching_ratio * self.decay * excited

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
        times = jnp.asarray(times, self.baseline.dtype)
        wrong = jnp.any(times[1:] < times[:-1]) | jnp.any(times < 0.0) | jnp.any(jnp.isnan(times))
        times = eqx.error_if(times, wrong, "event times must be >= 0 and ascending.")
        happened = jnp.isfinite(times)
        times = eqx.error_if(times, jnp.any(happened & (times > horizon)), "event times lie beyond the horizon.")
        memory, gaps = self._memory(times)
        before = jnp.concatenate([jnp.zeros_like(memory[:1]), memory[:-1]]) * jnp.exp(-self.decay * gaps)
        rates = self.baseline + self.branching_ratio * self.decay * before
        return jnp.sum(jnp.where(happened, jnp.log(rates), 0.0)) - self.compensator(times, horizon)

    def compensator(self, times: Float[Array, " events"], at: Number | Float[Array, " points"]) -> Float[Array, "..."]:
        r"""Return the integrated intensity up to `at`, given the events before it.

        $$\Lambda(t) = \mu t + n \sum_{t_i < t} \bigl(1 - e^{-\beta (t - t_i)}\bigr)$$

        Between consecutive events it grows by independent standard exponentials.

        Args:
            times: ascending, padded with +inf, as in `HawkesEvents`.
            at: one or more times >= 0, in any order; +inf gives +inf.
        """
        at = jnp.asarray(at, self.baseline.dtype)
        memory, _ = self._memory(times)
        number = jnp.searchsorted(times, at, side="right")
        # At +inf the padding would count as events; those times have no finite compensator anyway.
        last = jnp.maximum(number - 1, 0)
        elapsed = jnp.where(jnp.isfinite(at) & (number > 0), at - times[last], jnp.inf)
        caused = number.astype(at.dtype) - jnp.where(number > 0, memory[last], 0.0) * jnp.exp(-self.decay * elapsed)
        return self.baseline * at + self.branching_ratio * caused

    def _memory(self, times: Float[Array, " events"]) -> tuple[Float[Array, " events"], Float[Array, " events"]]:
        """Return sum over i <= k of exp(-decay (t_k - t_i)) at each event, and the time since the one before."""
        happened = jnp.isfinite(times)
        before = jnp.concatenate([jnp.zeros_like(times[:1]), times[:-1]])
        gaps = jnp.where(happened, times - jnp.where(jnp.isfinite(before), before, 0.0), 0.0)

        def decayed(memory, gap):
            memory = memory * jnp.exp(-self.decay * gap) + 1.0
            return memory, memory

        return lax.scan(decayed, jnp.zeros_like(self.decay), gaps)[1], gaps
