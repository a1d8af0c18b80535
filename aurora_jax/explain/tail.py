"""Value at risk and expected shortfall of weighted draws, with standard errors, alone and as a paired difference."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class TailRisk(NamedTuple):
    """Tail figures of a loss.

    Attributes:
        value_at_risk: the loss exceeded with the tail probability.
        value_at_risk_error: its standard error.
        expected_shortfall: mean of the worst share of losses.
        expected_shortfall_error: its standard error.
        effective_paths: how many unweighted paths the weighted ones are worth.
    """

    value_at_risk: float
    value_at_risk_error: float
    expected_shortfall: float
    expected_shortfall_error: float
    effective_paths: float


def tail_risk(
    losses: Float[np.ndarray, " paths"], weights: Float[np.ndarray, " paths"], *, tail_probability: float
) -> TailRisk:
    r"""Return value at risk and expected shortfall of a loss L whose draws carry importance weights.

    $$\mathrm{ES} = q + \frac{1}{p} \sum_i \pi_i (L_i - q)_+, \qquad \pi_i = w_i / \sum_j w_j,$$

    with q the weighted quantile. Its standard error is that of the mean of the influence
    $q + (L_i - q)_+ / p$; the quantile's is $\sqrt{\sum \pi_i^2 (1[L_i > q] - p)^2} / f(q)$, the density f by a
    difference quotient of the weighted quantile over one standard error of p either side.

    Raises:
        ValueError: if the tail probability is outside (0, 1), or fewer than 10 effective paths lie in the tail.

    References:
        Rockafellar and Uryasev (2000), J. Risk 2(3), eq. 4; Glynn (1996), Importance sampling for Monte Carlo
        estimation of quantiles, theorem 2.
    """
    if not 0.0 < tail_probability < 1.0:
        raise ValueError(f"tail_probability must lie in (0, 1), was {tail_probability}.")
    share = weights / np.sum(weights)
    beyond = share * (losses > weighted_quantile(losses, share, 1.0 - tail_probability))
    in_tail = np.sum(beyond) ** 2 / np.sum(beyond**2) if np.any(beyond) else 0.0
    if in_tail < 10.0:
        raise ValueError(
            f"only {in_tail:.0f} effective paths lie in the tail of {tail_probability:g}: simulate more paths, or tilt."
        )
    quantile = weighted_quantile(losses, share, 1.0 - tail_probability)
    influence = shortfall_influence(losses, share, tail_probability)
    shortfall = float(np.sum(share * influence))
    spread = float(np.sqrt(np.sum((share * ((losses > quantile) - tail_probability)) ** 2)))
    low, high = (
        weighted_quantile(losses, share, 1.0 - min(max(tail_probability + sign * spread, 0.0), 1.0)) for sign in (1, -1)
    )
    return TailRisk(
        value_at_risk=quantile,
        value_at_risk_error=0.5 * (high - low),
        expected_shortfall=shortfall,
        expected_shortfall_error=float(np.sqrt(np.sum((share * (influence - shortfall)) ** 2))),
        effective_paths=float(1.0 / np.sum(share**2)),
    )


def shortfall_influence(
    losses: Float[np.ndarray, " paths"], share: Float[np.ndarray, " paths"], tail_probability: float
) -> Float[np.ndarray, " paths"]:
    """Return $q + (L_i - q)_+ / p$, whose weighted mean is the expected shortfall."""
    quantile = weighted_quantile(losses, share, 1.0 - tail_probability)
    return quantile + np.maximum(losses - quantile, 0.0) / tail_probability


def weighted_quantile(values: Float[np.ndarray, " paths"], share: Float[np.ndarray, " paths"], level: float) -> float:
    """Return the smallest value whose weighted share at or below it reaches `level`."""
    order = np.argsort(values, kind="stable")
    reached = np.searchsorted(np.cumsum(share[order]), level * (1.0 - 1e-12))
    return float(values[order][min(reached, values.size - 1)])


def paired_difference(
    first: Float[np.ndarray, " paths"],
    first_share: Float[np.ndarray, " paths"],
    second: Float[np.ndarray, " paths"],
    second_share: Float[np.ndarray, " paths"],
) -> tuple[float, float]:
    """Return the difference of two weighted means over the same draws, second less first, and its standard error.

    The draws are paired: what common random numbers move in both cancels in the error too.
    """
    means = np.sum(first_share * first), np.sum(second_share * second)
    each = second_share * (second - means[1]) - first_share * (first - means[0])
    return float(means[1] - means[0]), float(np.sqrt(np.sum(each**2)))
