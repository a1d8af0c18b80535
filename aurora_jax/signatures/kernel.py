"""The kernel between two paths, and everything that it takes from a sample."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from aurora_jax.core import Number

from .augment import lead_lag, time_augmented
from .blocks import squared_distances
from .median_distance import median_squared_distance
from .normalise import RobustScale, robust_scale
from .signature import signature

SQUASH = 8.0
"""Robust standard deviations at which a feature's growth is bent, so that no path outweighs the arithmetic."""
PATHS_AT_ONCE = 64
"""Paths whose signatures are computed together."""


def with_time_and_lag(path: Float[Array, "steps channels"]) -> Float[Array, "points more_channels"]:
    """Return the path with lead, lag and time: the augmentation used by default."""
    return time_augmented(lead_lag(path))


class SignatureKernel(NamedTuple):
    r"""A Gaussian kernel between the features of two paths' signatures, held whatever it is asked to compare.

    $$k(x, y) = \exp\Bigl( -\frac{\lVert z_x - z_y \rVert^2}{2 b^2 F} \Bigr)$$

    with the F features z in robust standard deviations of the sample that the kernel was taken from, bent to
    $z / \sqrt{1 + (z / 8)^2}$. Distances by one kernel can be compared with each other; with features in units of
    whichever pool is at hand they cannot, as a wild sample makes its own unit large.

    Attributes:
        scale: of the features.
        bandwidth: b, in root mean squares of a feature's difference.
    """

    scale: RobustScale
    bandwidth: Float[Array, ""]

    def points(self, features: Float[Array, "n features"]) -> Float[Array, "n features"]:
        """Return the bent features z, between which the kernel measures."""
        return bent(self.scale(features))


def signature_kernel(
    paths: Float[Array | np.ndarray, "n steps channels"],
    *,
    depth: int,
    bandwidth_medians: Number = 1.0,
    augment: Callable[[Array], Array] = with_time_and_lag,
) -> SignatureKernel:
    r"""Take a kernel from a sample of paths: the features' scale, and the bandwidth by the median heuristic.

    $$b = c \Bigl( \mathrm{med}_{i < j} \tfrac1F \lVert z_i - z_j \rVert^2 \Bigr)^{1/2}$$

    Args:
        paths: one path a row of the first axis.
        depth: of the signatures.
        bandwidth_medians: c, the bandwidth in medians of the distance between two paths.
        augment: applied to each path first.

    Raises:
        ValueError: if there are fewer than 4 paths.

    References:
        Gretton et al. (2012), J. Machine Learning Research 13, section 8.
    """
    if paths.shape[0] < 4:
        raise ValueError(f"a median bandwidth needs at least 4 paths, had {paths.shape[0]}: more history.")
    features = signature_features(paths, depth=depth, augment=augment)
    scale = robust_scale(features)
    squared = median_squared_distance(bent(scale(features)))
    width = jnp.sqrt(jnp.where(squared > 0.0, squared, 1.0))  # all paths equal: any bandwidth gives 0
    return SignatureKernel(scale, bandwidth_medians * width)


def signature_features(
    paths: Float[Array | np.ndarray, "n steps channels"],
    *,
    depth: int,
    augment: Callable[[Array], Array] = with_time_and_lag,
) -> Float[Array, "n features"]:
    """Return the signature of each augmented path; a gradient recomputes them, for some paths at a time."""
    # The gradient needs the states of a signature at all steps: they are not kept.
    one = jax.checkpoint(lambda path: signature(augment(path), depth=depth))
    return jax.lax.map(one, jnp.asarray(paths), batch_size=PATHS_AT_ONCE)


def bent(normalised: Float[Array, "n features"]) -> Float[Array, "n features"]:
    """Return features whose growth ends at `SQUASH`: bounded and one-to-one."""
    return normalised / jnp.sqrt(1.0 + (normalised / SQUASH) ** 2)


def gaussian_kernel(
    rows: Float[Array, "rows features"], points: Float[Array, "pool features"], *, squared_bandwidth: Float[Array, ""]
) -> Float[Array, "rows pool"]:
    r"""Return $\exp(-\lVert z - z' \rVert^2 / (2 b^2 F))$ between each row and each point."""
    return jnp.exp(-0.5 * squared_distances(rows, points) / squared_bandwidth)
