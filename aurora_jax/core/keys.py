"""Named random streams: adding one draw somewhere never shifts the draws elsewhere."""

import zlib

import jax.random as jr

from .shapes import PRNGKey


def root_key(seed: int) -> PRNGKey:
    """Return the one root key of a run.

    Raises:
        ValueError: if `seed` is negative or does not fit in 63 bits.
    """
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed must lie in [0, 2**63), was {seed}.")
    return jr.key(seed)


def stream(root: PRNGKey, *path: str | int) -> PRNGKey:
    """Return the key of a named stream; the same path always gives the same key.

    A key is either a parent (passed here) or spent (passed to a sampler), never both.

    Args:
        root: the parent key.
        path: names from coarse to fine, e.g. `stream(root, "seb", "rough", 3)`.
    """
    if not path:
        raise ValueError("a stream needs at least one name, else the parent itself would be spent.")
    for name in path:
        root = jr.fold_in(root, zlib.crc32(str(name).encode()))
    return root
