"""Networks whose decoder says something: a new one says nothing, so that a student starts at its scale law."""

import jax.numpy as jnp
import numpy as np

from aurora_jax.student import DSSM


def speaking(network: DSSM, *, size: float = 0.05) -> DSSM:
    """Return the network with random weights where a new one has zeros."""
    kernel = network.decoder_out.kernel
    drawn = size * np.random.default_rng(9).standard_normal(kernel[...].shape)
    kernel[...] = jnp.asarray(drawn, kernel[...].dtype)
    return network
