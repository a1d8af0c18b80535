"""The teacher's embedder beside the teacher: its arrays, and the sizes that are not arrays."""

from pathlib import Path
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from ..teacher import TeacherEmbedder, initial_embedder
from .arrays import file_of, fill, read_arrays, write_whole
from .artifact_error import ArtifactError

NAME = "embedder"
_SIZES = 4


class EmbedderFile(NamedTuple):
    """An embedder as one pytree: its arrays alone, and its sizes as an array beside them."""

    embedder: TeacherEmbedder
    sizes: Int[Array | np.ndarray, " sizes"]


def embedder_file(embedder: TeacherEmbedder) -> EmbedderFile:
    """Return what is stored of an embedder."""
    sizes = embedder.mean_return.shape[0], embedder.factors, embedder.bars, embedder.network.width_size
    return EmbedderFile(eqx.filter(embedder, eqx.is_array), np.asarray(sizes))


def save_embedder(embedder: TeacherEmbedder, folder: Path) -> Path:
    """Write an embedder into `folder`, whole or not at all, and return the file; `load_embedder` takes the folder."""
    return write_whole(embedder_file(embedder), folder / f"{NAME}.safetensors")


def load_embedder(path: Path | str) -> TeacherEmbedder:
    """Read the embedder from a teacher's folder, or from its `embedder.safetensors`.

    Raises:
        ArtifactError: if there is none, or it is damaged.
    """
    path = file_of(path, NAME)
    arrays = read_arrays(path)
    if arrays.get(".sizes", np.zeros(0)).shape != (_SIZES,):
        raise ArtifactError(f"{path}: holds no embedder of this version; make one with scripts/train_teacher.py.")
    assets, factors, bars, width = (int(size) for size in arrays[".sizes"])
    dtype = arrays[".embedder.covariance"].dtype if ".embedder.covariance" in arrays else np.float32
    template = initial_embedder(
        jax.random.key(0),
        mean_return=jnp.zeros(assets, dtype),
        covariance=jnp.eye(assets, dtype=dtype),
        factors=factors,
        bars=bars,
        width=width,
    )
    filled = fill(embedder_file(template), arrays, source=str(path)).embedder
    return eqx.combine(filled, template)
