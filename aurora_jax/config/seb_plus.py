"""The SEB+ catalogue as configuration: `configs/seb_plus.yaml`."""

import difflib
from collections.abc import Callable, Sequence
from typing import Literal, cast

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from ..core import Regime
from ..scenarios import LAWS, AbstractLaw, Cell, Family, Severity
from .errors import ConfigError
from .frozen import Frozen

Invariant = Literal[
    "hurst",
    "tail_index",
    "extremal_index",
    "tail_dependence",
    "jump_rate",
    "jump_dispersion",
    "volatility_hurst",
    "size_memory",
    "jump_impact",
    "regime_contrast",
]


class SeverityConfig(Frozen):
    """How far a teacher cell departs from the fitted market; the defaults change nothing."""

    volatility: PositiveFloat = 1.0
    jump_intensity: PositiveFloat = 1.0
    hurst: float | None = Field(default=None, gt=0.0, lt=1.0)
    drift: float = 0.0
    contagion: float | None = Field(default=None, gt=0.0, lt=1.0)
    branching_ratio: float | None = Field(default=None, gt=0.0, lt=1.0)
    scale_persistence_bars: float | None = Field(default=None, gt=0.2)
    degrees_of_freedom: float | None = Field(default=None, gt=2.0)
    liquidity: PositiveFloat = 1.0
    price_hurst: float | None = Field(default=None, gt=0.0, lt=1.0)


class BoundConfig(Frozen):
    """Between which values an invariant is asked to lie."""

    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _bounds_something(self) -> "BoundConfig":
        if self.at_least is None and self.at_most is None:
            raise ValueError("needs at_least, at_most or both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least must not exceed at_most, were {self.at_least} and {self.at_most}")
        return self


class CellConfig(Frozen):
    """One cell: which law, along which regimes, how severe, how many paths."""

    family: Family
    regimes: tuple[Literal["AR", "ARMA", "GARCH"], ...] = Field(min_length=1)
    block_steps: PositiveInt
    paths: PositiveInt
    severity: SeverityConfig = SeverityConfig()
    parameters: dict[str, int | float] = Field(default_factory=dict)
    targets: dict[Invariant, float] = Field(default_factory=dict)
    bounds: dict[Invariant, BoundConfig] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _makes_a_cell(self):
        self.cell("unnamed")
        return self

    def cell(self, name: str) -> Cell:
        """Return the record that the farm works with.

        Raises:
            ValueError: if the family does not fit the rest, or a law's parameter is unknown or out of range.
        """
        law = None
        if not self.family.needs_teacher:
            law = _law(self.family, self.parameters)
        elif self.parameters:
            raise ValueError(f"family {self.family} takes severity, not parameters {sorted(self.parameters)}")
        return Cell(
            name=name,
            family=self.family,
            regimes=tuple(Regime[label] for label in self.regimes),
            block_steps=self.block_steps,
            paths=self.paths,
            severity=Severity(**self.severity.model_dump()),
            law=law,
            targets={**({} if law is None else law.truth()), **self.targets},
            bounds={name: (bound.at_least, bound.at_most) for name, bound in self.bounds.items()},
        )


class SebPlusConfig(Frozen):
    """The catalogue and how the farm cuts it up.

    Attributes:
        seed: root seed; shards draw from the stream ("seb", cell, shard).
        cells: the catalogue, by name.
        shard_paths: paths in one chunk. Part of what makes a data set the same to the byte.
        threads_per_worker: cores a worker may use. Part of what makes a data set the same to the byte.
        reference_assets: assets of the documented reference teacher, used when no fitted one is given.
    """

    seed: NonNegativeInt
    cells: dict[str, CellConfig] = Field(min_length=1)
    shard_paths: PositiveInt = 256
    threads_per_worker: PositiveInt = 1
    reference_assets: PositiveInt = 3

    @model_validator(mode="after")
    def _cells_have_usable_names(self):
        self.catalogue()
        return self

    def catalogue(self) -> tuple[Cell, ...]:
        """Return the cells in the order of the file."""
        return tuple(config.cell(name) for name, config in self.cells.items())

    def narrowed(
        self, *, cells: Sequence[str] | None = None, paths: int | None = None, seed: int | None = None
    ) -> "SebPlusConfig":
        """Return the configuration with only `cells`, `paths` paths in each, and `seed`; None keeps what is there.

        Raises:
            ConfigError: if a cell is unknown (names the nearest) or a value is out of range.
        """
        chosen = dict(self.cells)
        if cells is not None and not cells:
            raise ConfigError(f"no cells were named; there are: {', '.join(chosen)}.")
        for name in cells or ():
            if name not in chosen:
                nearest = difflib.get_close_matches(name, chosen, n=1, cutoff=0.0)[0]
                raise ConfigError(f"no cell {name!r}; did you mean {nearest!r}? Cells: {', '.join(chosen)}")
        if cells is not None:
            chosen = {name: config for name, config in chosen.items() if name in cells}
        if paths is not None:
            if paths < 1:
                raise ConfigError(f"paths must be at least 1, was {paths}.")
            chosen = {name: config.updated(paths=paths) for name, config in chosen.items()}
        if seed is not None and not 0 <= seed < 2**63:
            raise ConfigError(f"seed must lie in [0, 2**63), was {seed}.")
        return self.model_copy(update={"cells": chosen, "seed": self.seed if seed is None else seed})


def _law(family: Family, parameters: dict[str, int | float]) -> AbstractLaw:
    law = cast("Callable[..., AbstractLaw]", LAWS[family.value])
    valid = list(LAWS[family.value].__dataclass_fields__)
    for name in parameters:
        if name not in valid:
            nearest = difflib.get_close_matches(name, valid, n=1, cutoff=0.0)[0]
            raise ValueError(f"parameters.{name}: unknown; did you mean {nearest!r}? Valid: {', '.join(valid)}")
    try:
        return law(**parameters)
    except TypeError as error:
        missing = str(error).partition("argument")[2].lstrip("s: ")
        raise ValueError(f"parameters of family {family} lack {missing}") from None
