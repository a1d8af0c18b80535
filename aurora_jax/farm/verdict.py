"""Whether what was measured is what was asked for."""

from collections.abc import Mapping

from ..scenarios import Asked, Cell
from .plan import MEASURED_AT
from .reduction import Moments

SIGMAS = 4.0
ALLOWANCE: Mapping[str, float] = {
    "hurst": 0.01,
    "tail_index": 0.04,
    "extremal_index": 0.06,
    "tail_dependence": 0.02,
    "jump_rate": 0.0,
    "jump_dispersion": 0.0,
    "volatility_hurst": 0.005,
    "jump_impact": 0.0,
    "size_memory": 0.0,
    "regime_contrast": 0.0,
}
"""How far an estimator's mean may be from the truth at the level it is taken at, beside its standard error.

* hurst: Whittle's bias at 1,000 bars is below .003 (oracles); jumps and GARCH effects add some.
* tail_index: the exams compare with the expectation at the level where it is known; ARCH has only its limit, from which
  Hill's estimator at the top 2.5 % of 2,048 bars is .03 away.
* extremal_index: K-gaps at q = .95 with K = 5, compared with the chance of no exceedance within K bars; the likelihood,
  which uses longer gaps too, was found .02 (max-autoregression) to .055 (ARCH) above it.
* volatility_hurst: the variogram's bias at 512 bars, about .002, and estimates at the end of its interval left out.
* tail_dependence: compared at the level; ranks of 2,048 bars leave a bias of the order of 1 / 50.
"""
RELATIVE_ALLOWANCE: Mapping[str, float] = {"jump_dispersion": 0.05}
"""The same as a share of the value: a path's own mean takes dispersion over windows away."""


def asked_of(cell: Cell) -> Asked:
    """Return what is asked for by name: a law's values are those at the level at which its estimators are taken."""
    if cell.law is None:
        return cell.asked()
    level = {name: MEASURED_AT[name] for name in ("tail_share", "extreme_quantile")}
    asked = cell.law.at_level(**level)
    if "extremal_index" in asked:
        asked["extremal_index"] = _at_run_length(asked["extremal_index"])
    return Asked(asked, cell.asked().bounds)


def _at_run_length(extremal_index: float) -> float:
    r"""Return $\theta (1 - \theta p)^K$: an unrelated cluster within K bars joins two, at the rate $\theta p$ a bar."""
    share, run = 1.0 - MEASURED_AT["extreme_quantile"], MEASURED_AT["run_length"]
    return extremal_index * (1.0 - extremal_index * share) ** run


def passed(
    name: str, measured: Moments, asked: float | None, bounds: tuple[float | None, float | None] | None
) -> bool | None:
    """Return whether a mean lies where it was asked to, within 4 standard errors and the allowance; None if not asked.

    Args:
        name: of the invariant.
        measured: over paths.
        asked: value asked for.
        bounds: between which it shall lie, either of which may be None.
    """
    if asked is None and bounds is None:
        return None
    if measured.standard_error is None:
        return False
    low, high = (None, None) if bounds is None else bounds
    sampling = SIGMAS * measured.standard_error
    if asked is not None:
        slack = sampling + ALLOWANCE[name] + RELATIVE_ALLOWANCE.get(name, 0.0) * abs(asked)
        if abs(measured.mean - asked) > slack:
            return False
    # A bound is what somebody wants to be true of the paths, whatever the estimator's bias.
    return (low is None or measured.mean >= low - sampling) and (high is None or measured.mean <= high + sampling)
