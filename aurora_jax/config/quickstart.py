"""Settings of the quickstart, from packaged data to a served artifact."""

import math
import re
from typing import Annotated

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from ..data.clock import from_iso
from ..scenarios import Family
from .engine import EngineConfig, OpenShare
from .errors import ConfigError
from .frozen import Frozen
from .governance import require_order
from .seb_plus import SebPlusConfig

BASELINE_CELLS = ("baseline_ar", "baseline_arma", "baseline_garch")
"""SEB+ cells that the engine's one-bar scenarios are drawn from, one for each family of laws."""

SCENARIO_BARS = 64
"""Last bars of each of their paths that serve as one-bar scenarios."""

_SET_BY_THE_RUN = ("streams", "features_removed")  # of `engine`


def _file_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise ValueError(f"files are named after it: use letters, digits, dot, dash and underscore only, was {name!r}")
    return name


StreamName = Annotated[str, AfterValidator(_file_name)]
"""A name that can be part of a file's name."""


class PeriodsConfig(Frozen):
    """Where training, validation and hold-out meet: ISO 8601, UTC unless they name an offset.

    They are decisions and have no defaults.
    """

    train_end: str
    validation_end: str
    embargo_bars: NonNegativeInt = 64

    @model_validator(mode="after")
    def _in_order(self) -> "PeriodsConfig":
        if from_iso(self.train_end) >= from_iso(self.validation_end):
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
    slerp_clear_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.25


class QuickstartConfig(Frozen):
    """Everything that the quickstart does, but for where it writes.

    Attributes:
        seed: root seed of the run, that of `scenarios` included.
        stream: name of the basket that the teacher is fitted to, and the packaged data behind it.
        transfer_stream: name of a stream that the student never saw, and its data.
        pass_share: share of calm bars that the acceptance thresholds must leave in PASS.
        index_quantiles: (off, on) of a stream's own crossbar index before the hold-out: a transition may start above
            the second and ends below the first.
    """

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    stream: StreamName = "US20"
    stream_data: str = "us20"
    transfer_stream: StreamName = "SPX"
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

    @model_validator(mode="after")
    def _features_differ(self) -> "QuickstartConfig":
        features = self.engine.features
        repeated = sorted({name for name in features if features.count(name) > 1})
        if repeated:
            raise ValueError(f"engine.features lists {', '.join(repeated)} more than once; keep one")
        return self

    @model_validator(mode="after")
    def _a_file_leaves_to_the_run_what_the_run_sets(self, info) -> "QuickstartConfig":
        if not info.context:  # the run itself, by `updated`
            return self
        for name in _SET_BY_THE_RUN:
            if name in self.engine.model_fields_set:
                raise ValueError(f"engine.{name} is set by the run, from the data; remove it from the file")
        if self.scenarios.seed != self.seed:
            raise ValueError(
                f"scenarios.seed must be the seed of the run, {self.seed}, was {self.scenarios.seed}; "
                f"the run draws everything from seed"
            )
        return self

    @model_validator(mode="after")
    def _scenarios_suffice(self) -> "QuickstartConfig":
        """Refuse now what training and calibration would refuse after minutes."""
        cells = {cell.name: cell for cell in self.scenarios.catalogue()}
        for name in BASELINE_CELLS:
            if name not in cells or cells[name].family is not Family.BASELINE:
                found = f"was {cells[name].family}" if name in cells else "is missing"
                raise ValueError(f"scenarios.cells.{name} {found}; the engine needs it, of family baseline")
        first = cells[BASELINE_CELLS[0]]
        for name, cell in cells.items():
            if not cell.family.needs_teacher:
                raise ValueError(f"scenarios.cells.{name}: {cell.family} has no teacher to learn from; remove the cell")
            if cell.steps != first.steps:
                raise ValueError(
                    f"scenarios.cells: paths must be of one length, were {first.steps} bars in {first.name} and "
                    f"{cell.steps} in {name}; block_steps times the number of regimes is the length"
                )
            if name in BASELINE_CELLS and cell.paths != first.paths:
                raise ValueError(
                    f"scenarios.cells: {first.name} and {name} must have as many paths, "
                    f"were {first.paths} and {cell.paths}"
                )
        window = max(self.student.window_bars, self.router.window_bars)
        if first.steps < window:
            raise ValueError(
                f"scenarios.cells: paths of {first.steps} bars hold no window of {window}; raise block_steps"
            )
        self._check_rows(first.paths, min(first.steps, SCENARIO_BARS))
        return self

    @model_validator(mode="after")
    def _router_judges_the_crossbar_window(self) -> "QuickstartConfig":
        own, kept = self.router.window_bars, self.engine.crossbar.window_bars
        if own != kept:
            raise ValueError(
                f"router.window_bars must be engine.crossbar.window_bars, {kept}, the returns that the engine keeps, "
                f"was {own}"
            )
        return self

    def _check_rows(self, paths: int, bars: int) -> None:
        rule, rows = self.engine.allocation, paths * bars
        tail = round(rule.tail_probability * rows)
        if tail >= rule.tail_rows and rows - tail >= rule.body_rows:
            return
        needed = max(rule.tail_rows / rule.tail_probability, rule.body_rows / (1.0 - rule.tail_probability))
        raise ValueError(
            f"scenarios.cells: {paths} paths in each baseline cell give {rows} one-bar scenarios, {tail} of them in "
            f"the tail, but engine.allocation asks for tail_rows {rule.tail_rows} and body_rows {rule.body_rows}; "
            f"{math.ceil(needed / bars)} paths suffice"
        )

    def reseeded(self, seed: int) -> "QuickstartConfig":
        """Return the configuration with another root seed.

        Raises:
            ConfigError: if it does not lie in [0, 2**63).
        """
        if not 0 <= seed < 2**63:
            raise ConfigError(f"seed must lie in [0, 2**63), was {seed}.")
        return self.updated(seed=seed, scenarios={**self.scenarios.model_dump(), "seed": seed})
