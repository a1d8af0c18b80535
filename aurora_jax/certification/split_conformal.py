"""Split conformal prediction: which order statistic of past scores bounds the next one."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from aurora_jax.core import Number


def conformal_rank(count: Int[Array, ""] | int, miscoverage: Number) -> Int[Array, ""]:
    r"""Return the rank of the score bound that a fresh exchangeable score respects.

    $$k = \lceil (n + 1)(1 - \alpha) \rceil$$

    Covers with probability k / (n + 1) >= 1 - alpha on average over calibration sets, and conditionally with
    probability Beta(k, n + 1 - k) where scores have no ties. A rank above `count` means that no finite bound can
    be promised.

    References:
        Vovk (2012), Conditional validity of inductive conformal predictors, prop. 2b.
    """
    exact = (jnp.asarray(count, float) + 1.0) * (1.0 - miscoverage)
    # 1 - alpha is not exact in binary: without the guard 100 * (1 - 0.41) would round up to 60.
    return jnp.ceil(exact - 1e-9).astype(int)


def split_quantile(scores: Float[Array, " scores"], *, miscoverage: Number) -> Float[Array, ""]:
    """Return the finite-sample score bound: the `conformal_rank`-th smallest score, +inf if there are too few.

    Args:
        scores: non-negative conformity scores |y - forecast| / scale, in any order.
        miscoverage: alpha in (0, 1).
    """
    rank = conformal_rank(scores.shape[0], miscoverage)
    ascending = jnp.append(jnp.sort(scores), jnp.inf)
    return ascending[jnp.clip(rank, 1, scores.shape[0] + 1) - 1]
