"""Settings of the quickstart, from packaged data to a served artifact."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from .engine import EngineConfig, OpenShare
from .frozen import Frozen
from .governance import require_order
from .seb_plus import SebPlusConfig


class PeriodsConfig(Frozen):
    """Where training, validation and hold-out meet; ISO dates. They are decisions and have no defaults."""

    train_end: str
    validation_end: str
    embargo_bars: NonNegativeInt = 64

    @model_validator(mode="after")
    def _in_order(self) -> "PeriodsConfig":
        if datetime.fromisoformat(self.train_end) >= datetime.fromisoformat(self.validation_end):
            raise ValueError(
                f"train_end must be before validation_end, were {self.train_end} and {self.validation_end}"
            )
        return self


class TeacherTrainingConfig(Frozen):
    """Fitting the teacher."""

    block_bars: PositiveInt = 128
    steps: PositiveInt = 150
    learning_rate: PositiveFloat = 5e-3


class StudentTrainingConfig(Frozen):
    """Training the student."""

    window_bars: PositiveInt = 128
    stride_bars: PositiveInt = 32
    steps: PositiveInt = 200
    batch_windows: PositiveInt = 12
    learning_rate: PositiveFloat = 3e-3
    teacher_share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.3
    teacher_paths_per_cell: PositiveInt = 24


class RouterTrainingConfig(Frozen):
    """Training the router."""

    window_bars: PositiveInt = 128
    stride_bars: PositiveInt = 64
    steps: PositiveInt = 400
    slerp_paths: PositiveInt = 96
    slerp_points: Annotated[int, Field(ge=2)] = 5


class QuickstartConfig(Frozen):
    """Everything that the quickstart does, but for where it writes.

    Attributes:
        seed: root seed of the run.
        stream: name of the basket that the teacher is fitted to, and the packaged data behind it.
        transfer_stream: name of a stream that the student never saw, and its data.
        pass_share: share of calm bars that the acceptance thresholds must leave in PASS.
        index_quantiles: (off, on): quantiles of a stream's own calm crossbar index between which a transition, once
            declared above the upper one, lasts.
    """

    seed: NonNegativeInt
    stream: str = "US20"
    stream_data: str = "us20"
    transfer_stream: str = "SPX"
    transfer_data: str = "sp500"
    periods: PeriodsConfig
    teacher: TeacherTrainingConfig = TeacherTrainingConfig()
    student: StudentTrainingConfig = StudentTrainingConfig()
    router: RouterTrainingConfig = RouterTrainingConfig()
    scenarios: SebPlusConfig
    engine: EngineConfig
    pass_share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.9
    index_quantiles: tuple[OpenShare, OpenShare] = (0.75, 0.95)
    operator_release_bars: PositiveInt = 21

    @model_validator(mode="after")
    def _index_quantiles_ascend(self) -> "QuickstartConfig":
        off, on = self.index_quantiles
        require_order(**{"index_quantiles[0]": off, "index_quantiles[1]": on})
        return self

    @model_validator(mode="after")
    def _streams_differ(self) -> "QuickstartConfig":
        if self.stream == self.transfer_stream:
            raise ValueError(f"stream and transfer_stream must differ, were both {self.stream!r}")
        return self
