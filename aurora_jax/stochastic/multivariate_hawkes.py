"""Point processes that excite each other."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Number, PRNGKey

from .branching_matrix import spectral_radius
from .counter_random import uniform_pair_at
from .domain import at_least, refuse_if, within


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
        if isinstance(self.branching, Tracer):
            # By power iteration, as eigenvalues of general matrices are not to be had on every device.
            radius = spectral_radius(self.branching)
            self.branching = eqx.error_if(self.branching, radius >= 1.0, "spectral radius of branching must be < 1.")
        else:
            radius = float(np.max(np.abs(np.linalg.eigvals(np.asarray(self.branching)))))
            if not radius < 1.0:
                raise ValueError(f"the spectral radius of branching must be less than 1, was {radius:.6g}.")

    @property
    def stationary_rates(self) -> Float[Array, " components"]:
        r"""Return $(I - N)^{-1} \mu$, mean events per unit time once the start is forgotten."""
        return jnp.linalg.solve(jnp.eye(self.baseline.size, dtype=self.baseline.dtype) - self.branching, self.baseline)

    def init(self) -> MultivariateHawkesState:
        """Start at time 0 without a past."""
        return MultivariateHawkesState(jnp.zeros_like(self.decay), jnp.zeros_like(self.baseline))

    def events(self, key: PRNGKey, *, horizon: Number, max_events: int) -> MarkedEvents:
        """Draw the events up to `horizon`, exact in law, from a start without a past; see `events_from`."""
        horizon = within("horizon", horizon, 0.0)
        return self.events_from(self.init(), key, until=horizon, max_events=max_events)[1]

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
            ValueError: if `max_events` is less than 1.

        References:
            Dassios and Zhao (2013), Electron. Commun. Probab. 18(62), Algorithm 3.1.
        """
        at_least("max_events", max_events, 1)
        dtype = self.baseline.dtype
        until = jnp.asarray(until, dtype)
        total = jnp.sum(self.baseline)

        def advance(carry, counter):
            time, excess, going = carry
            # Three numbers an event: two for the wait, one for the component.
            first, second = uniform_pair_at(key, 2 * counter[None], dtype=dtype)
            place, _ = uniform_pair_at(key, 2 * counter[None] + np.uint32(1), dtype=dtype)
            own, base = -jnp.log1p(-first[0]), -jnp.log1p(-second[0])
            summed = jnp.sum(excess)
            causes = summed > self.decay * own
            remaining = 1.0 - self.decay * own / jnp.where(causes, summed, jnp.inf)
            wait = jnp.minimum(jnp.where(causes, -jnp.log(remaining) / self.decay, jnp.inf), base / total)
            decayed = excess * jnp.exp(-self.decay * wait)
            ladder = jnp.cumsum(self.baseline + decayed)
            component = jnp.minimum(jnp.sum(ladder <= place[0] * ladder[-1]), self.baseline.size - 1)
            going = going & (time + wait <= until)
            risen = decayed + self.decay * self.branching[:, component]
            after = jnp.where(going, time + wait, time), jnp.where(going, risen, excess), going
            return after, (jnp.where(going, time + wait, jnp.inf), jnp.where(going, component, -1), going)

        start = (state.time, state.excess, jnp.ones_like(state.time, bool))
        places = jnp.arange(max_events, dtype=jnp.uint32)
        (time, excess, going), (times, component, happened) = lax.scan(advance, start, places)
        (_, _, overflowed), _ = advance((time, excess, going), jnp.asarray(max_events, jnp.uint32))
        end = MultivariateHawkesState(
            jnp.where(overflowed, time, until),
            excess * jnp.where(overflowed, 1.0, jnp.exp(-self.decay * (until - time))),
        )
        return end, MarkedEvents(times, component, jnp.sum(happened), overflowed)

    def compensator(self, events: MarkedEvents, at: Float[Array, " points"]) -> Float[Array, "points components"]:
        r"""Return each component's integrated intensity up to `at`, given the events of one path.

        $$\Lambda_i(t) = \mu_i t + \sum_{t_k < t} N_{i c_k} \bigl(1 - e^{-\beta (t - t_k)}\bigr)$$

        Between consecutive events of one component, its own compensator grows by independent standard exponentials.
        """
        at = jnp.asarray(at, self.baseline.dtype)
        age = at[:, None] - events.times[None, :]
        share = jnp.where(age > 0.0, -jnp.expm1(-self.decay * jnp.maximum(age, 0.0)), 0.0)
        caused = self.branching[:, jnp.maximum(events.component, 0)]
        return self.baseline[None, :] * at[:, None] + share @ caused.T

    def log_likelihood(self, events: MarkedEvents, *, horizon: Number) -> Float[Array, ""]:
        r"""Return $\sum_k \log\lambda_{c_k}(t_k) - \sum_i \Lambda_i(T)$, differentiable in the parameters.

        Args:
            events: all events of one path on [0, horizon].
            horizon: T > 0.

        Raises:
            ValueError: if `horizon` is out of range.
            RuntimeError: at run time, if times are not ascending or lie beyond the horizon.
        """
        horizon = within("horizon", horizon, 0.0)
        happened = jnp.isfinite(events.times)
        wrong = jnp.any(events.times[1:] < events.times[:-1]) | jnp.any(happened & (events.times > horizon))
        times = eqx.error_if(events.times, wrong, "event times must be ascending and not lie beyond the horizon.")

        def advance(carry, event):
            before, excess = carry
            time, component, real = event
            own = jnp.maximum(component, 0)
            decayed = excess * jnp.exp(-self.decay * jnp.where(real, time - before, 0.0))
            density = jnp.where(real, jnp.log(self.baseline[own] + decayed[own]), 0.0)
            risen = decayed + jnp.where(real, self.decay, 0.0) * self.branching[:, own]
            return (jnp.where(real, time, before), risen), density

        start = (jnp.zeros_like(self.decay), jnp.zeros_like(self.baseline))
        densities = lax.scan(advance, start, (times, events.component, happened))[1]
        return jnp.sum(densities) - jnp.sum(self.compensator(events, horizon[None]))
