"""Which faults of a file may be mended."""

from typing import Literal

from .frozen import Frozen


class RepairsConfig(Frozen):
    """See `aurora_jax.data.Repairs`.

    Attributes:
        duplicates: rows of one asset and time: refuse, or keep_last.
        starts: assets that begin at different times: refuse, or latest, which drops what lies before.
    """

    duplicates: Literal["refuse", "keep_last"] = "refuse"
    starts: Literal["refuse", "latest"] = "refuse"
