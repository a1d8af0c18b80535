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

Decode = Callable[
    [Float[Array, "paths bars latent"], Float[Array, "paths bars"]],
    tuple[Float[Array, "paths window"], Float[Array, "paths inputs"]],
]
"""From latent paths and shocks: returns of the windows they stand for, and the router's inputs at their last bars."""


class LatentWindows(NamedTuple):
    """Windows as the student explains them.

    Attributes:
        latent: posterior mean z_t on every bar.
        shock: what the emission leaves unexplained there, in its own scale.
    """

    latent: Float[Array, "windows bars latent"]
    shock: Float[Array, "windows bars"]


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
    windows: LatentWindows,
    weights: Float[Array, "windows families"],
    *,
    decode: Decode,
    paths: int,
    points: int = 5,
) -> Interpolated:
    """Join windows of different families on the sphere, decode the points between, and label them by BIC.

    States are interpolated bar by bar and the shocks of a window as one vector, so that both ends of a path are the
    windows themselves and what lies between changes from one to the other, its size kept.

    Args:
        key: parent of the streams used here.
        windows: as the student explains them.
        weights: BIC weights of the same windows.
        decode: the student's decoder, followed by its filter.
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
    share = jnp.linspace(0.0, 1.0, points).astype(windows.latent.dtype)
    between = _between(jax.tree.map(lambda leaf: (leaf[start], leaf[end]), windows), share)
    decoded, inputs = decode(*between)
    kept = _finite_paths(decoded, inputs, points=points)
    labels = family_weights(decoded[kept])
    return Interpolated(
        labelled=Labelled(inputs[kept], labels.weights.astype(jnp.float32)),
        share=jnp.tile(share, paths)[kept],
        end_family=jnp.repeat(jnp.asarray(family[end]), points)[kept],
    )


def _finite_paths(*parts: Array, points: int) -> np.ndarray:
    """Return the places of the windows whose whole path is finite: a state between two may decode to a blow-up.

    Raises:
        ValueError: if there is none.
    """
    finite = np.all([np.isfinite(part).all(axis=1) for part in map(np.asarray, parts)], axis=0)
    paths = finite.reshape(-1, points).all(axis=1)
    if not paths.any():
        raise ValueError(f"none of {paths.size} SLERP paths decodes to finite returns: train the student longer.")
    return np.flatnonzero(np.repeat(paths, points))


@jax.jit
def _between(ends, share: Float[Array, " points"]) -> LatentWindows:
    """Return path after path, from start to end."""
    each_bar = jax.vmap(slerp, in_axes=(0, 0, None))
    latent = _along_paths(each_bar)(ends.latent[0], ends.latent[1], share)
    shock = _along_paths(slerp)(ends.shock[0], ends.shock[1], share)
    return LatentWindows(*(leaf.reshape(-1, *leaf.shape[2:]) for leaf in (latent, shock)))


def _along_paths(move: Callable) -> Callable:
    """Map over paths, and over the shares of each."""
    return jax.vmap(jax.vmap(move, in_axes=(None, None, 0)), in_axes=(0, 0, None))


def monotonicity_violations(
    probabilities: Float[Array | np.ndarray, "windows families"], end_family: Array, *, points: int
) -> float:
    """Return the share of steps along SLERP paths in which the end family's probability decreases."""
    of_end = np.take_along_axis(np.asarray(probabilities), np.asarray(end_family)[:, None], axis=1).reshape(-1, points)
    return float(np.mean(np.diff(of_end, axis=1) < 0.0))
