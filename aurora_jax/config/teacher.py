"""Settings of the teacher's training: `configs/nfsde.yaml`."""

from typing import Annotated

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from .frozen import Frozen
from .quickstart import PeriodsConfig
from .repairs import RepairsConfig

ABLATIONS = {"no jumps": "no_jumps", "no roughness": "no_rough", "no excitation": "no_hawkes"}
"""What a report calls a teacher without a part, and the switch that takes it out."""


class AblationConfig(Frozen):
    """What is taken out of the teacher."""

    no_jumps: bool = False
    no_rough: bool = False
    no_hawkes: bool = False


class TeacherModelConfig(Frozen):
    """Sizes of the teacher, and what is taken out."""

    factors: PositiveInt = 1
    embedding_size: PositiveInt = 4
    width: PositiveInt = 32
    depth: NonNegativeInt = 2
    ablation: AblationConfig = AblationConfig()


class SignatureLossConfig(Frozen):
    """The distance on path space.

    Attributes:
        weight: lambda_sig; 0 leaves the distance out.
        windows: real windows in a step, and as many simulated ones.
        window_bars: bars of a window, at most those of a block.
        channels: the equal-weight basket and random directions; of fewer assets, as many as there are.
        depth: of the signatures.
        bandwidth_medians: of the kernel, in medians of the distance between the features of two training windows.
    """

    weight: NonNegativeFloat = 1.0
    windows: Annotated[int, Field(ge=2)] = 64
    window_bars: Annotated[int, Field(ge=2)] = 64
    channels: PositiveInt = 3
    depth: PositiveInt = 3
    bandwidth_medians: PositiveFloat = 1.0


class TeacherOptimiserConfig(Frozen):
    """Adam with clipped gradients; see `training.TrainSettings`.

    Attributes:
        validate_every: steps between two scores of the held-out blocks.
        checkpoint_every: steps between two saved states; what a kill costs at most.
        patience: scores in a row without a better one after which training stops.
        signature_every: the distance is part of the loss in every so many steps, with the same weight.
    """

    steps: PositiveInt
    learning_rate: PositiveFloat = 0.01
    gradient_norm_max: PositiveFloat = 1.0
    accumulate: PositiveInt = 1
    signature_every: PositiveInt = 1
    coarse_steps: NonNegativeInt = 0
    coarse_step_size: PositiveInt = 2
    half_network: bool = False
    patience: PositiveInt = 8
    validate_every: PositiveInt = 10
    checkpoint_every: PositiveInt = 10


class TeacherConfig(Frozen):
    """Everything about a training but where it writes.

    Attributes:
        seed: root seed.
        data: name of packaged data, or a `.csv` or `.parquet` file of bars.
        maximum_gap_bars: longest run of bars that one asset of a file may lack.
        repairs: faults of a file that are mended instead of refused.
        periods: training bars lie before `train_end`; the teacher is judged by those up to `validation_end`.
        block_bars: bars of one regime.
        separation_weight: lambda_sep; 0 leaves the separation out.
    """

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    data: str
    maximum_gap_bars: NonNegativeInt = 0
    repairs: RepairsConfig = RepairsConfig()
    periods: PeriodsConfig
    block_bars: PositiveInt = 128
    separation_weight: NonNegativeFloat = 1e-3
    model: TeacherModelConfig = TeacherModelConfig()
    signature: SignatureLossConfig = SignatureLossConfig()
    optimiser: TeacherOptimiserConfig

    @model_validator(mode="after")
    def _windows_fit(self) -> "TeacherConfig":
        window, coarse = self.signature.window_bars, self.optimiser.coarse_step_size
        if window > self.block_bars:
            raise ValueError(f"signature.window_bars must be at most block_bars {self.block_bars}, was {window}")
        if self.optimiser.coarse_steps and window % coarse:
            raise ValueError(f"optimiser.coarse_step_size must divide signature.window_bars {window}, was {coarse}")
        return self
