"""The kill switch and the fallbacks: what is done when a limit of the whole account or service breaks."""

import enum
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Number

from .command import NO_COMMAND, Command, CommandKind
from .guards import Guard, GuardFlags
from .settings import count, require_within, threshold


class Latch(enum.IntEnum):
    """What flattens the account and stays until an authorised release."""

    DRAWDOWN = 0
    STOP_LOSS = 1
    MANUAL = 2


class KillSwitchState(NamedTuple):
    """What the next bar needs to know; a plain pytree, so a snapshot restores it as strict as it was.

    Attributes:
        latched: by `Latch`.
        released_drawdown: drawdown at the last release, less any recovery since; 0 if there was none.
        slow: the latency fallback is on.
        fast_bars: consecutive bars within the latency limit.
    """

    latched: Bool[Array, " latches"]
    released_drawdown: Float[Array, ""]
    slow: Bool[Array, ""]
    fast_bars: Int[Array, ""]


class Fallbacks(NamedTuple):
    """What the engine must do on this bar."""

    simple_model: Bool[Array, ""]
    reduce_size: Bool[Array, ""]
    widen_intervals: Bool[Array, ""]
    block: Bool[Array, ""]
    flatten: Bool[Array, ""]


class ControlInfo(NamedTuple):
    """What became of a command: whether anything is latched after it, and whether it released or was refused."""

    killed: Bool[Array, ""]
    released: Bool[Array, ""]
    refused: Bool[Array, ""]


class KillSwitchInfo(NamedTuple):
    """What a reader needs to know of one bar.

    Attributes:
        fallbacks: in force.
        latched: causes of the flattening, by `Latch`.
        killed: at least one is latched.
        released: a release was obeyed on this bar.
        command_refused: a command was not obeyed: not authorised, nothing to release, cause still there, or unknown.
    """

    fallbacks: Fallbacks
    latched: Bool[Array, " latches"]
    killed: Bool[Array, ""]
    released: Bool[Array, ""]
    command_refused: Bool[Array, ""]


