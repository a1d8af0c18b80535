"""The acceptance machine: PASS, DERISK or BLOCK, by score and guards, with hysteresis and dwell."""

from collections.abc import Mapping
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Number, Outcome

from .decision import Decision, Trigger, advance
from .guards import Guard, GuardFlags
from .settings import count, require_order, require_within, switch, threshold


class AcceptanceState(NamedTuple):
    """What the next bar needs to know.

    Attributes:
        decision: `Decision` code now.
        streak: consecutive bars counted towards leaving it: weak ones in PASS, strong in DERISK, clean in BLOCK.
        bars_since_breach: bars since anything last called for BLOCK.
        killed: a kill has not been released yet.
    """

    decision: Int[Array, ""]
    streak: Int[Array, ""]
    bars_since_breach: Int[Array, ""]
    killed: Bool[Array, ""]


class AcceptanceInfo(NamedTuple):
    """What a reader needs to know of one bar.

    Attributes:
        decision: `Decision` code after this bar.
        score_before_penalties: 1 - kappa_plus.
        score: a, after penalties; higher is safer.
        penalties: subtracted, by `Guard`.
        reasons: which guards were raised, by `Guard`.
        trigger: `Trigger` code of what acted, `NO_TRIGGER` if nothing did.
        refused: which raised triggers the table has no rule for, by `Trigger`.
        switched: the decision changed on this bar.
        killed: a kill is latched.
        outcome: `Outcome.NON_FINITE` where kappa_plus was, and counted as 1.
    """

    decision: Int[Array, ""]
    score_before_penalties: Float[Array, ""]
    score: Float[Array, ""]
    penalties: Float[Array, " guards"]
    reasons: Bool[Array, " guards"]
    trigger: Int[Array, ""]
    refused: Bool[Array, " triggers"]
    switched: Bool[Array, ""]
    killed: Bool[Array, ""]
    outcome: Int[Array, ""]


class Thresholds(NamedTuple):
    """The four levels of the score that one bar is held against."""

    tau_pass: Float[Array, ""]
    tau_derisk: Float[Array, ""]
    tau_pass_up: Float[Array, ""]
    tau_derisk_up: Float[Array, ""]


def _penalty_vector(penalties: Mapping[Guard, float] | Float[Array, " guards"]) -> Float[Array, " guards"]:
    if isinstance(penalties, Mapping):
        return jnp.array([float(penalties.get(guard, 0.0)) for guard in Guard])
    return jnp.asarray(penalties, float)


