"""A computation written for many windows side by side, called for one and vmapped like any other."""

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jaxtyping import Array

Result = TypeVar("Result")


def side_by_side(function: Callable[..., Result]) -> Callable[..., Result]:
    """Turn a function of lanes, the last axis of every array, into a function of one lane.

    Under `vmap` all lanes go to one call of `function`, which can lay them along the vector units of the machine and
    drop those that are finished. A while loop vmapped by JAX does neither: it keeps each window's numbers together and
    repeats the whole batch until its slowest window is done.
    """

    @custom_vmap
    def one(*arrays: Array) -> Result:
        return jax.tree.map(lambda leaf: leaf[..., 0], function(*(array[..., None] for array in arrays)))

    @one.def_vmap
    def _(axis_size: int, in_batched: list[bool], *arrays: Array) -> tuple[Result, Result]:
        lanes = (
            jnp.moveaxis(array, 0, -1) if batched else jnp.broadcast_to(array[..., None], (*array.shape, axis_size))
            for array, batched in zip(arrays, in_batched, strict=True)
        )
        result = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, -1, 0), function(*lanes))
        return result, jax.tree.map(lambda _: True, result)

    return one
