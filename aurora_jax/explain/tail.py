"""Value at risk and expected shortfall of weighted draws, with standard errors, alone and as a paired difference."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

_RESAMPLES = 300  # the error of a standard error is then 4 %


class TailRisk(NamedTuple):
    """Tail figures of a loss, or of the difference between two.

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
    difference quotient of the weighted quantile over three standard errors of p either side, on the scale of
    $\log p / (1 - p)$, where the quantiles of a tail are all but straight.

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
    return TailRisk(
        value_at_risk=quantile,
        value_at_risk_error=_quantile_error(losses, share, tail_probability, spread),
        expected_shortfall=shortfall,
        expected_shortfall_error=float(np.sqrt(np.sum((share * (influence - shortfall)) ** 2))),
        effective_paths=float(1.0 / np.sum(share**2)),
    )


def tail_effect(
    first_losses: Float[np.ndarray, " paths"],
    first_weights: Float[np.ndarray, " paths"],
    second_losses: Float[np.ndarray, " paths"],
    second_weights: Float[np.ndarray, " paths"],
    *,
    tail_probability: float,
) -> TailRisk:
    """Return how much the tail figures of the second loss exceed those of the first, over the same draws.

    Standard errors are those of pairs: what common random numbers move in both cancels. That of the shortfall is of the
    difference of the influences. Value at risk is bootstrapped, pair by pair with their weights: where both losses
    exceed their quantiles on much the same draws, the difference of two influences is that of two estimated densities,
    and nothing but their noise.

    `effective_paths` are those of the side that is worth fewer.

    Raises:
        ValueError: as `tail_risk`.

    References:
        Efron (1979), Ann. Statist. 7(1), 1-26.
    """
    losses, weights = (first_losses, second_losses), (first_weights, second_weights)
    sides = [tail_risk(loss, w, tail_probability=tail_probability) for loss, w in zip(losses, weights, strict=True)]
    shares = [w / np.sum(w) for w in weights]
    influences = [shortfall_influence(loss, s, tail_probability) for loss, s in zip(losses, shares, strict=True)]
    shortfall, error = paired_difference(influences[0], shares[0], influences[1], shares[1])
    first, second = _bootstrapped(losses, shares, 1.0 - tail_probability)
    return TailRisk(
        value_at_risk=sides[1].value_at_risk - sides[0].value_at_risk,
        value_at_risk_error=float(np.std(second - first, ddof=1)),
        expected_shortfall=shortfall,
        expected_shortfall_error=error,
        effective_paths=min(side.effective_paths for side in sides),
    )


def _quantile_error(losses, share, tail_probability: float, spread: float) -> float:
    """Return the standard error of the loss exceeded with the tail probability, whose own is `spread`."""
    logit = np.log(tail_probability / (1.0 - tail_probability))
    reach = 3.0 * spread / (tail_probability * (1.0 - tail_probability))
    high, low = (weighted_quantile(losses, share, 1.0 / (1.0 + np.exp(logit + side))) for side in (-reach, reach))
    return (high - low) / 6.0


def _bootstrapped(losses: Sequence[np.ndarray], shares: Sequence[np.ndarray], level: float) -> np.ndarray:
    """Return the quantile of each of two losses, over the same resamples of their pairs of draws."""
    rng, paths = np.random.default_rng(0), losses[0].size
    orders = [np.argsort(loss, kind="stable") for loss in losses]
    ordered = [(loss[order], share[order], order) for loss, share, order in zip(losses, shares, orders, strict=True)]
    found = np.empty((len(ordered), _RESAMPLES))
    for number in range(_RESAMPLES):
        times = np.bincount(rng.integers(paths, size=paths), minlength=paths)
        for side, (loss, share, order) in enumerate(ordered):
            reached = np.cumsum(times[order] * share)
            place = np.searchsorted(reached, level * reached[-1] * (1.0 - 1e-12))
            found[side, number] = loss[min(place, paths - 1)]
    return found


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
