"""SLERP augmentation: windows between regimes, decoded from interpolated latents and labelled again."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int

from ..core import PRNGKey, stream
from .families import family_weights
from .slerp import slerp
from .train import LabelledPaths

MIRRORS = 2

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


def interpolate(
    key: PRNGKey,
    windows: LatentWindows,
    weights: Float[Array, "windows families"],
    *,
    decode: Decode,
    paths: int,
    points: int = 5,
    clear_share: float = 1.0,
) -> LabelledPaths:
    """Join windows of different families on the sphere, decode the points between, and label them by BIC.

    States are interpolated bar by bar and the shocks of a window as one vector, so that both ends of a path are the
    windows themselves (the end of the mirrored one with its shocks turned) and what lies between changes from one to
    the other, its size kept. Each path is decoded twice: with the end's shocks, and with their mirror image. A family
    does not know the sign of its shocks, but what two windows have in common by chance changes its sign, and does not
    last in the mean of both.

    Args:
        key: parent of the streams used here.
        windows: as the student explains them.
        weights: BIC weights of the same windows.
        decode: the student's decoder, followed by its filter.
        paths: pairs to join.
        points: positions on each path, both ends included.
        clear_share: share of each family's windows that may be an end: those of the largest weight.

    Raises:
        ValueError: if all windows have the same family, so that there is nothing to join, or a share is out of range.
    """
    if not 0.0 < clear_share <= 1.0:
        raise ValueError(f"clear_share must lie in (0, 1], was {clear_share}.")
    family = np.asarray(jnp.argmax(weights, axis=1))
    if np.unique(family).size < 2:
        raise ValueError("all windows have the same family: nothing to interpolate between; use more history.")
    clear = _clear(np.asarray(weights), family, clear_share)
    start = clear[np.asarray(jr.randint(stream(key, "start"), (paths,), 0, clear.size))]
    # One uniform draw picks among the windows of another family.
    uniform = np.asarray(jr.uniform(stream(key, "end"), (paths,)))
    others = [clear[family[clear] != family[i]] for i in start]
    end = np.array([other[int(u * other.size)] for other, u in zip(others, uniform, strict=True)])
    share = jnp.linspace(0.0, 1.0, points).astype(windows.latent.dtype)
    ends = jax.tree.map(lambda leaf: (leaf[start], leaf[end]), windows)
    decoded, inputs = decode(*_between(ends, share))
    kept = _finite_paths(decoded, inputs, points=MIRRORS * points)
    labels = family_weights(decoded[kept]).weights.astype(jnp.float32)
    shape = (-1, MIRRORS, points)
    which = np.asarray(kept).reshape(shape)[:, 0, 0] // (MIRRORS * points)
    return LabelledPaths(
        inputs[kept].reshape(*shape, inputs.shape[-1]),
        labels.reshape(*shape, labels.shape[-1]),
        jnp.asarray(family[end][which]),
    )


def _clear(weights: np.ndarray, family: np.ndarray, share: float) -> np.ndarray:
    """Return the places of the clearest windows of each family, at least one of each."""
    own = weights[np.arange(family.size), family]
    parts = []
    for one in np.unique(family):
        members = np.flatnonzero(family == one)
        count = max(1, round(share * members.size))
        parts.append(members[np.argsort(-own[members], kind="stable")[:count]])
    return np.sort(np.concatenate(parts))


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
    """Return path after path, mirror after mirror, from start to end."""
    each_bar = jax.vmap(slerp, in_axes=(0, 0, None))
    latent = _along_paths(each_bar)(ends.latent[0], ends.latent[1], share)
    shock = jnp.stack([_along_paths(slerp)(ends.shock[0], sign * ends.shock[1], share) for sign in (1.0, -1.0)], axis=1)
    latent = jnp.repeat(latent[:, None], MIRRORS, axis=1)
    return LatentWindows(latent.reshape(-1, *latent.shape[3:]), shock.reshape(-1, *shock.shape[3:]))


def _along_paths(move: Callable) -> Callable:
    """Map over paths, and over the shares of each."""
    return jax.vmap(jax.vmap(move, in_axes=(None, None, 0)), in_axes=(0, 0, None))


def monotonicity_violations(
    probabilities: Float[Array | np.ndarray, "paths points families"], end_family: Int[Array | np.ndarray, " paths"]
) -> float:
    """Return the share of steps along SLERP paths in which the end family's probability decreases."""
    of_end = np.take_along_axis(np.asarray(probabilities), np.asarray(end_family)[:, None, None], axis=2)[..., 0]
    return float(np.mean(np.diff(of_end, axis=1) < 0.0))
