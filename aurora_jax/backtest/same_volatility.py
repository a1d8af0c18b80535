"""Comparing tail risk at equal volatility: holding less is not a skill."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ..core import Outcome
from .series import deviation, require_series


class SameVolatility(NamedTuple):
    """Returns scaled by `factor` to a reference's volatility; as they were, factor 1, where `outcome` is CONSTANT."""

    net_returns: Float[np.ndarray, " bars"]
    factor: float
    outcome: Outcome


def same_volatility(net_returns: Float[np.ndarray, " bars"], reference: Float[np.ndarray, " other"]) -> SameVolatility:
    r"""Rescale `net_returns` to the realised volatility of `reference` over the same bars.

    $$r'_t = \frac{s_{\text{reference}}}{s_r} r_t$$

    A strategy that never traded, or a reference that never moved, has nothing to be scaled: outcome CONSTANT.

    Raises:
        ValueError: if the lengths differ, there are fewer than 2 bars, or one is not finite.
    """
    if net_returns.shape != reference.shape:
        raise ValueError(
            f"net_returns and reference must cover the same bars, held {net_returns.size} and {reference.size}."
        )
    returns = require_series("net_returns", net_returns, bars=2)
    own, other = deviation(returns), deviation(require_series("reference", reference, bars=2))
    if own == 0.0 or other == 0.0:
        return SameVolatility(returns, 1.0, Outcome.CONSTANT)
    return SameVolatility(returns * (other / own), other / own, Outcome.OK)
