"""Settings of the engine, spec sections 4.4 and 5, as plain numbers; `engine.build` turns them into objects."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from .frozen import Frozen
from .governance import GovernanceConfig, require_order
from .governance import Share as Level
from .student_model import StudentModelConfig

OpenShare = Annotated[float, Field(gt=0.0, lt=1.0)]
"""A fraction in (0, 1)."""


class ConformalConfig(Frozen):
    """Conformal intervals; `miscoverage` is a decision and has no default."""

    miscoverage: OpenShare
    step_size_base: PositiveFloat = 0.01
    step_size_transition: PositiveFloat = 0.03
    transition_offset: float = -0.02
    crossbar_offset: float = -0.01
    miscoverage_min: OpenShare = 0.05
    miscoverage_max: OpenShare = 0.20
    inflation_max: Annotated[float, Field(ge=1.0, le=1.25)] = 1.25
    coverage_ema_bars: PositiveInt = 250
    window_bars: PositiveInt = 500
    cold_start_scores: PositiveInt = 100


class CrossbarConfig(Frozen):
    """Crossbar index and the hysteresis by which a transition is declared.

    Attributes:
        window_bars: returns that the router and momentum read.
        recent_bars: returns in the index's recent window, at least 32; `long_bars` in its long one.
        half_life_bars: bars after which an index counts half.
        index_on: smoothed index above which a transition may start; `index_off` below which it ends.
        momentum_on: size of momentum above which it may start; `momentum_off` below which it ends.
        volatility_min: volatility above which it may start.
        min_transition_bars: shortest duration.
    """

    window_bars: PositiveInt = 128
    recent_bars: Annotated[int, Field(ge=32)] = 32
    long_bars: PositiveInt = 256
    half_life_bars: PositiveFloat = 8.0
    index_on: PositiveFloat = 2.0
    index_off: PositiveFloat = 1.4
    momentum_on: NonNegativeFloat = 0.5
    momentum_off: NonNegativeFloat = 0.2
    volatility_min: NonNegativeFloat = 0.0
    min_transition_bars: PositiveInt = 5

    @model_validator(mode="after")
    def _hysteresis(self) -> "CrossbarConfig":
        for name in ("index", "momentum"):
            on, off = getattr(self, f"{name}_on"), getattr(self, f"{name}_off")
            if off > on:
                raise ValueError(f"{name}_off must not exceed {name}_on, were {off:g} and {on:g}")
        return self

    @model_validator(mode="after")
    def _lengths(self) -> "CrossbarConfig":
        if self.recent_bars >= self.long_bars:
            raise ValueError(f"recent_bars must be below long_bars, were {self.recent_bars} and {self.long_bars}")
        if self.window_bars > self.long_bars:
            raise ValueError(f"window_bars must not exceed long_bars, were {self.window_bars} and {self.long_bars}")
        return self


class MetaConfig(Frozen):
    """How evidence becomes kappa and kappa_plus."""

    state_weight: NonNegativeFloat = 1.0
    model_weight: NonNegativeFloat = 1.0
    forecast_weight: NonNegativeFloat = 1.0
    gamma: Annotated[float, Field(ge=0.0, le=1.0)] = 0.6
    coverage_window_bars: PositiveInt = 250
    width_window_bars: PositiveInt = 500
    worst_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1
    warm_up_bars: PositiveInt = 130


class AllocationConfig(Frozen):
    """Weights of least worst-case expected shortfall; `tail_probability` is a decision and has no default."""

    tail_probability: OpenShare
    radius_share: NonNegativeFloat = 0.1
    rebalance_bars: PositiveInt = 21
    transition_gap_bars: PositiveInt = 5
    history_bars: PositiveInt = 512
    simulated_share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.5
    tail_rows: PositiveInt = 256
    body_rows: PositiveInt = 256


class CalmLevels(Frozen):
    """Levels found on a stream's own calm years; they take the place of those that all streams share.

    A mean over twenty assets moves less than one asset's value: the same level means something else for each stream.
    """

    tau_pass: Level
    tau_derisk: Level
    tau_pass_up: Level
    tau_derisk_up: Level
    index_on: PositiveFloat
    index_off: PositiveFloat

    @model_validator(mode="after")
    def _in_order(self) -> "CalmLevels":
        require_order(tau_derisk=self.tau_derisk, tau_pass=self.tau_pass, tau_pass_up=self.tau_pass_up)
        require_order(tau_derisk=self.tau_derisk, tau_derisk_up=self.tau_derisk_up, tau_pass_up=self.tau_pass_up)
        require_order(index_off=self.index_off, index_on=self.index_on)
        return self


class TransferEvidence(Frozen):
    """What the gates said of a stream that uses models of another.

    Attributes:
        verdict: of the transfer gate (TVF), `transfer_gate`; `scripts/study_transfer.py` prints those of its pairs.
        causal_coverage: the stream's causal tail field is certified (CCC), `CoverageCertifier`; no command asks it yet.
    """

    verdict: Literal["READY", "NOT_READY", "UNDECIDED"]
    causal_coverage: bool


class StreamConfig(Frozen):
    """One stream: its assets in order, the columns it declares, the bounds on its weights and its calm levels.

    `evidence` None is a stream whose models are its own: there is nothing to transfer. With evidence that is not READY
    and certified it is served in conservative mode.
    """

    assets: tuple[str, ...] = Field(min_length=1)
    ohlc: bool
    volume: bool
    bar_seconds: PositiveInt = 86_400
    weight_min: float = -0.2
    weight_max: float = 0.5
    levels: CalmLevels | None = None
    evidence: TransferEvidence | None = None

    @model_validator(mode="after")
    def _weights_can_sum_to_one(self) -> "StreamConfig":
        count = len(self.assets)
        if not count * self.weight_min <= 1.0 <= count * self.weight_max:
            raise ValueError(f"weights of {count} assets in [{self.weight_min:g}, {self.weight_max:g}] cannot sum to 1")
        return self


class EngineConfig(Frozen):
    """Everything that `engine.build` needs beside an artifact's arrays."""

    streams: dict[str, StreamConfig] = Field(default_factory=dict)
    features: tuple[str, ...] = Field(min_length=1)
    features_removed: dict[str, str] = Field(default_factory=dict)
    student: StudentModelConfig = StudentModelConfig()
    conformal: ConformalConfig
    crossbar: CrossbarConfig = CrossbarConfig()
    meta: MetaConfig = MetaConfig()
    allocation: AllocationConfig
    governance: GovernanceConfig = GovernanceConfig()
