"""SLERP augmentation: windows between regimes, decoded from interpolated latents and labelled again."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from ..core import PRNGKey, stream
from .families import family_weights
from .slerp import slerp
from .train import Labelled

Generate = Callable[
    [PRNGKey, Float[Array, "paths latent"]], tuple[Float[Array, "paths bars"], Float[Array, "paths inputs"]]
]
"""From latent states: returns of a window that the student generates, and the router's inputs at its last bar."""


class Interpolated(NamedTuple):
    """Windows along interpolation paths.

    Attributes:
        labelled: inputs and BIC weights, path by path.
        share: position s in [0, 1] of each window on its path.
        end_family: family at the end (s = 1) of the window's path.
    """

    labelled: Labelled
    share: Float[Array, " windows"]
    end_family: Array


def interpolate(
    key: PRNGKey,
    latents: Float[Array, "windows latent"],
    weights: Float[Array, "windows families"],
    *,
    generate: Generate,
    paths: int,
    points: int = 5,
) -> Interpolated:
    """Join windows of different families on the sphere, decode the points between, and label them by BIC.

    Args:
        key: parent of the streams used here.
        latents: the student's posterior mean at the end of each window.
        weights: BIC weights of the same windows.
        generate: the student as a generator, followed by its filter.
        paths: pairs to join.
        points: positions on each path, both ends included.

    Raises:
        ValueError: if all windows have the same family, so that there is nothing to join.
    """
    family = np.asarray(jnp.argmax(weights, axis=1))
    if np.unique(family).size < 2:
        raise ValueError("all windows have the same family: nothing to interpolate between; use more history.")
    start = np.asarray(jr.randint(stream(key, "start"), (paths,), 0, family.size))
    # One uniform draw picks among the windows of another family.
    uniform = np.asarray(jr.uniform(stream(key, "end"), (paths,)))
    others = [np.flatnonzero(family != family[i]) for i in start]
    end = np.array([other[int(u * other.size)] for other, u in zip(others, uniform, strict=True)])
    share = jnp.linspace(0.0, 1.0, points).astype(latents.dtype)
    along = jax.vmap(jax.vmap(slerp, in_axes=(None, None, 0)), in_axes=(0, 0, None))
    between = along(latents[start], latents[end], share).reshape(paths * points, -1)
    windows, inputs = generate(stream(key, "generate"), between)
    labels = family_weights(windows)
    return Interpolated(
        labelled=Labelled(inputs, labels.weights.astype(jnp.float32)),
        share=jnp.tile(share, paths),
        end_family=jnp.repeat(jnp.asarray(family[end]), points),
    )


def monotonicity_violations(
    probabilities: Float[Array | np.ndarray, "windows families"], end_family: Array, *, points: int
) -> float:
    """Return the share of steps along SLERP paths in which the end family's probability decreases."""
    of_end = np.take_along_axis(np.asarray(probabilities), np.asarray(end_family)[:, None], axis=1).reshape(-1, points)
    return float(np.mean(np.diff(of_end, axis=1) < 0.0))
