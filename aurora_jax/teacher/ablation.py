"""Switches that take one part out of the teacher, to see what it is worth."""

from typing import NamedTuple


class Ablation(NamedTuple):
    """What is taken out; the default is the whole teacher.

    Attributes:
        no_jumps: prices are continuous.
        no_rough: every volatility factor has H = 1/2.
        no_hawkes: a jump does not make the next one likelier.
    """

    no_jumps: bool = False
    no_rough: bool = False
    no_hawkes: bool = False


WHOLE = Ablation()
"""Nothing is taken out."""
