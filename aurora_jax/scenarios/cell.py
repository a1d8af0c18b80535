"""A cell of the SEB+ catalogue: which law, along which regimes, how severe, how many paths."""

import enum
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

import equinox as eqx

from ..core import Regime
from .law import AbstractLaw
from .laws import LAWS
from .severity import Severity


class Family(enum.StrEnum):
    """What a cell stresses; ground-truth families have a closed-form law and need no teacher."""

    BASELINE = "baseline"
    ROUGH = "rough"
    PERSISTENT = "persistent"
    HEAVY_TAIL = "heavy_tail"
    JUMP_CLUSTER = "jump_cluster"
    CONTAGION = "contagion"
    LIQUIDITY_CRASH = "liquidity_crash"
    REGIME_FLIP = "regime_flip"
    FRACTIONAL_PRICES = "fractional_prices"
    GROUND_TRUTH_FGN = "ground_truth_fgn"
    GROUND_TRUTH_STUDENT_T = "ground_truth_student_t"
    GROUND_TRUTH_MAX_AUTOREGRESSION = "ground_truth_max_autoregression"
    GROUND_TRUTH_ARCH = "ground_truth_arch"
    GROUND_TRUTH_HAWKES = "ground_truth_hawkes"

    @property
    def needs_teacher(self) -> bool:
        """Return whether paths of this family come from the teacher."""
        return self.value not in LAWS


class Asked(NamedTuple):
    """Invariants asked for, by name: the values they shall have, and between which they shall lie (None is open)."""

    targets: dict[str, float]
    bounds: dict[str, tuple[float | None, float | None]]


class Cell(eqx.Module):
    """One cell of the catalogue.

    Attributes:
        name: lower-case word that names the cell's folder.
        family: what the cell stresses.
        regimes: regime of each block, in order.
        block_steps: steps (bars) in a block.
        paths: independent paths to simulate.
        severity: shock applied to the teacher; neutral for ground-truth families.
        law: the closed-form law of a ground-truth family, else None.
        targets: invariants asked for, by name; a ground-truth cell's are those of its law.
        bounds: invariants asked to lie between two values, either of which may be None, by name.
    """

    name: str = eqx.field(static=True)
    family: Family = eqx.field(static=True)
    regimes: tuple[Regime, ...] = eqx.field(static=True)
    block_steps: int = eqx.field(static=True)
    paths: int = eqx.field(static=True)
    severity: Severity = Severity()
    law: AbstractLaw | None = None
    targets: dict[str, float] = eqx.field(static=True, default_factory=dict)
    bounds: dict[str, tuple[float | None, float | None]] = eqx.field(static=True, default_factory=dict)

    def __check_init__(self):
        if not re.fullmatch(r"[a-z0-9][a-z0-9_]{0,63}", self.name):
            raise ValueError(f"a cell's name must be lower-case letters, digits and _, was {self.name!r}.")
        for field in ("block_steps", "paths"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field} must be at least 1, was {getattr(self, field)}.")
        if not self.regimes:
            raise ValueError("regimes must name at least one block.")
        if Regime.TRANS in self.regimes:
            # A window that straddles a flip is in transition; the market itself follows one law or the other.
            raise ValueError("regimes must be AR, ARMA or GARCH: TRANS is what a flip looks like, not a law.")
        if (self.law is None) != self.family.needs_teacher:
            raise ValueError(f"family {self.family} {'takes no' if self.law else 'needs a'} closed-form law.")
        reason = _REFUSALS[self.family](self)
        if reason:
            raise ValueError(f"family {self.family} {reason}.")

    @property
    def steps(self) -> int:
        """Return the steps of a path."""
        return self.block_steps * len(self.regimes)

    def asked(self) -> Asked:
        """Return what is asked of the paths: what the family itself promises, and what the catalogue adds to it.

        What the catalogue asks of an invariant replaces the family's promise on it.
        """
        promise = _PROMISES.get(self.family, _nothing)(self)
        own = {*self.targets, *self.bounds}
        return Asked(
            {**{name: value for name, value in promise.targets.items() if name not in own}, **self.targets},
            {**{name: value for name, value in promise.bounds.items() if name not in own}, **self.bounds},
        )

    def description(self) -> dict:
        """Return everything that decides the cell's law, as plain values; what its digest is taken of."""
        law = None if self.law is None else {"name": type(self.law).__name__, **self.law.parameters()}
        return {
            "name": self.name,
            "family": self.family.value,
            "regimes": [regime.name for regime in self.regimes],
            "block_steps": self.block_steps,
            "paths": self.paths,
            "severity": self.severity.description(),
            "law": law,
            "targets": dict(sorted(self.targets.items())),
            "bounds": {name: list(bound) for name, bound in sorted(self.bounds.items())},
        }


