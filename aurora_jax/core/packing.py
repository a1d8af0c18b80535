"""Pytrees of many small arrays as a few vectors: what a compiled call costs grows with the number of its arrays."""

from itertools import accumulate
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

LARGEST = 4096
"""Arrays of more numbers are passed as they are: to copy 32 KiB takes about as long as to hand one array over."""


class _Slice(NamedTuple):
    """Where a leaf lies: its place in the tree, its part of the vector, its shape."""

    place: int
    start: int
    stop: int
    shape: tuple[int, ...]


class Packed(eqx.Module):
    """A pytree in vectors, one of each dtype, and what cannot lie in them; made by `pack`.

    Attributes:
        vectors: small arrays end to end.
        apart: large arrays, Python's numbers, keys of random streams.
        slices: where the small arrays lie.
        apart_places: where in the tree the others belong.
        tree: its structure.
    """

    vectors: tuple[Any, ...]
    apart: tuple[Any, ...]
    slices: tuple[tuple[_Slice, ...], ...] = eqx.field(static=True)
    apart_places: tuple[int, ...] = eqx.field(static=True)
    tree: Any = eqx.field(static=True)

    def unpack(self) -> PyTree:
        """Return the pytree, of NumPy arrays or of JAX arrays as the vectors are; bits stay the same."""
        leaves: list[Any] = [None] * self.tree.num_leaves
        for vector, slices in zip(self.vectors, self.slices, strict=True):
            for place, start, stop, shape in slices:
                leaves[place] = vector[start:stop].reshape(shape)
        for place, leaf in zip(self.apart_places, self.apart, strict=True):
            leaves[place] = leaf
        return jax.tree.unflatten(self.tree, leaves)


def pack(tree: PyTree) -> Packed:
    """Return `tree` in a few vectors: on the host if all of it is there, else as JAX arrays, also inside `jit`.

    Args:
        tree: arrays, and numbers, which stay as they are.
    """
    leaves, structure = jax.tree.flatten(tree)
    library = jnp if any(isinstance(leaf, jax.Array) for leaf in leaves) else np
    by_dtype: dict[str, list[int]] = {}
    apart = []
    for place, leaf in enumerate(leaves):
        if _is_small_array(leaf):
            by_dtype.setdefault(str(leaf.dtype), []).append(place)
        else:
            apart.append(place)
    return Packed(
        vectors=tuple(library.concatenate([leaves[i].ravel() for i in places]) for places in by_dtype.values()),
        apart=tuple(leaves[i] for i in apart),
        slices=tuple(_slices(places, leaves) for places in by_dtype.values()),
        apart_places=tuple(apart),
        tree=structure,
    )


def _is_small_array(leaf: Any) -> bool:
    # Python's numbers adopt the precision of what they meet, which in a vector they could not; keys are no numbers.
    if not isinstance(leaf, jax.Array | np.ndarray | np.generic) or getattr(leaf, "weak_type", False):
        return False
    return leaf.size <= LARGEST and not jnp.issubdtype(leaf.dtype, jax.dtypes.extended)


def _slices(places: list[int], leaves: list[Any]) -> tuple[_Slice, ...]:
    ends = [0, *accumulate(leaves[place].size for place in places)]
    return tuple(
        _Slice(place, start, stop, leaves[place].shape)
        for place, start, stop in zip(places, ends[:-1], ends[1:], strict=True)
    )
