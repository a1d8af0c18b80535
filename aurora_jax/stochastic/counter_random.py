"""Threefry laid out so that XLA fuses it with what it feeds: the generator of JAX's keys at a third of its cost.

On CPUs JAX runs Threefry as a loop over whole arrays in memory and, for 32-bit numbers, throws one of each two words
away. Written out, its twenty rounds stay in registers, and both words are used.
"""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax import lax
from jaxtyping import Array, Float, UInt32

from aurora_jax.core import PRNGKey

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)
_ONE_IN_EXPONENT = {32: np.uint32(0x3F800000), 64: np.uint64(0x3FF0000000000000)}


def is_threefry(key: PRNGKey) -> bool:
    """Return whether `key` belongs to JAX's default generator."""
    return str(jr.key_impl(key)) == "threefry2x32"


def threefry_words(
    key: PRNGKey, counters: UInt32[Array, " count"]
) -> tuple[UInt32[Array, " count"], UInt32[Array, " count"]]:
    """Return both words of Threefry-2x32 with 20 rounds at the counters (0, c).

    References:
        Salmon, Moraes, Dror and Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, SC '11, section 4.2.
    """
    first_key, second_key = jr.key_data(key)
    schedule = (first_key, second_key, first_key ^ second_key ^ _PARITY)
    first, second = jnp.broadcast_to(first_key, counters.shape), counters + second_key
    for group in range(5):
        for distance in _ROTATIONS[group % 2]:
            first = first + second
            rotated = lax.shift_left(second, np.uint32(distance)) | lax.shift_right_logical(
                second, np.uint32(32 - distance)
            )
            second = first ^ rotated
        first = first + schedule[(group + 1) % 3]
        second = second + (schedule[(group + 2) % 3] + np.uint32(group + 1))
    return first, second


def uniform_pair_at(
    key: PRNGKey, counters: UInt32[Array, " count"], *, dtype
) -> tuple[Float[Array, " count"], Float[Array, " count"]]:
    """Return two independent uniform numbers in [0, 1) for each counter, of 23 or 52 bits, each equally likely.

    For loops that want their randomness where they use it, instead of laid out in memory before. A counter always gives
    the same numbers; with other generators than Threefry they depend on the batch under `vmap`, as JAX's own do.

    Args:
        key: spent for these counters.
        counters: less than 2^31.
        dtype: float32 or float64.
    """
    if not is_threefry(key):
        first, second = jnp.moveaxis(
            jax.vmap(lambda counter: jr.uniform(jr.fold_in(key, counter), (2,), dtype))(counters), 1, 0
        )
        return first, second
    if dtype == jnp.float32:
        first, second = (_fraction(word) for word in threefry_words(key, counters))
        return first, second
    # A double takes both words, so the second one has the counters from 2^31 on.
    first, second = (
        _fraction((high.astype(jnp.uint64) << np.uint64(32)) | low.astype(jnp.uint64))
        for high, low in (threefry_words(key, counters + np.uint32(start)) for start in (0, 2**31))
    )
    return first, second


def uniform_pair(key: PRNGKey, count: int, *, dtype) -> tuple[Float[Array, " count"], Float[Array, " count"]]:
    """Return two independent rows of uniform numbers in [0, 1), as `uniform_pair_at` does.

    Args:
        key: spent here.
        count: length of each row, less than 2^31.
        dtype: float32 or float64.
    """
    if not is_threefry(key):
        first, second = jr.uniform(key, (2, count), dtype)
        return first, second
    return uniform_pair_at(key, jnp.arange(count, dtype=jnp.uint32), dtype=dtype)


def normal_of(uniform: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Return $\sqrt 2\, \mathrm{erf}^{-1}(2u - 1)$ for u in [0, 1), finite at 0: what `jax.random.normal` does."""
    dtype = uniform.dtype
    low = np.nextafter(dtype.type(-1.0), dtype.type(0.0))  # -1 itself would give minus infinity
    return dtype.type(np.sqrt(2.0)) * lax.erf_inv(jnp.maximum(low, uniform * (dtype.type(1.0) - low) + low))


def normal_pair(key: PRNGKey, count: int, *, dtype=None) -> tuple[Float[Array, " count"], Float[Array, " count"]]:
    """Return two independent rows of standard normals.

    Two rows, because whoever joins them before using them keeps XLA from fusing the generator with the use. In double
    precision the first one is `jax.random.normal(key, (count,))`, to the bit. Entries do not depend on `count`.

    Args:
        key: spent here.
        count: length of each row, less than 2^31.
        dtype: float32 or float64; None is the default float type.
    """
    first, second = uniform_pair(key, count, dtype=jnp.result_type(float) if dtype is None else dtype)
    return normal_of(first), normal_of(second)


def normals(key: PRNGKey, count: int, *, dtype=None) -> Float[Array, " count"]:
    """Return independent standard normals, laid out in memory; arguments are those of `normal_pair`."""
    return jnp.stack(normal_pair(key, -(-count // 2), dtype=dtype), axis=-1).reshape(-1)[:count]


def _fraction(word: Array) -> Array:
    """Return the leading bits of `word` as the fraction of a float in [1, 2), less 1."""
    bits = word.dtype.itemsize * 8
    kept = jnp.finfo(f"float{bits}").nmant
    one = _ONE_IN_EXPONENT[bits]
    return lax.bitcast_convert_type((word >> word.dtype.type(bits - kept)) | one, jnp.dtype(f"float{bits}")) - 1.0
