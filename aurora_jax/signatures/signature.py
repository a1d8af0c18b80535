"""Signatures of piecewise-linear paths, by signax."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import signax
from jaxtyping import Array, Float


def signature(path: Float[Array | np.ndarray, "steps channels"], *, depth: int) -> Float[Array, " words"]:
    r"""Return the iterated integrals of a path, level by level, without the leading 1.

    $$S(X)^{i_1 \dots i_k} = \int_{0 < t_1 < \dots < t_k < T} dX^{i_1}_{t_1} \cdots dX^{i_k}_{t_k},
      \qquad 1 \le k \le \text{depth}$$

    Args:
        path: points joined by straight lines; the caller vmaps.
        depth: highest level, at least 1.

    Returns:
        channels + channels^2 + ... + channels^depth numbers, words in lexicographic order.

    Raises:
        ValueError: if the depth is below 1 or the path has fewer than two points or no channel.

    References:
        Chevyrev and Kormilitzin (2016), arXiv:1603.03788, definition 1.
    """
    path = _checked(path, depth)
    return jnp.asarray(signax.signature(path, depth))


def log_signature(path: Float[Array | np.ndarray, "steps channels"], *, depth: int) -> Float[Array, " lyndon_words"]:
    r"""Return the logarithm of the signature, one number a Lyndon word: the same information without repetition.

    The entry of a word is its coefficient in $\log S = \sum_{n \ge 1} \frac{(-1)^{n - 1}}{n} (S - 1)^{\otimes n}$.

    Args:
        path: points joined by straight lines; the caller vmaps.
        depth: highest level, at least 1.

    Raises:
        ValueError: if the depth is below 1 or the path has fewer than two points or no channel.

    References:
        Reizenstein and Graham (2020), ACM Trans. Math. Softw. 46(1), section 2.3.
    """
    path = _checked(path, depth)
    return jnp.asarray(signax.logsignature(path, depth))


def _checked(path, depth: int) -> Float[Array, "steps channels"]:
    if depth < 1:
        raise ValueError(f"depth must be at least 1, was {depth}.")
    if path.shape[0] < 2 or path.shape[1] < 1:
        raise ValueError(f"a path needs at least 2 points and 1 channel, had shape {path.shape}.")
    path = jnp.asarray(path)
    return eqx.error_if(path, ~jnp.all(jnp.isfinite(path)), "a path must be finite.")
