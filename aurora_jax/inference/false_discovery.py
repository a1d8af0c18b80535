"""Many tests at once, dependent in any way."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from aurora_jax.core import Number


class Discoveries(NamedTuple):
    """Which of many nulls are rejected.

    Attributes:
        rejected: per test.
        adjusted_p_values: smallest false discovery rate at which the test is rejected.
    """

    rejected: Bool[Array, " tests"]
    adjusted_p_values: Float[Array, " tests"]


def benjamini_yekutieli(
    p_values: Float[Array | np.ndarray, " tests"], *, false_discovery_rate: Number = 0.05
) -> Discoveries:
    r"""Reject as many nulls as keep the expected share of false rejections below a rate, whatever the dependence.

    Rejects the smallest k p-values for the largest k with $p_{(k)} \le k q / (m \sum_{i=1}^m 1 / i)$ (statsmodels).
    Runs outside jit.

    Raises:
        ValueError: if there is no test, a p-value lies outside [0, 1], or the rate outside (0, 1).

    References:
        Benjamini and Yekutieli (2001), Annals of Statistics 29(4), theorem 1.3.
    """
    # statsmodels takes three seconds to import, which a service that only prices risk need not pay.
    from statsmodels.stats.multitest import multipletests

    values = np.asarray(p_values, float)
    if values.size == 0 or not np.all((values >= 0.0) & (values <= 1.0)):
        raise ValueError(f"p_values must be one or more numbers in [0, 1], were {values}.")
    if not 0.0 < false_discovery_rate < 1.0:
        raise ValueError(f"false_discovery_rate must lie in (0, 1), was {false_discovery_rate}.")
    rejected, adjusted, _, _ = multipletests(values, alpha=float(false_discovery_rate), method="fdr_by")
    return Discoveries(jnp.asarray(rejected), jnp.asarray(adjusted))


def adjusted_yekutieli(p_values: Float[Array, " tests"], *, tested: Bool[Array, " tests"]) -> Float[Array, " tests"]:
    r"""Return the smallest false discovery rate at which each null is rejected, as `benjamini_yekutieli` but in jit.

    $$\tilde p_{(k)} = \min\Bigl(1, \min_{r \ge k} \frac{m\,p_{(r)}}{r} \sum_{i=1}^m \frac1i\Bigr)$$

    Args:
        p_values: in [0, 1].
        tested: which of them are tests; m is their number, the others get 1.

    References:
        Benjamini and Yekutieli (2001), Annals of Statistics 29(4), theorem 1.3.
    """
    place = jnp.arange(1, p_values.size + 1, dtype=p_values.dtype)
    tests = jnp.sum(tested, dtype=p_values.dtype)
    harmonic = jnp.sum(jnp.where(place <= tests, 1.0 / place, 0.0))
    order = jnp.argsort(jnp.where(tested, p_values, jnp.inf))
    scaled = jnp.where(place <= tests, p_values[order] * tests * harmonic / place, 1.0)
    return jnp.zeros_like(p_values).at[order].set(jnp.minimum(1.0, jax.lax.cummin(scaled, reverse=True)))
