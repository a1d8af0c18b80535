"""A first-order recurrence of many coefficients at once, as two products of small matrices instead of a loop."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

_CHUNK = 16


def decayed_sums(values: Float[Array, " bars"], decays: Float[np.ndarray, " laws"]) -> Float[Array, "laws bars"]:
    r"""Return $s_t = d\, s_{t-1} + x_t$ for each decay d, 0 before the first bar.

    Within chunks of 16 bars a triangular matrix of powers of d sums, and another passes the chunks' last sums on: a
    scan of this takes a call for each bar, which for a short window costs more than its arithmetic.

    Args:
        values: x.
        decays: in [-1, 1], known before the program is compiled.
    """
    bars = values.shape[-1]
    chunks = -(-bars // _CHUNK)
    padded = jnp.concatenate([values, jnp.zeros(chunks * _CHUNK - bars, values.dtype)]).reshape(chunks, _CHUNK)
    within = jnp.asarray(_triangle(decays, _CHUNK), values.dtype)
    across = jnp.asarray(_triangle(decays**_CHUNK, chunks), values.dtype)
    fading = jnp.asarray(decays[:, None] ** np.arange(1, _CHUNK + 1), values.dtype)
    inside = jnp.einsum("lij,cj->lci", within, padded)
    ends = jnp.einsum("lkc,lc->lk", across, inside[:, :, -1])
    before = jnp.concatenate([jnp.zeros_like(ends[:, :1]), ends[:, :-1]], axis=1)
    return (inside + before[:, :, None] * fading[:, None, :]).reshape(decays.size, -1)[:, :bars]


def _triangle(decays: Float[np.ndarray, " laws"], size: int) -> Float[np.ndarray, "laws size size"]:
    """Return d to the power i - j, zero above the diagonal."""
    lag = np.arange(size)[:, None] - np.arange(size)
    return np.where(lag >= 0, decays[:, None, None] ** np.maximum(lag, 0), 0.0)
