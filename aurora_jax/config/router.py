"""Settings of the router's training and study: `configs/router.yaml`."""

from typing import Annotated

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from .frozen import Frozen
from .repairs import RepairsConfig


class SlerpConfig(Frozen):
    """Paths between windows of different families.

    Attributes:
        paths: in each block.
        points: on each path, both ends included.
        clear_share: of each family's windows that may be an end, those of the largest weight.
        monotone_weight: of the hinge that keeps the end family's probability from falling.
    """

    paths: PositiveInt = 100
    points: Annotated[int, Field(ge=2)] = 5
    clear_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.25
    monotone_weight: NonNegativeFloat = 3.0


class KnownConfig(Frozen):
    """Simulated windows whose family is known, of `aurora_jax.router.known_laws`.

    Attributes:
        training: of each family, to learn from, by their BIC weights.
        test: of each family, to be judged on, by their truth.
    """

    training: PositiveInt = 300
    test: PositiveInt = 500


class RouterConfig(Frozen):
    """Everything that trains and judges a router but its student, its teacher and where it is written.

    Attributes:
        seed: root seed.
        data: name of packaged data, or a `.csv` or `.parquet` file of bars; those that the student was trained on.
        maximum_gap_bars: longest run of bars that one asset of a file may lack.
        repairs: faults of a file that are mended instead of refused.
        window_bars: returns in a window; windows do not overlap.
        blocks: of consecutive times; each is judged by a router trained without it.
        slerp: paths.
        known: simulated windows.
        teacher_paths: simulated by the teacher, where there is one.
        steps: gradient steps of each router.
    """

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    data: str
    maximum_gap_bars: NonNegativeInt = 0
    repairs: RepairsConfig = RepairsConfig()
    window_bars: Annotated[int, Field(ge=32)] = 128
    blocks: Annotated[int, Field(ge=3)] = 5
    slerp: SlerpConfig = SlerpConfig()
    known: KnownConfig = KnownConfig()
    teacher_paths: PositiveInt = 64
    steps: PositiveInt = 600
