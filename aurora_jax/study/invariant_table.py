"""Invariants of the held-out market beside each model's."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..core import Outcome
from ..invariants import measure

NAMES = ("hurst", "tail_index", "extremal_index", "tail_dependence")


class InvariantRow(NamedTuple):
    """One invariant of one market.

    Attributes:
        market: "real", or the model's name.
        name: of the invariant.
        value: mean over windows or paths.
        standard_error: of that mean.
        z: distance from the real value in standard errors of the difference; 0 for the real market.
    """

    market: str
    name: str
    value: float
    standard_error: float
    z: float


def invariant_table(
    real: Float[np.ndarray, "windows bars assets"],
    simulated: Mapping[str, Float[np.ndarray, "paths bars assets"]],
) -> list[InvariantRow]:
    """Measure real windows and simulated paths of the same length, so that what bias there is cancels.

    The standard error of a real mean is that of the estimators themselves, as windows are few; of a simulated mean,
    the spread over paths.
    """
    estimate = jax.jit(jax.vmap(measure))
    truth = _means(estimate(jnp.asarray(real, float)), spread=real.shape[0] >= 8)
    rows = [InvariantRow("real", name, *truth[name], 0.0) for name in NAMES if name in truth]
    for market, paths in simulated.items():
        found = _means(estimate(jnp.asarray(paths, float)), spread=True)
        for name in NAMES:
            if name in truth and name in found:
                (value, error), (expected, own) = found[name], truth[name]
                rows.append(InvariantRow(market, name, value, error, (value - expected) / float(np.hypot(error, own))))
    return rows


def _means(invariants, *, spread: bool) -> dict[str, tuple[float, float]]:
    """Average the usable estimates of each invariant; one without any is left out."""
    means = {}
    for name, estimate in invariants._asdict().items():
        good = np.asarray(estimate.outcome) == int(Outcome.OK)
        if not good.any():
            continue
        values, errors = np.asarray(estimate.value)[good], np.asarray(estimate.standard_error)[good]
        own = float(np.sqrt(np.sum(errors**2)) / values.size)
        means[name] = (float(values.mean()), float(np.std(values, ddof=1) / np.sqrt(values.size)) if spread else own)
    return means
