"""Proper scores of a normal variance mixture around one centre. Less is better."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from aurora_jax.core import require_x64

Table = Float[Array | np.ndarray, "..."]
Components = Float[Array | np.ndarray, " components"]


def normal_mixture_ranked_probability_score(
    observed: Table, mean: Table, scale: Table, *, weights: Components, scales: Components
) -> Float[Array, "..."]:
    r"""Return the continuous ranked probability score of $m + s \sqrt w N$, $P(\sqrt w = s_k) = \pi_k$.

    $$s \Bigl[ \sum_k \pi_k A(z, s_k) - \tfrac12 \sum_{j, k} \pi_j \pi_k \sqrt{s_j^2 + s_k^2} \sqrt{2 / \pi} \Bigr],
      \qquad A(z, \sigma) = 2 \sigma \varphi(z / \sigma) + z (2 \Phi(z / \sigma) - 1), \quad z = (y - m) / s$$

    Args:
        observed: y.
        mean: m.
        scale: s > 0.
        weights: pi, which sum to 1.
        scales: s_k > 0.

    Raises:
        RuntimeError: at run time, if something observed is not finite or a scale is not positive.

    References:
        Grimit, Gneiting, Berrocal and Johnson (2006), Q. J. R. Meteorological Society 132, eq. 3.
    """
    require_x64("normal_mixture_ranked_probability_score")
    z, s, weights, scales = _prepared(observed, mean, scale, weights, scales)

    def distance(weight, width):
        """Return the component's part of E|X - z|."""
        return weight * (2.0 * width * norm.pdf(z / width) + z * (2.0 * norm.cdf(z / width) - 1.0))

    apart = jnp.sum(jax.vmap(distance)(weights, scales), axis=0)
    pairs = jnp.sqrt(scales[:, None] ** 2 + scales[None, :] ** 2) * np.sqrt(2.0 / np.pi)
    return s * (apart - 0.5 * weights @ pairs @ weights)


def normal_mixture_log_score(
    observed: Table, mean: Table, scale: Table, *, weights: Components, scales: Components
) -> Float[Array, "..."]:
    r"""Return $-\log \sum_k \pi_k \varphi(z / s_k) / (s s_k)$, $z = (y - m) / s$.

    Args:
        observed: y.
        mean: m.
        scale: s > 0.
        weights: pi, which sum to 1.
        scales: s_k > 0.

    Raises:
        RuntimeError: at run time, if something observed is not finite or a scale is not positive.
    """
    require_x64("normal_mixture_log_score")
    z, s, weights, scales = _prepared(observed, mean, scale, weights, scales)
    each = jax.vmap(lambda weight, width: norm.logpdf(z / width) + jnp.log(weight / width))(weights, scales)
    return jnp.log(s) - logsumexp(each, axis=0)


def _prepared(observed: Table, mean: Table, scale: Table, weights: Components, scales: Components):
    y, m, s = jnp.broadcast_arrays(*(jnp.asarray(value, float) for value in (observed, mean, scale)))
    s = eqx.error_if(s, ~jnp.all(jnp.isfinite(s) & (s > 0.0)), "scale of a forecast must be finite and > 0.")
    y = eqx.error_if(y, ~jnp.all(jnp.isfinite(y)), "observed must be finite: drop the bars without it.")
    return (y - m) / s, s, jnp.asarray(weights, float), jnp.asarray(scales, float)
