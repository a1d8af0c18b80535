"""A scan over counters whose outputs are laid out while they are still in cache."""

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, UInt32

Carry = TypeVar("Carry")
Output = TypeVar("Output")

_BLOCK = 16


def blocked_scan(
    step: Callable[[Carry, UInt32[Array, ""]], tuple[Carry, Output]], start: Carry, length: int
) -> tuple[Carry, Output]:
    """Scan `step` over the counters 0 ... length - 1, and a few more that fill the last block.

    A `vmap`ped scan leaves its outputs step by step and turns them path by path at the end, reading all of memory at
    the stride of the batch. Here a block of 16 steps is turned at a time, and whole cache lines are moved at the end.

    Args:
        step: as for `jax.lax.scan`.
        start: the first carry.
        length: at least 1.

    Returns:
        The carry after the last block, so up to 15 counters later than `length` - 1; and the first `length` outputs.
    """
    blocks = -(-length // _BLOCK)
    places = jnp.arange(_BLOCK, dtype=jnp.uint32)

    def block(carry: Carry, first: UInt32[Array, ""]) -> tuple[Carry, Output]:
        return lax.scan(step, carry, first + places)

    carry, outputs = lax.scan(block, start, np.uint32(_BLOCK) * jnp.arange(blocks, dtype=jnp.uint32))
    return carry, jax.tree.map(lambda rows: rows.reshape(-1, *rows.shape[2:])[:length], outputs)
