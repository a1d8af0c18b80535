"""Settings of the student's training: `configs/dssm.yaml`."""

from typing import Annotated

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from .frozen import Frozen
from .quickstart import PeriodsConfig
from .repairs import RepairsConfig
from .student_model import StudentModelConfig


class WindowsConfig(Frozen):
    """Windows that are trained on."""

    window_bars: Annotated[int, Field(ge=2)] = 128
    stride_bars: PositiveInt = 32


class TeacherWindowsConfig(Frozen):
    """Windows that the teacher simulates, where there is one.

    Attributes:
        share: of a batch.
        paths: simulated once, before training.
        block_bars: of one regime; regimes come as often as they label the market's own blocks.
    """

    share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.3
    paths: PositiveInt = 256
    block_bars: PositiveInt = 128


class DistillationConfig(Frozen):
    """What the teacher teaches besides its windows; a weight of 0 leaves a part out.

    Attributes:
        latent_weight: lambda_KD, of the divergence from the teacher's latent state.
        separation_weight: lambda_sep, of the overlap of regimes in the student's state.
        tail_weight: lambda_tail, of the distance of tails and memory.
        signature_weight: lambda_sig, of the distance of paths.
        separation_windows: simulated ones by which a step tells regimes apart.
        separation_bars: last bars of those.
        paths: of the student and of the teacher that are compared in a step.
        path_bars: of those.
        depth: of their signatures.
        channels: that the signatures see; of fewer assets, as many as there are.
        compare_every: steps between two that compare paths and regimes.
    """

    latent_weight: NonNegativeFloat = 0.01
    separation_weight: NonNegativeFloat = 0.01
    tail_weight: NonNegativeFloat = 0.01
    signature_weight: NonNegativeFloat = 1.0
    separation_windows: Annotated[int, Field(ge=2)] = 48
    separation_bars: PositiveInt = 32
    paths: Annotated[int, Field(ge=8)] = 32
    path_bars: Annotated[int, Field(ge=8)] = 64
    depth: PositiveInt = 3
    channels: PositiveInt = 3
    compare_every: PositiveInt = 4


class StudentOptimiserConfig(Frozen):
    """How the loss is made small.

    Attributes:
        patience: validations in a row without a better one after which training stops.
        validate_every: steps between two of them.
        checkpoint_every: steps between two saved states; what a kill costs at most.
        jacobian_weight: lambda_J.
        divergence_weight: of the Kullback-Leibler term.
    """

    steps: PositiveInt
    batch_windows: PositiveInt = 12
    learning_rate: PositiveFloat = 1e-3
    weight_decay: NonNegativeFloat = 1e-4
    jacobian_weight: NonNegativeFloat = 1e-3
    divergence_weight: NonNegativeFloat = 0.1
    patience: PositiveInt = 6
    validate_every: PositiveInt = 20
    checkpoint_every: PositiveInt = 20


class StudentConfig(Frozen):
    """Everything that trains a student but the teacher and where it is written.

    Attributes:
        seed: root seed.
        data: name of packaged data, or a `.csv` or `.parquet` file of bars.
        maximum_gap_bars: longest run of bars that one asset of a file may lack.
        repairs: faults of a file that are mended instead of refused.
        periods: training bars lie before `train_end`; validation chooses the weights; what follows is never seen.
        features: that the encoder reads, of those that the data's columns allow.
        model: sizes.
        windows: real ones.
        teacher: simulated ones.
        distillation: what else is learnt of the teacher, where there is one.
        optimiser: the training itself.
    """

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    data: str
    maximum_gap_bars: NonNegativeInt = 0
    repairs: RepairsConfig = RepairsConfig()
    periods: PeriodsConfig
    features: Annotated[tuple[str, ...], Field(min_length=1)]
    model: StudentModelConfig = StudentModelConfig()
    windows: WindowsConfig = WindowsConfig()
    teacher: TeacherWindowsConfig = TeacherWindowsConfig()
    distillation: DistillationConfig = DistillationConfig()
    optimiser: StudentOptimiserConfig

    @model_validator(mode="after")
    def _paths_suffice(self) -> "StudentConfig":
        if self.distillation.paths > self.teacher.paths:
            raise ValueError(
                f"distillation.paths must be at most teacher.paths, {self.teacher.paths}, was {self.distillation.paths}"
            )
        return self
