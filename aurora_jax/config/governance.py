"""Settings of governance, spec section 6, as plain numbers; `engine.build` turns them into objects.

Paths into these records are what the calibration grid accepts, e.g. `kappa.tau_pass` and
`acceptance.hysteresis.tau_pass_up`.
"""

import itertools
from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from .frozen import Frozen

Share = Annotated[float, Field(ge=0.0, le=1.0)]
"""A fraction in [0, 1]."""

Amount = Annotated[float, Field(ge=0.0)]
"""A quantity that cannot be negative."""


def require_order(**ascending: float | int) -> None:
    """Refuse values that do not ascend as given; equal ones may."""
    for (low_name, low), (high_name, high) in itertools.pairwise(ascending.items()):
        if low > high:
            raise ValueError(f"{low_name} must not exceed {high_name}, were {low:g} and {high:g}")


class ScoreThresholdConfig(Frozen):
    """Levels of the acceptance score below which a state is left downwards.

    The defaults are the papers' examples; a calm market rarely scores so high. Calibrate them as quantiles of the
    score on calm validation data before use.
    """

    tau_pass: Share = 0.72
    tau_derisk: Share = 0.48


class HysteresisConfig(Frozen):
    """Levels of the acceptance score needed to come back up."""

    tau_pass_up: Share = 0.78
    tau_derisk_up: Share = 0.54


class PenaltyConfig(Frozen):
    """What each raised guard takes off the acceptance score."""

    coverage: Share = 0.10
    coverage_streak: Share = 0.10
    latency: Share = 0.05
    surprisal: Share = 0.10
    width: Share = 0.05
    kappa: Share = 0.0
    saturation: Share = 0.05
    data_age: Share = 0.10
    error_rate: Share = 0.10
    drawdown: Share = 0.05


class AcceptanceConfig(Frozen):
    """The acceptance machine: when it weakens, blocks and recovers."""

    hysteresis: HysteresisConfig = HysteresisConfig()
    dwell_pass_bars: PositiveInt = 3
    dwell_derisk_bars: PositiveInt = 12
    cooldown_block_bars: PositiveInt = 24
    clean_window_bars: PositiveInt = 48
    fast_path: bool = False
    penalties: PenaltyConfig = PenaltyConfig()
    volatility_sensitivity: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0


class GuardConfig(Frozen):
    """Limits that raise a guard softly or hard."""

    coverage_soft_min: Share = 0.86
    coverage_hard_min: Share = 0.80
    miss_streak_hard_max: PositiveInt = 8
    latency_soft_max_ms: Amount = 150.0
    latency_hard_max_ms: Amount = 450.0
    surprisal_soft_max: Amount = 2.6
    surprisal_hard_max: Amount = 3.3
    relative_width_soft_max: Amount = 3.0
    kappa_score_soft_min: Share = 0.20
    data_age_hard_max_s: Amount = 300.0
    error_rate_hard_max: Share = 0.05
    drawdown_soft_max: Share = 0.10

    @model_validator(mode="after")
    def _soft_before_hard(self) -> "GuardConfig":
        require_order(coverage_hard_min=self.coverage_hard_min, coverage_soft_min=self.coverage_soft_min)
        require_order(latency_soft_max_ms=self.latency_soft_max_ms, latency_hard_max_ms=self.latency_hard_max_ms)
        require_order(surprisal_soft_max=self.surprisal_soft_max, surprisal_hard_max=self.surprisal_hard_max)
        return self


class _TrailingConfig(Frozen):
    """The window of a trailing quantile; the quantile reads 0 while warming up."""

    window_bars: PositiveInt = 256
    warm_up_bars: PositiveInt = 20
    probability: Share = 0.95

    @model_validator(mode="after")
    def _warms_up_within_window(self) -> "_TrailingConfig":
        require_order(warm_up_bars=self.warm_up_bars, window_bars=self.window_bars)
        return self


class TrailingQuantileConfig(_TrailingConfig):
    """A trailing quantile that a guard watches."""


class SurprisalConfig(_TrailingConfig):
    """Surprisal v2 and the trailing quantile of it."""

    huber_threshold: PositiveFloat = 1.345
    winsor_max: PositiveFloat = 6.0
    scale_floor: PositiveFloat = 1e-12


class ScaleMapConfig(Frozen):
    """Share of the base notional traded in each state."""

    PASS: Share = 1.0
    DERISK: Share = 0.5
    BLOCK: Annotated[float, Field(ge=0.0, le=0.0)] = 0.0

    @model_validator(mode="after")
    def _stricter_trades_less(self) -> "ScaleMapConfig":
        require_order(DERISK=self.DERISK, PASS=self.PASS)
        return self


class GatingConfig(Frozen):
    """Execution gating; notionals in the account's currency, by default as shares of the account."""

    scale_map: ScaleMapConfig = ScaleMapConfig()
    base_notional: Amount = 1.0
    min_notional: Amount = 0.0
    max_notional: Amount = 1.0
    hard_block_on_guard: bool = False

    @model_validator(mode="after")
    def _notionals_ascend(self) -> "GatingConfig":
        require_order(min_notional=self.min_notional, max_notional=self.max_notional)
        if self.base_notional > 0.0:
            require_order(min_notional=self.min_notional, base_notional=self.base_notional)
        return self


class KillSwitchConfig(Frozen):
    """Limits of the account and the service; the nominal coverage comes from certification."""

    latency_max_ms: Amount = 150.0
    kappa_plus_max: Share = 0.9
    coverage_shortfall: Share = 0.05
    drawdown_max: Share = 0.15
    recovery_bars: PositiveInt = 20


class GovernanceConfig(Frozen):
    """Everything that decides PASS, DERISK or BLOCK and what each lets through."""

    profile: str = "default"
    kappa: ScoreThresholdConfig = ScoreThresholdConfig()
    acceptance: AcceptanceConfig = AcceptanceConfig()
    guards: GuardConfig = GuardConfig()
    surprisal: SurprisalConfig = SurprisalConfig()
    latency: TrailingQuantileConfig = TrailingQuantileConfig()
    width: TrailingQuantileConfig = TrailingQuantileConfig()
    gating: GatingConfig = GatingConfig()
    kill_switch: KillSwitchConfig = KillSwitchConfig()

    @model_validator(mode="after")
    def _thresholds_agree(self) -> "GovernanceConfig":
        down, up = self.kappa, self.acceptance.hysteresis
        require_order(tau_derisk=down.tau_derisk, tau_pass=down.tau_pass, tau_pass_up=up.tau_pass_up)
        require_order(tau_derisk=down.tau_derisk, tau_derisk_up=up.tau_derisk_up, tau_pass_up=up.tau_pass_up)
        soft, hard = self.guards.drawdown_soft_max, self.kill_switch.drawdown_max
        require_order(**{"guards.drawdown_soft_max": soft, "kill_switch.drawdown_max": hard})
        return self
