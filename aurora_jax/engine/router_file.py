"""A trained router in a folder of its own."""

from pathlib import Path

import jax.numpy as jnp
from flax import nnx

from ..router import Router, RouterNetwork
from .arrays import file_of, fill, read_arrays, write_whole
from .artifact_error import ArtifactError
from .build import RouterParts, router_parts

NAME = "router"


def save_router(router: Router, folder: Path) -> Path:
    """Write a router into `folder`, whole or not at all, and return the file; `load_router` takes the folder."""
    return write_whole(router_parts(router), folder / f"{NAME}.safetensors")


def load_router(path: Path | str) -> Router:
    """Read a router from its folder, or from its `router.safetensors`.

    Raises:
        ArtifactError: if there is none, it is damaged, or of another version.
    """
    path = file_of(path, NAME)
    arrays = read_arrays(path)
    enter = arrays.get(".weights['enter']['kernel']")
    if ".window_bars" not in arrays or enter is None or enter.ndim != 2:
        raise ArtifactError(f"{path}: holds no router of this version; make one with scripts/train_router.py.")
    try:
        network = RouterNetwork(enter.shape[0], hidden=enter.shape[1], rngs=nnx.Rngs(0))
    except ValueError as error:
        raise ArtifactError(f"{path}: {error} Make one with scripts/train_router.py.") from None
    structure, weights = nnx.split(network)
    template = RouterParts(nnx.to_pure_dict(weights), jnp.ones(()), jnp.zeros((), int))
    found = fill(template, arrays, source=str(path))
    return Router(structure, found.weights, found.temperature, int(found.window_bars))
