"""A cell of the SEB+ catalogue: which law, along which regimes, how severe, how many paths."""

import enum
import math
import re

import equinox as eqx

from ..core import Regime
from .laws import LAWS, AbstractLaw


class Family(enum.StrEnum):
    """What a cell stresses; ground-truth families have a closed-form law and need no teacher."""

    BASELINE = "baseline"
    ROUGH = "rough"
    HEAVY_TAIL = "heavy_tail"
    REGIME_FLIP = "regime_flip"
    GROUND_TRUTH_FGN = "ground_truth_fgn"
    GROUND_TRUTH_STUDENT_T = "ground_truth_student_t"
    GROUND_TRUTH_MAX_AUTOREGRESSION = "ground_truth_max_autoregression"

    @property
    def needs_teacher(self) -> bool:
        """Return whether paths of this family come from the teacher."""
        return self.value not in LAWS


class Severity(eqx.Module):
    """How far a teacher cell departs from the fitted market; the defaults change nothing.

    Attributes:
        volatility: multiplier of every asset's volatility.
        jump_intensity: multiplier of the expected number of jumps per bar.
        hurst: Hurst exponent of the volatility factors in every regime; None keeps the teacher's.
        drift: added to every asset's log return per bar.
    """

    volatility: float = eqx.field(static=True, default=1.0)
    jump_intensity: float = eqx.field(static=True, default=1.0)
    hurst: float | None = eqx.field(static=True, default=None)
    drift: float = eqx.field(static=True, default=0.0)

    def __check_init__(self):
        for name in ("volatility", "jump_intensity"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise ValueError(f"severity.{name} must be positive, was {getattr(self, name)}.")
        if self.hurst is not None and not 0.0 < self.hurst < 1.0:
            raise ValueError(f"severity.hurst must lie in (0, 1), was {self.hurst}.")
        if not math.isfinite(self.drift):
            raise ValueError(f"severity.drift must be finite, was {self.drift}.")

    def description(self) -> dict[str, float | None]:
        """Return the fields by name."""
        return {name: getattr(self, name) for name in ("volatility", "jump_intensity", "hurst", "drift")}


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
    """

    name: str = eqx.field(static=True)
    family: Family = eqx.field(static=True)
    regimes: tuple[Regime, ...] = eqx.field(static=True)
    block_steps: int = eqx.field(static=True)
    paths: int = eqx.field(static=True)
    severity: Severity = Severity()
    law: AbstractLaw | None = None
    targets: dict[str, float] = eqx.field(static=True, default_factory=dict)

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
        }


def _unless(condition: bool, reason: str) -> str:
    return "" if condition else reason


def _neutral(cell: Cell) -> bool:
    return cell.severity == Severity()


def _closed_form(cell: Cell) -> str:
    return _unless(_neutral(cell), "has a closed-form law, which a severity would falsify")


# What a family promises about its cell, so that a label in a table can be believed: "" or the reason for refusal.
_REFUSALS = {
    Family.BASELINE: lambda cell: _unless(_neutral(cell), "must leave severity at its defaults"),
    Family.ROUGH: lambda cell: _unless(cell.severity.hurst is not None, "needs severity.hurst"),
    Family.HEAVY_TAIL: lambda cell: _unless(
        cell.severity.jump_intensity > 1.0, f"needs severity.jump_intensity > 1, was {cell.severity.jump_intensity}"
    ),
    Family.REGIME_FLIP: lambda cell: _unless(len(set(cell.regimes)) > 1, "needs at least two different regimes"),
    Family.GROUND_TRUTH_FGN: _closed_form,
    Family.GROUND_TRUTH_STUDENT_T: _closed_form,
    Family.GROUND_TRUTH_MAX_AUTOREGRESSION: _closed_form,
}