class KillSwitch(eqx.Module):
    r"""Fallbacks that pass by themselves, and a switch that does not.

    | on | action | latches |
    |---|---|---|
    | latency > latency_max_ms | simple model | until within the limit for `recovery_bars` |
    | kappa_plus > kappa_plus_max | reduce size | no |
    | coverage < nominal_coverage - coverage_shortfall | widen intervals | no |
    | data age or error rate beyond its guard, or an unknown (NaN) signal there or in the drawdown | block | no |
    | drawdown > drawdown_max, stop-loss, manual kill | flatten | yes |

    An account that was flattened cannot recover its drawdown, so after a release the drawdown is counted from the
    level released at, r: it latches again when $1 - (1 - D) / (1 - r)$ exceeds drawdown_max.

    The acceptance machine follows the switch: pass it kill = info.killed and
    release = acceptance_state.killed & ~info.killed, which also holds for a release given between bars.

    Attributes:
        latency_max_ms: of one decision.
        kappa_plus_max: in [0, 1].
        nominal_coverage: 1 - miscoverage, in [0, 1].
        coverage_shortfall: tolerated below it, in [0, 1].
        drawdown_max: in [0, 1].
        recovery_bars: bars within the latency limit before the full model returns.
    """

    latency_max_ms: Float[Array, ""] = eqx.field(converter=threshold)
    kappa_plus_max: Float[Array, ""] = eqx.field(converter=threshold)
    nominal_coverage: Float[Array, ""] = eqx.field(converter=threshold)
    coverage_shortfall: Float[Array, ""] = eqx.field(converter=threshold)
    drawdown_max: Float[Array, ""] = eqx.field(converter=threshold)
    recovery_bars: Int[Array, ""] = eqx.field(converter=count)

    def __check_init__(self):
        require_within(0.0, float("inf"), latency_max_ms=self.latency_max_ms)
        require_within(
            0.0,
            1.0,
            kappa_plus_max=self.kappa_plus_max,
            nominal_coverage=self.nominal_coverage,
            coverage_shortfall=self.coverage_shortfall,
            drawdown_max=self.drawdown_max,
        )
        require_within(1, float("inf"), recovery_bars=self.recovery_bars)

    def init(self) -> KillSwitchState:
        """Start with nothing latched."""
        no = jnp.zeros((), bool)
        return KillSwitchState(jnp.zeros(len(Latch), bool), jnp.zeros((), float), no, jnp.zeros((), int))

    def control(
        self,
        state: KillSwitchState,
        command: Command,
        *,
        drawdown: Number,
        stop_loss: bool | Bool[Array, ""] = False,
    ) -> tuple[KillSwitchState, ControlInfo]:
        """Obey or refuse one command; between bars, with the drawdown last known.

        A release needs an authorised sender, something latched, no stop-loss still hit and a known drawdown.
        """
        drawdown = jnp.asarray(drawdown, float)
        kind, authorised = jnp.asarray(command.kind, int), jnp.asarray(command.authorised, bool)
        asks_kill = kind == int(CommandKind.KILL)
        safe = ~jnp.asarray(stop_loss, bool) & ~jnp.isnan(drawdown)
        released = (kind == int(CommandKind.RELEASE)) & authorised & jnp.any(state.latched) & safe
        latched = (state.latched & ~released).at[Latch.MANUAL].max(asks_kill)
        state = state._replace(
            latched=latched, released_drawdown=jnp.where(released, drawdown, state.released_drawdown)
        )
        refused = (kind != int(CommandKind.NONE)) & ~asks_kill & ~released
        return state, ControlInfo(killed=jnp.any(latched), released=released, refused=refused)

    def step(
        self,
        state: KillSwitchState,
        *,
        latency_ms: Number,
        kappa_plus: Number,
        coverage_ema: Number,
        drawdown: Number,
        flags: GuardFlags,
        stop_loss: bool | Bool[Array, ""] = False,
        command: Command = NO_COMMAND,
    ) -> tuple[KillSwitchState, KillSwitchInfo]:
        """Obey the command, if any, and advance one bar.

        Args:
            state: from `init` or the bar before.
            latency_ms: of the previous decision.
            kappa_plus: meta-uncertainty in [0, 1].
            coverage_ema: exponential mean of "the interval covered".
            drawdown: of the account, in [0, 1].
            flags: raised guards; data age and error rate are judged there, once.
            stop_loss: a hard stop-loss was hit.
            command: of this bar, if any.
        """
        latency, kappa_plus, coverage, drawdown = (
            jnp.asarray(value, float) for value in (latency_ms, kappa_plus, coverage_ema, drawdown)
        )
        state, control = self.control(state, command, drawdown=drawdown, stop_loss=stop_loss)
        known_drawdown = ~jnp.isnan(drawdown)
        # The reference follows the account up (a running peak since the release), never down.
        reference = jnp.where(known_drawdown, jnp.minimum(state.released_drawdown, drawdown), state.released_drawdown)
        # 1 - (1 - D) / (1 - r) > max, multiplied out so that a total loss divides nothing by zero.
        too_deep = (1.0 - drawdown) < (1.0 - self.drawdown_max) * (1.0 - reference)
        latched = state.latched.at[Latch.DRAWDOWN].max(too_deep).at[Latch.STOP_LOSS].max(jnp.asarray(stop_loss, bool))
        killed = jnp.any(latched)

        too_slow = ~(latency <= self.latency_max_ms)
        fast_bars = jnp.where(too_slow, 0, state.fast_bars + 1)
        slow = too_slow | (state.slow & (fast_bars < self.recovery_bars))
        unknown_or_late = flags.hard[jnp.array([Guard.DATA_AGE, Guard.ERROR_RATE])]
        info = KillSwitchInfo(
            fallbacks=Fallbacks(
                simple_model=slow,
                reduce_size=~(kappa_plus <= self.kappa_plus_max),
                # The tolerance keeps a coverage of exactly nominal - shortfall on the quiet side of rounding.
                widen_intervals=~(coverage >= self.nominal_coverage - self.coverage_shortfall - 1e-12),
                block=jnp.any(unknown_or_late) | ~known_drawdown,
                flatten=killed,
            ),
            latched=latched,
            killed=killed,
            released=control.released,
            command_refused=control.refused,
        )
        return KillSwitchState(latched, reference, slow, fast_bars), info
