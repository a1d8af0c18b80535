"""The unbiased estimate of a squared mean discrepancy, for one division of a pooled sample or for many."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def divided(gram: Float[Array, "pool pool"], first: Float[Array, "*divisions pool"]) -> Float[Array, "*divisions"]:
    r"""Return the estimate for each division of the pool in two.

    $$\widehat{MMD}^2 = \frac{1}{n (n - 1)} \sum_{i \ne j} k(x_i, x_j) + \frac{1}{m (m - 1)} \sum_{i \ne j} k(y_i, y_j)
      - \frac{2}{n m} \sum_{i, j} k(x_i, y_j)$$

    With s the indicator of x and the diagonal left out, the sums are $s'Ks$, $1'K1 - 2 s'K1 + s'Ks$ and $s'K1 - s'Ks$:
    one matrix product for all divisions.

    Args:
        gram: K, the kernel between all paths of the pool.
        first: s, 1 for the paths of the first sample and 0 for those of the second.

    References:
        Gretton et al. (2012), J. Machine Learning Research 13, 723-773, eq. 3.
    """
    diagonal = jnp.diagonal(gram)
    between = gram - jnp.diag(diagonal)
    rows = between @ jnp.ones_like(diagonal)
    to_all = first @ rows
    inside = jnp.sum((first @ between) * first, axis=-1)
    n = jnp.sum(first, axis=-1)
    m = gram.shape[0] - n
    outside = jnp.sum(rows) - 2.0 * to_all + inside
    return inside / (n * (n - 1.0)) + outside / (m * (m - 1.0)) - 2.0 * (to_all - inside) / (n * m)
