"""The teacher inside an artifact: its arrays, and the settings that are not arrays."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..teacher import NFSDE, Ablation, initial_model
from .arrays import file_of, fill, read_arrays, write_whole
from .artifact_error import ArtifactError

NAME = "teacher"
_SIZES = 6 + len(Ablation._fields)


class TeacherFile(NamedTuple):
    """A teacher as one pytree: its arrays, and its static settings as arrays beside them."""

    model: NFSDE
    sizes: Int[Array | np.ndarray, " sizes"]
    bounds: Float[Array | np.ndarray, " bounds"]


def teacher_file(model: NFSDE) -> TeacherFile:
    """Return what an artifact stores of a teacher.

    Raises:
        ValueError: for one with fractional prices.
    """
    if model.price_roughness is not None:
        raise ValueError("fractional prices are a shock, not a fitted teacher: store the teacher without them.")
    network, volatility = model.drift.network, model.volatility
    sizes = (
        model.assets,
        model.factors,
        model.embedding.shape[1],
        network.enter.out_features,
        len(network.blocks),
        model.jumps_per_step,
        *(int(switch) for switch in model.ablation),
    )
    bounds = (volatility.hurst_min, volatility.hurst_max, volatility.hurst_step_max)
    return TeacherFile(model, np.asarray(sizes), np.asarray(bounds))


def save_teacher(model: NFSDE, folder: Path) -> Path:
    """Write a teacher into `folder`, whole or not at all, and return the file; `load_teacher` takes the folder.

    Raises:
        ValueError: for one with fractional prices.
    """
    return write_whole(teacher_file(model), folder / f"{NAME}.safetensors")


def load_teacher(path: Path | str) -> NFSDE:
    """Read the teacher from an artifact folder, or from its `teacher.safetensors`.

    Raises:
        ArtifactError: if there is none, or it is damaged.
    """
    path = file_of(path, NAME)
    return read_teacher(read_arrays(path), source=str(path))


def read_teacher(arrays: dict[str, np.ndarray], *, source: str) -> NFSDE:
    """Rebuild a teacher from its named arrays.

    Raises:
        ArtifactError: if they are not a teacher's.
    """
    if ".sizes" not in arrays or ".bounds" not in arrays:
        raise ArtifactError(f"{source}: holds no teacher; make one with `python scripts/quickstart.py`.")
    sizes = [int(size) for size in arrays[".sizes"]]
    if len(sizes) != _SIZES:
        raise ArtifactError(f"{source}: its teacher is of another version; make it again with this one.")
    assets, factors, embedding, width, depth, places, *switches = sizes
    hurst = [float(bound) for bound in arrays[".bounds"]]
    dtype = arrays[".model.embedding"].dtype
    template = initial_model(
        jax.random.key(0),
        mean_return=jnp.zeros(assets, dtype),
        covariance=jnp.eye(assets, dtype=dtype),
        factors=factors,
        embedding_size=embedding,
        width=width,
        depth=depth,
        ablation=Ablation(*(bool(switch) for switch in switches)),
        hurst=0.5 * (hurst[0] + hurst[1]),
        **dict(zip(("hurst_min", "hurst_max", "hurst_step_max"), hurst, strict=True)),
    )
    template = dataclasses.replace(template, jumps_per_step=places)
    return fill(teacher_file(template), arrays, source=source).model