def _unless(condition: bool, reason: str) -> str:
    return "" if condition else reason


def _neutral(cell: Cell) -> bool:
    return cell.severity == Severity()


def _needs(cell: Cell, field: str) -> str:
    return _unless(getattr(cell.severity, field) is not None, f"needs severity.{field}")


def _closed_form(cell: Cell) -> str:
    return _unless(_neutral(cell), "has a closed-form law, which a severity would falsify")


# What a family promises about its cell, so that a label in a table can be believed: "" or the reason for refusal.
_REFUSALS = {
    Family.BASELINE: lambda cell: _unless(_neutral(cell), "must leave severity at its defaults"),
    Family.ROUGH: lambda cell: _needs(cell, "hurst"),
    Family.PERSISTENT: lambda cell: _needs(cell, "scale_persistence_bars"),
    Family.HEAVY_TAIL: lambda cell: _unless(
        cell.severity.jump_intensity > 1.0 or cell.severity.degrees_of_freedom is not None,
        f"needs severity.jump_intensity > 1, was {cell.severity.jump_intensity}, or severity.degrees_of_freedom",
    ),
    Family.JUMP_CLUSTER: lambda cell: _needs(cell, "branching_ratio"),
    Family.CONTAGION: lambda cell: _needs(cell, "contagion"),
    Family.LIQUIDITY_CRASH: lambda cell: _unless(
        cell.severity.liquidity < 1.0, f"needs severity.liquidity < 1, was {cell.severity.liquidity}"
    ),
    Family.REGIME_FLIP: lambda cell: _unless(len(set(cell.regimes)) > 1, "needs at least two different regimes"),
    Family.FRACTIONAL_PRICES: lambda cell: _needs(cell, "price_hurst"),
    Family.GROUND_TRUTH_FGN: _closed_form,
    Family.GROUND_TRUTH_STUDENT_T: _closed_form,
    Family.GROUND_TRUTH_MAX_AUTOREGRESSION: _closed_form,
    Family.GROUND_TRUTH_ARCH: _closed_form,
    Family.GROUND_TRUTH_HAWKES: _closed_form,
}


def _nothing(cell: Cell) -> Asked:
    return Asked({}, {})


def _rough(cell: Cell) -> Asked:
    assert cell.severity.hurst is not None
    return Asked({"volatility_hurst": cell.severity.hurst}, {})


def _impact(cell: Cell) -> Asked:
    # The square-root law of impact; at its normal depth the reference market's jumps move it 2.3 quiet bars' worth.
    return Asked({}, {"jump_impact": (2.0 * cell.severity.liquidity**-0.5, None)})


def _memory(cell: Cell) -> Asked:
    return Asked({}, {"size_memory": (0.018, None)})


def _flip(cell: Cell) -> Asked:
    return Asked({}, {"regime_contrast": (0.07, None)})


# What a shock must move in the paths for the cell to be what it says; without the shock each of these would miss.
_PROMISES: Mapping[Family, Callable[[Cell], Asked]] = {
    Family.ROUGH: _rough,
    Family.PERSISTENT: _memory,
    Family.LIQUIDITY_CRASH: _impact,
    Family.REGIME_FLIP: _flip,
}
