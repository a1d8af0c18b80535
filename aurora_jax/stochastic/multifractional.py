"""Multifractional noise: a Hurst exponent that is constant on blocks and moves between them."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from aurora_jax.core import Number, PRNGKey

from .counter_random import normal_pair
from .covariance import cross_scale, second_difference
from .domain import at_least, within
from .fractional import circulant_row, colour, hartley
from .matrix_root import positive_root


def _spectrum(hurst: Float[Array, " blocks"], *, steps: int) -> Float[Array, "frequencies blocks blocks"]:
    """Return the circulant eigenvalues of one fractional noise per block's exponent: a real matrix per frequency."""
    first, second = jnp.broadcast_arrays(hurst[:, None, None], hurst[None, :, None])
    covariance = cross_scale(first, second) * second_difference(np.arange(steps + 1)[None, None, :], first + second)
    # The covariance is even in the lag, hence its transform real.
    return jnp.moveaxis(jnp.fft.rfft(circulant_row(covariance)).real, -1, 0)


def colour_coupled(normals: Float[Array, "blocks circle"], *, hurst: Float[Array, " blocks"]) -> Float[Array, " steps"]:
    """Map independent normals to unit multifractional noise; linear in `normals`."""
    blocks, circle = normals.shape
    half = jnp.moveaxis(jax.vmap(positive_root)(_spectrum(hurst, steps=circle // 2)), 0, -1)
    roots = jnp.concatenate([half, half[..., -2:0:-1]], axis=-1)  # even in the frequency, as the spectrum is
    channels = hartley(jnp.einsum("ijf,jf->if", roots, normals))
    # Every channel is a whole path with its own exponent; block b of the result is read from channel b.
    own = np.arange(blocks)
    return channels.reshape(blocks, blocks, -1)[own, own].ravel()


def multifractional_gaussian_noise(
    key: PRNGKey,
    *,
    hurst: Float[Array, " blocks"],
    block_steps: int,
    step_size: Number = 1.0,
    coupled: bool = True,
) -> Float[Array, " steps"]:
    r"""Draw multifractional Brownian increments with a Hurst exponent per block.

    The increments of `fractional_covariance` with each exponent repeated `block_steps` times, from a multivariate
    circulant embedding: one blocks x blocks root for each of blocks x `block_steps` + 1 frequencies. That embedding
    may have negative eigenvalues, which are clipped; `multifractional_clipped_mass` says how much was lost.
    Differentiable in `hurst`; where two exponents coincide the root has a kink in their difference, and the
    derivative along the kink is taken as 0.

    Args:
        key: spent here.
        hurst: exponents in (0, 1).
        block_steps: steps in a block.
        step_size: h > 0; a step of exponent H has variance h^(2H).
        coupled: False draws independent blocks of fractional noise, which is cheap but is not multifractional
            Brownian motion: the correlation across an edge from .3 to .1 is then 0, not -.295.

    Raises:
        ValueError: if an argument is out of range.

    References:
        Chan and Wood (1999), Statistics and Computing 9, 265-268; Amblard, Coeurjolly, Lavancier and Philippe
        (2012), Basic properties of the multivariate fractional Brownian motion, section 5.
    """
    at_least("block_steps", block_steps, 1)
    hurst = within("hurst", hurst, 0.0, 1.0)
    blocks = at_least("the number of blocks", hurst.shape[0], 1)
    scale = jnp.repeat(within("step_size", step_size, 0.0) ** hurst, block_steps)
    if coupled:
        halves = [row.reshape(blocks, -1) for row in normal_pair(key, blocks**2 * block_steps)]
        return scale * colour_coupled(jnp.concatenate(halves, axis=1), hurst=hurst)
    normals = tuple(row.reshape(blocks, block_steps) for row in normal_pair(key, blocks * block_steps))
    return scale * jax.vmap(lambda pair, exponent: colour(pair, hurst=exponent))(normals, hurst).ravel()


def multifractional_clipped_mass(hurst: Float[Array, " blocks"], *, block_steps: int) -> Float[Array, ""]:
    """Return the share of the embedding's absolute eigenvalue mass that `coupled=True` sets to 0."""
    hurst = within("hurst", hurst, 0.0, 1.0)
    values = jnp.linalg.eigvalsh(_spectrum(hurst, steps=hurst.shape[0] * at_least("block_steps", block_steps, 1)))
    # Frequencies between 0 and n stand for themselves and their mirror image.
    multiplicity = np.full(values.shape[0], 2.0)
    multiplicity[[0, -1]] = 1.0
    weights = jnp.asarray(multiplicity, values.dtype)
    return weights @ jnp.sum(jnp.maximum(-values, 0.0), axis=1) / (weights @ jnp.sum(jnp.abs(values), axis=1))
