"""Noise and jumps as controls that diffrax can integrate against."""

from jaxtyping import Array, Float

from aurora_jax.core import Number, PRNGKey

from .fractional import fractional_gaussian_noise
from .increment_path import IncrementPath
from .levy_process import AbstractLevyProcess
from .multifractional import multifractional_gaussian_noise


def fractional_path(key: PRNGKey, *, hurst: Number, steps: int, step_size: float = 1.0) -> IncrementPath:
    """Draw a fractional Brownian motion; arguments and refusals are those of `fractional_gaussian_noise`."""
    return IncrementPath(fractional_gaussian_noise(key, hurst=hurst, steps=steps, step_size=step_size), step_size)


def multifractional_path(
    key: PRNGKey,
    *,
    hurst: Float[Array, " blocks"],
    block_steps: int,
    step_size: float = 1.0,
    coupled: bool = True,
) -> IncrementPath:
    """Draw a multifractional Brownian motion; arguments as for `multifractional_gaussian_noise`."""
    increments = multifractional_gaussian_noise(
        key, hurst=hurst, block_steps=block_steps, step_size=step_size, coupled=coupled
    )
    return IncrementPath(increments, step_size)


def jump_path(
    key: PRNGKey, *, process: AbstractLevyProcess, steps: int, step_size: float = 1.0, compensated: bool = True
) -> IncrementPath:
    r"""Draw a Lévy process whose jumps a solver applies at the left point of their step.

    Args:
        key: spent here.
        process: the law of the jumps.
        steps: at least 1.
        step_size: h > 0, in the unit of time of the process.
        compensated: take off the mean $h \kappa_1$ of every step, so that the path is a martingale.

    Raises:
        ValueError: if an argument is out of range, or a mean that should be taken off does not exist.
    """
    increments = process.increments(key, steps=steps, step_size=step_size)
    mean = step_size * process.cumulant(1) if compensated else 0.0
    return IncrementPath(increments - mean, step_size)
