"""When a stream is in transition between regimes: two hystereses, two gates and a shortest duration."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Number

from .phases import Phase, Trigger, advance
from .settings import count, level, require


class TransitionState(NamedTuple):
    """What the next bar needs to know.

    Attributes:
        phase: `Phase` code.
        age_bars: bars that the present transition has lasted, 0 outside one.
    """

    phase: Int[Array, ""]
    age_bars: Int[Array, ""]


class TransitionInfo(NamedTuple):
    """What a reader needs to know of one bar.

    Attributes:
        in_transition: after this bar.
        started: on this bar.
        ended: on this bar.
        trigger: `Trigger` code that this bar brought.
        refused: the trigger had no rule: a start in a still or thin market, or an end before its time.
    """

    in_transition: Bool[Array, ""]
    started: Bool[Array, ""]
    ended: Bool[Array, ""]
    trigger: Int[Array, ""]
    refused: Bool[Array, ""]


class Transition(eqx.Module):
    """Declares transitions from the smoothed crossbar index and the momentum of a stream.

    A transition starts on a bar whose index and momentum are both above their upper levels while volatility, and volume
    where the stream has it, are above theirs. It ends on a bar whose index or momentum is below its lower level, but
    lasts at least `min_transition_bars`, the first included. Levels are array leaves: a grid of them is one `vmap`.

    Attributes:
        index_on: smoothed index above which a transition may start; `index_off` <= it, below which it ends.
        momentum_on: size of momentum above which it may start; `momentum_off` <= it, below which it ends.
        volatility_min: volatility above which it may start.
        min_transition_bars: shortest duration.
        volume_share_min: share of past volumes that this bar's must exceed for a start.
    """

    index_on: Float[Array, ""] = eqx.field(converter=level)
    index_off: Float[Array, ""] = eqx.field(converter=level)
    momentum_on: Float[Array, ""] = eqx.field(converter=level)
    momentum_off: Float[Array, ""] = eqx.field(converter=level)
    volatility_min: Float[Array, ""] = eqx.field(converter=level)
    min_transition_bars: Int[Array, ""] = eqx.field(converter=count)
    volume_share_min: Float[Array, ""] = eqx.field(converter=level, default=0.0)

    def __check_init__(self):
        require(self.index_off <= self.index_on, "index_off must not exceed index_on", self.index_off, self.index_on)
        require(
            self.momentum_off <= self.momentum_on,
            "momentum_off must not exceed momentum_on",
            self.momentum_off,
            self.momentum_on,
        )
        require(self.volatility_min >= 0, "volatility_min must be >= 0", self.volatility_min)
        require(self.min_transition_bars >= 1, "min_transition_bars must be at least 1", self.min_transition_bars)
        within = (self.volume_share_min >= 0) & (self.volume_share_min < 1)
        require(within, "volume_share_min must lie in [0, 1)", self.volume_share_min)

    def init(self) -> TransitionState:
        """Start outside a transition."""
        return TransitionState(jnp.asarray(int(Phase.STEADY), int), jnp.zeros((), int))

    def step(
        self,
        state: TransitionState,
        *,
        crossbar: Number,
        momentum: Number,
        volatility: Number,
        volume_share: Number | None = None,
    ) -> tuple[TransitionState, TransitionInfo]:
        """Advance one bar.

        A measurement that is not finite is above no level and below none, so it neither starts nor ends anything.

        Args:
            state: after the previous bar.
            crossbar: smoothed crossbar index.
            momentum: of the stream; its sign does not matter, up and down are transitions alike.
            volatility: in the unit of `volatility_min`.
            volume_share: share of past volumes below this bar's, in [0, 1]; None where the stream has no volume.
        """
        trigger = self._trigger(crossbar, momentum, volatility, volume_share)
        mature = (state.phase == Phase.HELD) & (state.age_bars >= self.min_transition_bars)
        aged = advance(state.phase, jnp.asarray(int(Trigger.MATURE), int))
        moved = advance(jnp.where(mature, aged.after, state.phase), trigger)
        before, after = state.phase != Phase.STEADY, moved.after != Phase.STEADY
        info = TransitionInfo(
            in_transition=after,
            started=after & ~before,
            ended=before & ~after,
            trigger=trigger,
            refused=moved.refused,
        )
        return TransitionState(moved.after, jnp.where(after, state.age_bars + 1, 0)), info

    def _trigger(self, crossbar, momentum, volatility, volume_share) -> Int[Array, ""]:
        """Return what this bar brings, as a `Trigger` code."""
        strength = jnp.abs(jnp.asarray(momentum, float))
        above = (crossbar > self.index_on) & (strength > self.momentum_on)
        below = (crossbar < self.index_off) | (strength < self.momentum_off)
        lively = volatility > self.volatility_min
        if volume_share is not None:
            lively &= volume_share > self.volume_share_min
        onset = jnp.where(lively, int(Trigger.ONSET), int(Trigger.GATED))
        return jnp.where(above, onset, jnp.where(below, int(Trigger.CALM), int(Trigger.QUIET)))
