"""Do two samples of paths come from one law?"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from aurora_jax.core import Number, PRNGKey, TestResult

from .kernel import gaussian_kernel, with_time_and_lag
from .mmd import pooled_points
from .u_statistic import divided


def signature_mmd_test(
    key: PRNGKey,
    x: Float[Array | np.ndarray, "n steps_of_x channels_of_x"],
    y: Float[Array | np.ndarray, "m steps_of_y channels_of_y"],
    *,
    depth: int,
    permutations: int = 999,
    bandwidth: Number | None = None,
    augment: Callable[[Array], Array] = with_time_and_lag,
) -> TestResult:
    r"""Test that two samples of paths have one law, by `signature_mmd` over random divisions of the pool.

    $$p = \frac{1 + \#\{i : \widehat{MMD}^2_{(i)} \ge \widehat{MMD}^2\}}{1 + M}$$

    Exact at any sample size and under any law, heavy tails included: normalisation and bandwidth are the pool's, which
    does not know the division. The kernel is computed once and never held.

    Args:
        key: spent here.
        x: one path a row of the first axis; rows must be independent.
        y: likewise, same steps and channels.
        depth: of the signatures.
        permutations: M >= 1; the smallest p-value is 1 / (1 + M).
        bandwidth: as for `signature_mmd`, as is `augment`.
        augment: applied to each path first.

    Returns:
        The estimate and its p-value.

    Raises:
        ValueError: if `permutations` is less than 1, or as for `signature_mmd`.

    References:
        Gretton et al. (2012), J. Machine Learning Research 13, section 8; Phipson and Smyth (2010), Statistical
        Applications in Genetics and Molecular Biology 9(1), eq. 2 (the 1 + in both places).
    """
    if permutations < 1:
        raise ValueError(f"permutations must be at least 1, was {permutations}.")
    points, squared = pooled_points(x, y, depth=depth, bandwidth=bandwidth, augment=augment)
    first = jnp.where(jnp.arange(points.shape[0]) < x.shape[0], 1.0, 0.0).astype(points.dtype)
    keys = jr.split(key, permutations)
    shuffled = jax.vmap(lambda k: jr.permutation(k, first))(keys)
    divisions = jnp.concatenate([first[None, :], shuffled])
    estimates = divided(partial(gaussian_kernel, squared_bandwidth=squared), points, divisions)
    statistic, null = estimates[0], estimates[1:]
    # A division that repeats the observed one must count as equal, whatever the rounding of its sums.
    rounding = 64.0 * jnp.finfo(points.dtype).eps
    as_large = jnp.sum(null >= statistic - rounding, dtype=points.dtype)
    return TestResult(statistic, (1.0 + as_large) / (1.0 + permutations))
