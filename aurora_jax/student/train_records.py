"""What goes into a student's training, what it keeps between steps, and what it tells of one."""

from typing import NamedTuple

from jaxtyping import Array, Bool, Float, PyTree

from .distil import Imitation, LatentMap, Targets
from .loss import LossParts, Windows


class DistillationSettings(NamedTuple):
    """Weights of what the teacher teaches; 0 leaves a part out.

    Attributes:
        latent_weight: lambda_KD, of the divergence from its latent state.
        separation_weight: lambda_sep, of the overlap of regimes.
        tail_weight: lambda_tail, of tails and memory.
        signature_weight: lambda_sig, of the distance of paths.
        separation_windows: simulated ones whose last bars tell how far regimes overlap; a batch has too few.
        separation_bars: last bars of those.
        paths: of the student and of the teacher that are compared.
        depth: of the signatures.
        compare_every: steps between two that compare paths and regimes, with the same weight.
    """

    latent_weight: float = 0.01
    separation_weight: float = 0.01
    tail_weight: float = 0.01
    signature_weight: float = 1.0
    separation_windows: int = 48
    separation_bars: int = 32
    paths: int = 32
    depth: int = 3
    compare_every: int = 4


class TrainSettings(NamedTuple):
    """How a student is trained.

    Attributes:
        steps: gradient steps.
        batch_windows: windows in a step.
        teacher_share: share of them that is simulated, in [0, 1).
        learning_rate: peak; one-tenth warm-up, cosine fall to a twentieth.
        weight_decay: of AdamW.
        jacobian_weight: lambda_J.
        divergence_weight: weight of the Kullback-Leibler term.
        patience: validations without a better score before training stops; None never stops it.
    """

    steps: int
    batch_windows: int = 16
    teacher_share: float = 0.5
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    jacobian_weight: float = 1e-3
    divergence_weight: float = 0.1
    patience: int | None = None
    distillation: DistillationSettings | None = None


class TrainData(NamedTuple):
    """What a student is trained and judged on.

    Attributes:
        real: training windows of the market.
        teacher: simulated ones.
        validation: later real ones, by which the best weights are chosen.
        real_targets: what the teacher says of the real windows; None without distillation, as all that follows.
        teacher_targets: of the simulated ones.
        imitation: paths to be compared with.
    """

    real: Windows
    teacher: Windows
    validation: Windows
    real_targets: Targets | None = None
    teacher_targets: Targets | None = None
    imitation: Imitation | None = None


class Batch(NamedTuple):
    """Windows, and what the teacher says of them."""

    windows: Windows
    targets: Targets | None


class Comparison(NamedTuple):
    """What some steps compare besides their batch: the teacher's paths, and its windows of known regimes."""

    imitation: Imitation
    regimes: Batch | None


class Parameters(NamedTuple):
    """What is trained: the network's weights, and the map that only its distillation needs."""

    network: PyTree[Array]
    latent_map: LatentMap | None


class TrainInfo(NamedTuple):
    """What a reader wants of a step."""

    loss: Float[Array, ""]
    parts: LossParts
    gradient_norm: Float[Array, ""]
    learning_rate: Float[Array, ""]
    finite: Bool[Array, ""]
