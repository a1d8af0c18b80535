"""A trained student in a folder of its own: its arrays, and the names and sizes that are not arrays."""

import json
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Int, PyTree, UInt8

from ..data import FeaturePipeline, Standardiser
from ..student import DSSM, ENCODERS, Student, Trailing, bind
from .arrays import file_of, fill, read_arrays, write_whole
from .artifact_error import ArtifactError

NAME = "student"


class TrainedStudent(NamedTuple):
    """A student and what it needs to read a stream.

    Attributes:
        assets: names, in the order of its arrays.
        features: names, in the order of the network's inputs.
        network: the weights.
        standardiser: of the features.
        trailing: moments and scale law of the stream.
    """

    assets: tuple[str, ...]
    features: tuple[str, ...]
    network: DSSM
    standardiser: Standardiser
    trailing: Trailing

    @property
    def pipeline(self) -> FeaturePipeline:
        """Return what computes the features."""
        return FeaturePipeline(self.features)

    def bound(self) -> Student:
        """Return the student as it is served, one bar at a time."""
        return bind(self.network, self.trailing)


class StudentFile(NamedTuple):
    """A trained student as arrays alone; names are JSON, as bytes."""

    names: UInt8[np.ndarray, " characters"]
    sizes: Int[Array | np.ndarray, " 3"]
    weights: PyTree[Array]
    standardiser: Standardiser
    trailing: Trailing


def save_student(student: TrainedStudent, folder: Path) -> Path:
    """Write a student into `folder`, whole or not at all, and return the file; `load_student` takes the folder."""
    return write_whole(_file(student), folder / f"{NAME}.safetensors")


def load_student(path: Path | str) -> TrainedStudent:
    """Read a student from its folder, or from its `student.safetensors`.

    Raises:
        ArtifactError: if there is none, it is damaged, or of another version.
    """
    path = file_of(path, NAME)
    arrays = read_arrays(path)
    if ".names" not in arrays or arrays.get(".sizes", np.zeros(0)).shape != (3,):
        raise ArtifactError(f"{path}: holds no student of this version; make one with scripts/train_student.py.")
    try:
        names = json.loads(arrays[".names"].tobytes())
        assets, features = tuple(names["assets"]), tuple(names["features"])
        encoder = names.get("encoder", "gru")  # students of before there was a choice
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path}: damaged ({error}); restore it or train the student anew.") from None
    if encoder not in ENCODERS:
        raise ArtifactError(f"{path}: has an encoder {encoder!r} that this version does not know; update aurora-jax.")
    hidden, latent, components = (int(size) for size in arrays[".sizes"])
    plain = Trailing(jnp.eye(len(assets)), jnp.ones(len(assets)))
    if names.get("settings") != _settings(plain):
        raise ArtifactError(f"{path}: its half-lives are those of another version; train the student anew.")
    template = TrainedStudent(
        assets,
        features,
        DSSM(
            len(features),
            hidden=hidden,
            latent=latent,
            mixture_components=components,
            encoder=encoder,
            rngs=nnx.Rngs(0),
        ),
        Standardiser(jnp.zeros(len(features)), jnp.ones(len(features))),
        plain,
    )
    found = fill(_file(template), arrays, source=str(path))
    structure, _ = nnx.split(template.network)
    return template._replace(
        network=nnx.merge(structure, found.weights), standardiser=found.standardiser, trailing=found.trailing
    )


def _settings(trailing: Trailing) -> dict[str, list[float] | float]:
    """Return the numbers that the arrays only make sense with."""
    return {
        "volatility_half_life_bars": trailing.volatility_half_life_bars,
        "correlation_half_life_bars": trailing.correlation_half_life_bars,
        "shrinkage": trailing.shrinkage,
        "half_lives_bars": list(trailing.law.half_lives_bars),
        "trend_half_lives_bars": list(trailing.law.trend_half_lives_bars),
    }


def _file(student: TrainedStudent) -> StudentFile:
    network = student.network
    names = json.dumps(
        {
            "assets": student.assets,
            "features": student.features,
            "settings": _settings(student.trailing),
            "encoder": network.encoder_kind,
        }
    ).encode()
    weights = nnx.to_pure_dict(nnx.split(network)[1])
    return StudentFile(
        np.frombuffer(names, np.uint8),
        np.asarray([network.hidden, network.latent, network.mixture_components]),
        weights,
        student.standardiser,
        student.trailing,
    )