class Acceptance(eqx.Module):
    r"""The acceptance machine.

    The score of a bar is $a = 1 - \kappa_+ - \sum_g \text{penalty}_g 1[g \text{ raised}]$. The transitions:

    | from | on | to |
    |---|---|---|
    | PASS | soft guard or a < tau_pass, for dwell_pass_bars | DERISK |
    | PASS, DERISK | hard guard, a < tau_derisk, a < 0 or a kill | BLOCK, at once |
    | DERISK | a >= tau_pass_up and no guard, for dwell_derisk_bars | PASS |
    | BLOCK | cooldown_block_bars elapsed, no hard guard, a >= tau_derisk_up, not killed | DERISK |
    | BLOCK | clean_window_bars without guard or breach, fast_path on, not killed | PASS |

    The cooldown runs from the last bar that called for BLOCK, not from the entry: else a path that was blocked
    earlier would leave earlier, and one with more penalties could end up looser than one with fewer.
    Likewise a streak starts from 0 with every change of state, so no state is left upwards before its dwell.

    Attributes:
        tau_pass: score below which PASS weakens; tau_pass_up >= it is needed to come back.
        tau_derisk: score below which everything blocks; tau_derisk_up >= it is needed to leave BLOCK.
        dwell_pass_bars: consecutive weak bars before PASS is left.
        dwell_derisk_bars: consecutive strong bars before DERISK is left for PASS.
        cooldown_block_bars: bars without a breach before BLOCK is left for DERISK.
        clean_window_bars: clean bars before BLOCK is left for PASS, where `fast_path` is on.
        fast_path: whether the direct way from BLOCK to PASS exists.
        penalties: per guard, >= 0, subtracted while it is raised; a mapping of `Guard` or a vector.
        volatility_sensitivity: s >= 0; where volatility is r > 1 times normal, the uncertainty allowed, 1 - tau,
            shrinks by r**-s. 0 leaves the thresholds alone.
    """

    tau_pass: Float[Array, ""] = eqx.field(converter=threshold)
    tau_derisk: Float[Array, ""] = eqx.field(converter=threshold)
    tau_pass_up: Float[Array, ""] = eqx.field(converter=threshold)
    tau_derisk_up: Float[Array, ""] = eqx.field(converter=threshold)
    dwell_pass_bars: Int[Array, ""] = eqx.field(converter=count)
    dwell_derisk_bars: Int[Array, ""] = eqx.field(converter=count)
    cooldown_block_bars: Int[Array, ""] = eqx.field(converter=count)
    clean_window_bars: Int[Array, ""] = eqx.field(converter=count)
    fast_path: Bool[Array, ""] = eqx.field(converter=switch, default=False)
    penalties: Float[Array, " guards"] = eqx.field(converter=_penalty_vector, default_factory=dict)
    volatility_sensitivity: Float[Array, ""] = eqx.field(converter=threshold, default=0.0)

    def __check_init__(self):
        require_within(0.0, 1.0, tau_derisk=self.tau_derisk, tau_pass_up=self.tau_pass_up)
        require_order(tau_derisk=self.tau_derisk, tau_pass=self.tau_pass, tau_pass_up=self.tau_pass_up)
        require_order(tau_derisk=self.tau_derisk, tau_derisk_up=self.tau_derisk_up, tau_pass_up=self.tau_pass_up)
        require_within(
            1,
            float("inf"),
            dwell_pass_bars=self.dwell_pass_bars,
            dwell_derisk_bars=self.dwell_derisk_bars,
            cooldown_block_bars=self.cooldown_block_bars,
            clean_window_bars=self.clean_window_bars,
        )
        if self.penalties.shape != (len(Guard),):
            raise ValueError(f"penalties must be one per guard ({len(Guard)}), had shape {self.penalties.shape}.")
        require_within(0.0, 10.0, penalties=self.penalties, volatility_sensitivity=self.volatility_sensitivity)

    def init(self) -> AcceptanceState:
        """Start in PASS."""
        zero = jnp.zeros((), int)
        return AcceptanceState(jnp.asarray(Decision.PASS, int), zero, zero, jnp.zeros((), bool))

    def thresholds(self, volatility_ratio: Number = 1.0) -> Thresholds:
        """Return the levels in force where volatility is `volatility_ratio` times normal; never below the settings."""
        ratio = jnp.maximum(jnp.asarray(volatility_ratio, float), 1.0)
        shrink = ratio**-self.volatility_sensitivity
        levels = (self.tau_pass, self.tau_derisk, self.tau_pass_up, self.tau_derisk_up)
        # At ratio 1 the level itself, not 1 - (1 - level), which may differ in the last bit.
        return Thresholds(*(jnp.where(shrink == 1.0, tau, 1.0 - (1.0 - tau) * shrink) for tau in levels))

    def score(self, kappa_plus: Number, flags: GuardFlags) -> tuple[Float[Array, ""], Float[Array, " guards"]]:
        """Return the score a, and what each guard took off it; a kappa_plus that is not finite counts as 1."""
        penalties = jnp.where(flags.any, self.penalties, 0.0)
        return _certainty(kappa_plus) - jnp.sum(penalties), penalties

    def step(
        self,
        state: AcceptanceState,
        *,
        kappa_plus: Number,
        flags: GuardFlags,
        kill: bool | Bool[Array, ""] = False,
        release: bool | Bool[Array, ""] = False,
        volatility_ratio: Number = 1.0,
    ) -> tuple[AcceptanceState, AcceptanceInfo]:
        """Advance one bar.

        Args:
            state: from `init` or the bar before.
            kappa_plus: meta-uncertainty in [0, 1].
            flags: raised guards.
            kill: latch BLOCK; a bar that also releases stays killed.
            release: lift that latch; refused where nothing is latched.
            volatility_ratio: volatility now over its normal level.
        """
        before = state.decision
        score, penalties = self.score(kappa_plus, flags)
        tau = self.thresholds(volatility_ratio)
        some_hard, some_guard = jnp.any(flags.hard), jnp.any(flags.any)

        # Negated comparisons, so that a threshold that is NaN is read as broken, not as met.
        breached = some_hard | ~(score >= tau.tau_derisk) | (score < 0.0)
        weak = jnp.any(flags.soft) | ~(score >= tau.tau_pass)
        strong = (score >= tau.tau_pass_up) & ~some_guard
        clean = ~some_guard & ~breached

        kill, release = jnp.asarray(kill, bool), jnp.asarray(release, bool)
        kill_new = kill & ~state.killed
        released = release & state.killed & ~kill
        killed = kill | (state.killed & ~released)

        in_pass, in_derisk, in_block = (before == decision for decision in Decision)
        counted = (in_pass & weak) | (in_derisk & strong) | (in_block & clean)
        streak = jnp.where(counted, state.streak + 1, 0)
        since = jnp.where(breached | kill_new, 0, state.bars_since_breach + 1)
        leaves_block = in_block & ~killed
        raised = {
            Trigger.KILL: kill_new,
            Trigger.BREACH: breached,
            Trigger.CLEAR: leaves_block & self.fast_path & (streak >= self.clean_window_bars),
            Trigger.COOL: leaves_block
            & ~some_hard
            & (since >= self.cooldown_block_bars)
            & (score >= tau.tau_derisk_up),
            Trigger.RECOVER: in_derisk & (streak >= self.dwell_derisk_bars),
            Trigger.WEAKEN: in_pass & (streak >= self.dwell_pass_bars),
            Trigger.RELEASE: released,
        }
        decision, trigger, refused = advance(before, jnp.stack([raised[name] for name in Trigger]))
        switched = decision != before
        info = AcceptanceInfo(
            decision=decision,
            score_before_penalties=_certainty(kappa_plus),
            score=score,
            penalties=penalties,
            reasons=flags.any,
            trigger=trigger,
            refused=refused.at[Trigger.RELEASE].set(release & ~released),
            switched=switched,
            killed=killed,
            outcome=jnp.where(jnp.isfinite(jnp.asarray(kappa_plus, float)), int(Outcome.OK), int(Outcome.NON_FINITE)),
        )
        return AcceptanceState(decision, jnp.where(switched, 0, streak), since, killed), info


def _certainty(kappa_plus: Number) -> Float[Array, ""]:
    """Return 1 - kappa_plus, 0 (the least) where it is not finite; values outside [0, 1] by rounding are clipped."""
    kappa_plus = jnp.asarray(kappa_plus, float)
    return 1.0 - jnp.clip(jnp.where(jnp.isfinite(kappa_plus), kappa_plus, 1.0), 0.0, 1.0)
