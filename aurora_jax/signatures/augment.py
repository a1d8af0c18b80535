"""Channels added to a path so that its signature sees time and quadratic variation."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def time_augmented(path: Float[Array | np.ndarray, "steps channels"]) -> Float[Array, "steps channels+1"]:
    """Prepend time, from 0 to 1: the signature then determines the path, not only its trace.

    Raises:
        ValueError: if the path has fewer than two points.
    """
    path = _checked(path)
    time = jnp.linspace(0.0, 1.0, path.shape[0], dtype=path.dtype)
    return jnp.concatenate([time[:, None], path], axis=1)


def lead_lag(path: Float[Array | np.ndarray, "steps channels"]) -> Float[Array, "2*steps-1 2*channels"]:
    r"""Return a path of which one half of the channels runs a step ahead of the other.

    Lead moves first, lag follows, so that the area between them is the quadratic variation:
    $S^{lead,lag} - S^{lag,lead} = \sum_t (\Delta x_t)^2$ for each channel.

    Returns:
        The lead channels, then the lag channels.

    Raises:
        ValueError: if the path has fewer than two points.

    References:
        Flint, Hambly and Lyons (2016), Stochastic Processes Appl. 126(9), definition 2.1.
    """
    twice = jnp.repeat(_checked(path), 2, axis=0)
    return jnp.concatenate([twice[1:], twice[:-1]], axis=1)


def _checked(path) -> Float[Array, "steps channels"]:
    if path.shape[0] < 2:
        raise ValueError(f"a path needs at least 2 points, had {path.shape[0]}.")
    return jnp.asarray(path)
