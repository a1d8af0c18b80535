"""Value at risk and expected shortfall of a sample of returns."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ..core import Number
from .series import require_series


class TailRisk(NamedTuple):
    """Losses per bar, positive where money is lost."""

    value_at_risk: float
    expected_shortfall: float


def tail_risk(returns: Float[np.ndarray, " bars"], *, tail_probability: Number = 0.05) -> TailRisk:
    r"""Return the empirical value at risk and expected shortfall of one bar's loss.

    With losses $\ell_{(1)} \ge \dots \ge \ell_{(n)}$ and $k = pn$,

    $$ES_p = \frac{1}{k} \Bigl( \sum_{i \le \lfloor k \rfloor} \ell_{(i)} + (k - \lfloor k \rfloor)\,
    \ell_{(\lfloor k \rfloor + 1)} \Bigr), \qquad VaR_p = \ell_{(\lfloor k \rfloor + 1)}$$

    so that exactly the mass p is averaged: the boundary observation is split. With k < 1 both are the largest loss.

    Args:
        returns: per bar, at least 2.
        tail_probability: p in (0, 1).

    Raises:
        ValueError: if `tail_probability` is out of range or `returns` is too short or not finite.

    References:
        Rockafellar and Uryasev (2002), J. Banking and Finance 26, 1443-1471, proposition 8.
    """
    if not 0.0 < tail_probability < 1.0:
        raise ValueError(f"tail_probability must lie in (0, 1), was {tail_probability}.")
    losses = np.sort(-require_series("returns", returns, bars=2))[::-1]
    mass = float(tail_probability) * losses.size
    whole = math.floor(mass + 1e-9)  # 0.29 * 100 is 28.999999999999996 in floating point
    boundary = losses[whole]
    total = np.sum(losses[:whole]) + max(mass - whole, 0.0) * boundary
    return TailRisk(float(boundary), float(total / mass))
