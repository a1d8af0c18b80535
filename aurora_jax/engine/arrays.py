"""Pytrees as named arrays in safetensors files: no pickle, exact to the bit."""

import hashlib
from pathlib import Path
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ..data import replacing
from .artifact_error import ArtifactError

Tree = TypeVar("Tree")


def named_arrays(tree: PyTree) -> dict[str, np.ndarray]:
    """Return the array leaves of `tree` by their path in it."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    # safetensors silently scrambles arrays that are not contiguous; `ascontiguousarray` would give scalars an axis.
    return {jax.tree_util.keystr(path): np.asarray(leaf, order="C") for path, leaf in leaves}


def fill(template: Tree, arrays: dict[str, np.ndarray], *, source: str) -> Tree:
    """Return `template` with its leaves replaced by `arrays`.

    Raises:
        ArtifactError: if a leaf is missing, unknown, or has another shape or type; names it.
    """
    leaves, structure = jax.tree_util.tree_flatten_with_path(template)
    names = [jax.tree_util.keystr(path) for path, _ in leaves]
    for wrong, word in ((set(names) - set(arrays), "lacks"), (set(arrays) - set(names), "has unknown")):
        if wrong:
            raise ArtifactError(f"{source} {word} {sorted(wrong)[0]}: made by another version; make the artifact anew.")
    filled = []
    for name, (_, leaf) in zip(names, leaves, strict=True):
        found, wanted = arrays[name], np.asarray(leaf)
        if found.shape != wanted.shape or found.dtype != wanted.dtype:
            raise ArtifactError(
                f"{source}{name} is {found.dtype}{list(found.shape)}, this configuration needs "
                f"{wanted.dtype}{list(wanted.shape)}: make the artifact anew."
            )
        filled.append(jnp.asarray(found))
    return jax.tree_util.tree_unflatten(structure, filled)


def file_of(path: Path | str, name: str) -> Path:
    """Return the file `name` of a folder, or `path` itself where it is no folder."""
    path = Path(path)
    return path / f"{name}.safetensors" if path.is_dir() else path


def file_digest(path: Path | str, name: str) -> str:
    """Return the SHA-256 of the file `name` of a folder, or of `path` itself where it is no folder."""
    return hashlib.sha256(file_of(path, name).read_bytes()).hexdigest()


def write_arrays(tree: PyTree, path: Path) -> None:
    """Write the leaves of `tree` to a safetensors file."""
    save_file(named_arrays(tree), str(path))


def write_whole(tree: PyTree, path: Path) -> Path:
    """Write `tree` to `path`, all of it or nothing, and return the path."""
    with replacing(path) as unfinished:
        write_arrays(tree, unfinished)
    return path


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read a safetensors file.

    Raises:
        ArtifactError: if it is missing or damaged.
    """
    try:
        return load_file(str(path))
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file; check the path, or make it anew.") from None
    except (SafetensorError, OSError) as error:
        raise ArtifactError(f"{path}: damaged ({error}); restore it or make it anew.") from None
