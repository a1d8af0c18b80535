"""Distance between two laws on path space, from samples of paths."""

from collections.abc import Callable
from functools import partial

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from aurora_jax.core import Number

from .kernel import SignatureKernel, bent, gaussian_kernel, signature_features, with_time_and_lag
from .median_distance import median_squared_distance
from .normalise import robust_normalised
from .u_statistic import divided


def signature_mmd(
    x: Float[Array | np.ndarray, "n steps_of_x channels_of_x"],
    y: Float[Array | np.ndarray, "m steps_of_y channels_of_y"],
    *,
    depth: int,
    bandwidth: Number | None = None,
    kernel: SignatureKernel | None = None,
    augment: Callable[[Array], Array] = with_time_and_lag,
) -> Float[Array, ""]:
    r"""Estimate the squared maximum mean discrepancy between two laws of paths, without bias under equality.

    $$\widehat{MMD}^2 = \frac{1}{n (n - 1)} \sum_{i \ne j} k(x_i, x_j) + \frac{1}{m (m - 1)} \sum_{i \ne j} k(y_i, y_j)
      - \frac{2}{n m} \sum_{i, j} k(x_i, y_j), \qquad
      k(x, y) = \exp\Bigl( -\frac{\lVert z_x - z_y \rVert^2}{2 b^2 F} \Bigr)$$

    where $z$ are the F features of the augmented path's signature, normalised robustly and bent to
    $z / \sqrt{1 + (z / 8)^2}$: bounded and one-to-one, hence finite where a linear kernel has no mean.
    By default normalisation and median are those of the pooled sample. So the estimate is symmetric in x and y, does
    not change when both are scaled, and averages exactly 0 over all divisions of a pooled sample in two: it can be
    negative. To rank several y against one x, give a `kernel`: in the units of its own pool each y would be measured
    differently. Differentiable in both samples. Memory, of the gradient too: some (n + m) F numbers, never (n + m)^2.

    Args:
        x: one path a row of the first axis.
        y: likewise, same steps and channels.
        depth: of the signatures.
        bandwidth: b, in root mean squares of a feature's difference; by default the median over all pairs.
        kernel: held kernel, in place of the pool's; taken at the same depth and augmentation.
        augment: applied to each path first; `lambda path: path` for the bare path.

    Raises:
        ValueError: if a sample has fewer than two paths, the shapes differ, the bandwidth is not positive, or both a
            bandwidth and a kernel are given.

    References:
        Gretton et al. (2012), J. Machine Learning Research 13, eq. 3 (the estimate), section 8 (the median);
        Chevyrev and Oberhauser (2022), J. Machine Learning Research 23(176), section 4 (bounded signature features).
    """
    points, squared = pooled_points(x, y, depth=depth, bandwidth=bandwidth, kernel=kernel, augment=augment)
    first = jnp.where(jnp.arange(points.shape[0]) < x.shape[0], 1.0, 0.0).astype(points.dtype)
    return divided(partial(gaussian_kernel, squared_bandwidth=squared), points, first)


def pooled_points(
    x: Float[Array | np.ndarray, "n steps_of_x channels_of_x"],
    y: Float[Array | np.ndarray, "m steps_of_y channels_of_y"],
    *,
    depth: int,
    bandwidth: Number | None = None,
    kernel: SignatureKernel | None = None,
    augment: Callable[[Array], Array] = with_time_and_lag,
) -> tuple[Float[Array, "pool features"], Float[Array, ""]]:
    """Return the bent features of both samples, those of x first, and the squared bandwidth between them."""
    x, y = jnp.asarray(x), jnp.asarray(y)
    n, m = x.shape[0], y.shape[0]
    if n < 2 or m < 2:
        raise ValueError(f"an unbiased estimate needs at least 2 paths a sample, had {n} and {m}.")
    if x.shape[1:] != y.shape[1:]:
        raise ValueError(f"x and y must have equal steps and channels, had {x.shape[1:]} and {y.shape[1:]}.")
    if isinstance(bandwidth, int | float) and not bandwidth > 0:
        raise ValueError(f"bandwidth must be > 0, was {bandwidth}.")
    if bandwidth is not None and kernel is not None:
        raise ValueError("give a bandwidth or a kernel, which has its own, not both.")
    features = signature_features(jnp.concatenate([x, y]), depth=depth, augment=augment)
    if kernel is not None:
        # Finite paths may have signatures that are not: large steps in single precision.
        features = eqx.error_if(features, ~jnp.all(jnp.isfinite(features)), "features must be finite.")
        return kernel.points(features), kernel.bandwidth**2
    points = bent(robust_normalised(features))
    if bandwidth is None:
        squared = median_squared_distance(points)
        return points, jnp.where(squared > 0.0, squared, 1.0)  # all paths equal: any bandwidth gives 0
    width = jnp.asarray(bandwidth, points.dtype)
    return points, eqx.error_if(width, ~(width > 0.0), "bandwidth must be > 0.") ** 2
