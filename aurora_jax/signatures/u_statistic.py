"""The unbiased estimate of a squared mean discrepancy, for one division of a pooled sample or for many."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from .blocks import fold_rows


def divided(
    kernel: Callable[[Float[Array, "rows features"], Float[Array, "pool features"]], Float[Array, "rows pool"]],
    points: Float[Array, "pool features"],
    first: Float[Array, "*divisions pool"],
) -> Float[Array, "*divisions"]:
    r"""Return the estimate for each division of the pool in two.

    $$\widehat{MMD}^2 = \frac{1}{n (n - 1)} \sum_{i \ne j} k(x_i, x_j) + \frac{1}{m (m - 1)} \sum_{i \ne j} k(y_i, y_j)
      - \frac{2}{n m} \sum_{i, j} k(x_i, y_j)$$

    With s the indicator of x and the diagonal left out, the sums are $s'Ks$, $1'K1 - 2 s'K1 + s'Ks$ and $s'K1 - s'Ks$:
    one matrix product for all divisions. K is computed a block of rows at a time and never held.

    Args:
        kernel: k between each of some rows and each point; symmetric.
        points: of both samples.
        first: s, 1 for the points of the first sample and 0 for those of the second.

    References:
        Gretton et al. (2012), J. Machine Learning Research 13, 723-773, eq. 3.
    """
    pool = points.shape[0]

    def step(sums, rows, places):
        inside, to_all, total = sums
        others = (places[:, None] != jnp.arange(pool)[None, :]) & (places < pool)[:, None]
        between = jnp.where(others, kernel(rows, points), 0.0)
        to_first = first @ between.T
        chosen = jnp.take(first, places, axis=-1, mode="clip")
        return (
            inside + jnp.sum(chosen * to_first, axis=-1),
            to_all + jnp.sum(to_first, axis=-1),
            total + jnp.sum(between),
        )

    zero = jnp.zeros(first.shape[:-1], first.dtype)
    inside, to_all, total = fold_rows(step, (zero, zero, jnp.zeros((), first.dtype)), points)
    n = jnp.sum(first, axis=-1)
    m = pool - n
    outside = total - 2.0 * to_all + inside
    return inside / (n * (n - 1.0)) + outside / (m * (m - 1.0)) - 2.0 * (to_all - inside) / (n * m)
