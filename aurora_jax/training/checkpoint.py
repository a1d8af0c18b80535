"""Training states on disk, whole or absent; each holds the last parameters and the best."""

import hashlib
import warnings
from pathlib import Path
from typing import TypeVar

import jax
import numpy as np
import orbax.checkpoint as ocp

from ..data import write_bytes_whole

State = TypeVar("State")
_SEAL = "sha256"


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be used; the message names the place and the remedy."""


class Checkpoints:
    """Training states of one run, by step; the newest few are kept.

    A state is restored to the bit, so that a run that was killed goes on as if it had not been. A SHA-256 of its files
    lies beside them: orbax notices a file that was cut short, but not a byte of an array that has changed.
    """

    def __init__(self, folder: Path, *, digest: str, keep: int = 2):
        """Open or make `folder`; `digest` names the settings, data and code that its states belong to.

        Raises:
            CheckpointError: if the folder holds states of other settings, data or code.
        """
        self._folder, self._digest = Path(folder).absolute(), digest
        self._folder.mkdir(parents=True, exist_ok=True)
        label = self._folder / "digest"
        if label.exists() and label.read_text() != digest:
            raise CheckpointError(
                f"{self._folder}: holds a run with other settings, data or code; choose another --out, or remove this "
                "folder."
            )
        if not label.exists():
            write_bytes_whole(digest.encode(), label)
        options = ocp.CheckpointManagerOptions(max_to_keep=keep, enable_async_checkpointing=False)
        self._manager = ocp.CheckpointManager(self._folder / "states", options=options)

    @property
    def folder(self) -> Path:
        """Return where the states lie."""
        return self._folder

    def latest(self) -> int | None:
        """Return the step of the newest state; None if there is none."""
        return self._manager.latest_step()

    def save(self, step: int, state: object) -> None:
        """Write a state; once this returns, a killed run goes on from here."""
        self._manager.save(step, args=ocp.args.StandardSave(_named(state)))
        self._manager.wait_until_finished()
        place = self._place(step)
        write_bytes_whole(_digest_of(place).encode(), place / _SEAL)

    def restore(self, like: State) -> State | None:
        """Return the newest state that can be read, shaped as `like`; None if there is none at all.

        Newer ones that cannot be read are told in a warning and removed, to be written anew by the run that goes on.

        Raises:
            CheckpointError: if there are states, and none can be read; all are left as they are.
        """
        steps, damage = sorted(self._manager.all_steps(), reverse=True), {}
        for step in steps:
            try:
                state = self._read(step, like)
            except Exception as error:  # orbax raises many kinds
                damage[step] = error
                continue
            for newer, error in damage.items():
                warnings.warn(
                    f"{self._folder}: the state of step {newer} cannot be read ({type(error).__name__}); going on from "
                    f"that of step {step}.",
                    stacklevel=2,
                )
                self._manager.delete(newer)
            return state
        if not damage:
            return None
        told = ", ".join(f"{step} ({type(error).__name__})" for step, error in damage.items())
        raise CheckpointError(
            f"{self._folder}: no state can be read, of step {told}; remove this folder to start anew."
        ) from damage[steps[0]]

    def close(self) -> None:
        """Finish what is being written."""
        self._manager.close()

    def _read(self, step: int, like: State) -> State:
        place = self._place(step)
        seal = place / _SEAL  # none yet, if the run was killed right after the state was written
        if seal.exists() and seal.read_text() != _digest_of(place):
            raise ValueError("its files are not those that were written.")
        found = self._manager.restore(step, args=ocp.args.StandardRestore(_named(like)))
        arrays = [jax.numpy.asarray(found[name]) for name in sorted(found)]
        return jax.tree.unflatten(jax.tree.structure(like), arrays)

    def _place(self, step: int) -> Path:
        return self._folder / "states" / str(step)


def _named(state: object) -> dict[str, np.ndarray]:
    return {f"{number:05d}": np.asarray(leaf) for number, leaf in enumerate(jax.tree.leaves(state))}


def _digest_of(folder: Path) -> str:
    """Return the SHA-256 of all files below a folder but its seal, names included."""
    content = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / _SEAL):
        file = path.read_bytes()
        content.update(f"{path.relative_to(folder).as_posix()}:{len(file)};".encode())
        content.update(file)
    return content.hexdigest()
