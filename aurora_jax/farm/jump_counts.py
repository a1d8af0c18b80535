"""How often a path jumps, and how clustered its jumps are."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..core import Estimate, Outcome
from ..scenarios import DISPERSION_BARS


def jump_rate(jumps: Int[Array, " steps"]) -> Estimate:
    """Return the jumps per bar of one path; its standard error comes from windows, which clusters make dependent."""
    windows = _windows(jumps)
    value = jnp.mean(jumps.astype(float))
    return _estimate(value, jnp.std(windows) / jnp.sqrt(windows.size) / DISPERSION_BARS, windows.size)


def jump_dispersion(jumps: Int[Array, " steps"]) -> Estimate:
    r"""Return the variance over the mean of the jumps in windows of 32 bars: 1 is Poisson, $1/(1-n)^2$ in long windows.

    The variance is about the path's own mean, whose error is put back for windows that do not depend on each other;
    what dependence leaves is a bias of the order of the dispersion over the number of windows.
    """
    windows = _windows(jumps)
    mean = jnp.mean(windows)
    value = jnp.where(mean > 0.0, jnp.var(windows, ddof=1) / jnp.where(mean > 0.0, mean, 1.0), jnp.nan)
    error = value * jnp.sqrt(2.0 / max(windows.size - 1, 1))
    return _estimate(value, error, windows.size)


def _windows(jumps: Int[Array, " steps"]) -> Float[Array, " windows"]:
    whole = jumps.size // DISPERSION_BARS * DISPERSION_BARS
    return jnp.sum(jumps[:whole].reshape(-1, DISPERSION_BARS), axis=1).astype(float)


def _estimate(value: Float[Array, ""], error: Float[Array, ""], windows: int) -> Estimate:
    """Report too few windows, and a path without jumps, as what they are."""
    if windows < 2:
        nothing = jnp.asarray(jnp.nan)
        return Estimate(nothing, nothing, jnp.asarray(int(Outcome.TOO_SHORT)))
    outcome = jnp.where(jnp.isnan(value), int(Outcome.CONSTANT), int(Outcome.OK))
    return Estimate(value, error, outcome)
