"""Spherical interpolation between latent states."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..core import Number

_NEARLY_PARALLEL = 1e-4


def slerp(start: Float[Array, " latent"], end: Float[Array, " latent"], share: Number) -> Float[Array, " latent"]:
    r"""Move along the great circle from `start` to `end`, the norm changing linearly.

    $$z(s) = \bigl((1-s)|z_0| + s|z_1|\bigr)
      \frac{\sin((1-s)\omega)\,u_0 + \sin(s\omega)\,u_1}{\sin\omega}, \qquad \cos\omega = u_0 \cdot u_1$$

    with $u$ the unit vectors. Nearly parallel or opposite vectors are joined by the straight line, which is the limit.

    Args:
        start: $z_0$; a zero vector is joined by the straight line.
        end: $z_1$.
        share: s in [0, 1].

    References:
        Shoemake (1985), SIGGRAPH 19(3), 245-254.
    """
    norms = jnp.linalg.norm(start), jnp.linalg.norm(end)
    straight = (1.0 - share) * start + share * end
    tiny = jnp.finfo(start.dtype).tiny
    units = start / jnp.maximum(norms[0], tiny), end / jnp.maximum(norms[1], tiny)
    angle = jnp.arccos(jnp.clip(jnp.dot(*units), -1.0, 1.0))
    sine = jnp.sin(angle)
    flat = (sine < _NEARLY_PARALLEL) | (norms[0] == 0.0) | (norms[1] == 0.0)
    safe = jnp.where(flat, 1.0, sine)
    direction = (jnp.sin((1.0 - share) * angle) * units[0] + jnp.sin(share * angle) * units[1]) / safe
    return jnp.where(flat, straight, ((1.0 - share) * norms[0] + share * norms[1]) * direction)
