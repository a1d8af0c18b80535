"""Distance between two laws on path space, from samples of paths."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from aurora_jax.core import Number

from .augment import lead_lag, time_augmented
from .normalise import robust_normalised
from .signature import signature
from .u_statistic import divided

SQUASH = 8.0
"""Robust standard deviations at which a feature's growth is bent, so that no path outweighs the arithmetic."""


def with_time_and_lag(path: Float[Array, "steps channels"]) -> Float[Array, "points more_channels"]:
    """Return the path with lead, lag and time: the augmentation used by default."""
    return time_augmented(lead_lag(path))


def signature_mmd(
    x: Float[Array | np.ndarray, "n steps_of_x channels_of_x"],
    y: Float[Array | np.ndarray, "m steps_of_y channels_of_y"],
    *,
    depth: int,
    bandwidth: Number | None = None,
    augment: Callable[[Array], Array] = with_time_and_lag,
) -> Float[Array, ""]:
    r"""Estimate the squared maximum mean discrepancy between two laws of paths, without bias under equality.

    $$\widehat{MMD}^2 = \frac{1}{n (n - 1)} \sum_{i \ne j} k(x_i, x_j) + \frac{1}{m (m - 1)} \sum_{i \ne j} k(y_i, y_j)
      - \frac{2}{n m} \sum_{i, j} k(x_i, y_j), \qquad
      k(x, y) = \exp\Bigl( -\frac{\lVert z_x - z_y \rVert^2}{2 b^2 F} \Bigr)$$

    where $z$ are the F features of the augmented path's signature, normalised robustly and bent to
    $z / \sqrt{1 + (z / 8)^2}$: bounded and one-to-one, hence finite where a linear kernel has no mean.
    Normalisation and median are those of the pooled sample. So the estimate is symmetric in x and y, does not change
    when both are scaled, and averages exactly 0 over all divisions of a pooled sample in two: it can be negative.
    Differentiable in both samples. Memory: (n + m)^2 + (n + m) F numbers.

    Args:
        x: one path a row of the first axis.
        y: likewise, same steps and channels.
        depth: of the signatures.
        bandwidth: b, in root mean squares of a feature's difference; by default the median over all pairs.
        augment: applied to each path first; `lambda path: path` for the bare path.

    Raises:
        ValueError: if a sample has fewer than two paths, the shapes differ, or the bandwidth is not positive.

    References:
        Gretton et al. (2012), J. Machine Learning Research 13, eq. 3 (the estimate), section 8 (the median);
        Chevyrev and Oberhauser (2022), J. Machine Learning Research 23(176), section 4 (bounded signature features).
    """
    gram = pooled_kernel(x, y, depth=depth, bandwidth=bandwidth, augment=augment)
    first = jnp.where(jnp.arange(gram.shape[0]) < x.shape[0], 1.0, 0.0).astype(gram.dtype)
    return divided(gram, first)


def pooled_kernel(
    x: Float[Array | np.ndarray, "n steps_of_x channels_of_x"],
    y: Float[Array | np.ndarray, "m steps_of_y channels_of_y"],
    *,
    depth: int,
    bandwidth: Number | None,
    augment: Callable[[Array], Array],
) -> Float[Array, "pool pool"]:
    """Return the kernel of `signature_mmd` between all paths of both samples, those of x first."""
    x, y = jnp.asarray(x), jnp.asarray(y)
    n, m = x.shape[0], y.shape[0]
    if n < 2 or m < 2:
        raise ValueError(f"an unbiased estimate needs at least 2 paths a sample, had {n} and {m}.")
    if x.shape[1:] != y.shape[1:]:
        raise ValueError(f"x and y must have equal steps and channels, had {x.shape[1:]} and {y.shape[1:]}.")
    if isinstance(bandwidth, int | float) and not bandwidth > 0:
        raise ValueError(f"bandwidth must be > 0, was {bandwidth}.")
    pooled = jnp.concatenate([x, y])
    features = robust_normalised(jax.vmap(lambda path: signature(augment(path), depth=depth))(pooled))
    bent = features / jnp.sqrt(1.0 + (features / SQUASH) ** 2)
    squared = _squared_distances(bent) / bent.shape[1]
    if bandwidth is None:
        scale = jnp.median(squared[jnp.triu_indices(n + m, 1)])
        scale = jnp.where(scale > 0.0, scale, 1.0)  # all paths equal: any bandwidth gives 0
    else:
        scale = jnp.asarray(bandwidth, squared.dtype) ** 2
    return jnp.exp(-0.5 * squared / scale)


def _squared_distances(points: Float[Array, "n features"]) -> Float[Array, "n n"]:
    """Return all squared distances; exactly 0 on the diagonal."""
    squares = jnp.sum(points**2, axis=1)
    distances = squares[:, None] + squares[None, :] - 2.0 * points @ points.T
    off_diagonal = 1.0 - jnp.eye(points.shape[0], dtype=points.dtype)
    return jnp.maximum(distances, 0.0) * off_diagonal
