"""The units of a teacher's volatility factors beside the teacher: what a reading of 0 stands for."""

import json
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

from ..teacher import CrossSection
from .arrays import read_arrays, write_whole
from .artifact_error import ArtifactError

NAME = "units"


class Units(NamedTuple):
    """What readings of a teacher's volatility are relative to, measured in the period that it was trained on.

    Attributes:
        assets: names, in the teacher's order.
        cross_section: of the period's returns.
        reference_variance: of the ranges of its bars, where the teacher was trained on those; None if on returns.
    """

    assets: tuple[str, ...]
    cross_section: CrossSection
    reference_variance: Float[Array, ""] | None = None


class UnitsFile(NamedTuple):
    """Units as arrays alone; the names are JSON, as bytes."""

    assets: UInt8[np.ndarray, " characters"]
    cross_section: CrossSection
    reference_variance: Float[Array, ""] | None


def units_file(units: Units) -> UnitsFile:
    """Return what is stored of units, in an artifact under the name `units`."""
    return UnitsFile(np.frombuffer(json.dumps(units.assets).encode(), np.uint8), *units[1:])


def save_units(units: Units, folder: Path) -> Path:
    """Write units into the `folder` of a teacher, whole or not at all, and return the file."""
    return write_whole(units_file(units), folder / f"{NAME}.safetensors")


def load_units(path: Path | str) -> Units | None:
    """Read the units of the teacher that lies in a folder or artifact, or is this file; None if it was saved without.

    Raises:
        ArtifactError: if they are damaged, or of another version.
    """
    path = Path(path)
    path = (path if path.is_dir() else path.parent) / f"{NAME}.safetensors"
    if not path.exists():
        return None
    arrays = read_arrays(path)
    try:
        assets = tuple(json.loads(arrays[".assets"].tobytes()))
        cross_section = CrossSection(*(jnp.asarray(arrays[f".cross_section.{name}"]) for name in CrossSection._fields))
    except (KeyError, ValueError) as error:
        raise ArtifactError(f"{path}: holds no units of this version ({error}); train the teacher anew.") from None
    variance = arrays.get(".reference_variance")
    return Units(assets, cross_section, None if variance is None else jnp.asarray(variance))
