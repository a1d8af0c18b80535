"""Outcomes: why a thing that cannot be had cannot be had."""

import enum


class Outcome(enum.IntEnum):
    """What became of an estimate, a portfolio or a bar; an array code inside jit, a sentence outside.

    Anything but `OK` means that the accompanying numbers must not be used as they stand.
    """

    OK = 0
    TOO_SHORT = 1
    CONSTANT = 2
    NON_FINITE = 3
    NOT_CONVERGED = 4
    INFEASIBLE = 5
    OVERFLOWED = 6
    WARMING_UP = 7
    REFUSED = 8

    @property
    def message(self) -> str:
        """Return a sentence that tells a reader what happened."""
        return _MESSAGES[self]


_MESSAGES = {
    Outcome.OK: "computed as asked",
    Outcome.TOO_SHORT: "fewer observations than the method needs",
    Outcome.CONSTANT: "the series does not vary",
    Outcome.NON_FINITE: "the input holds NaN or infinity",
    Outcome.NOT_CONVERGED: "the iteration stopped before its tolerance was met",
    Outcome.INFEASIBLE: "no point satisfies the constraints",
    Outcome.OVERFLOWED: "a fixed-size buffer was too small for the events",
    Outcome.WARMING_UP: "not enough history has been seen yet",
    Outcome.REFUSED: "the request was refused and changed nothing",
}
