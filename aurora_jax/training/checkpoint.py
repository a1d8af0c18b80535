"""Training states on disk, whole or absent; each holds the last parameters and the best."""

import os
from pathlib import Path
from typing import TypeVar

import jax
import numpy as np
import orbax.checkpoint as ocp

State = TypeVar("State")


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be used; the message names the place and the remedy."""


class Checkpoints:
    """Training states of one run, by step; the newest few are kept.

    A state is restored to the bit, so that a run that was killed goes on as if it had not been.
    """

    def __init__(self, folder: Path, *, digest: str, keep: int = 2):
        """Open or make `folder`; `digest` names the settings and data that its states belong to.

        Raises:
            CheckpointError: if the folder holds states of other settings or data.
        """
        self._folder, self._digest = Path(folder).absolute(), digest
        self._folder.mkdir(parents=True, exist_ok=True)
        label = self._folder / "digest"
        if label.exists() and label.read_text() != digest:
            raise CheckpointError(
                f"{self._folder}: holds a run with other settings or data; choose another --out, or remove this folder."
            )
        if not label.exists():
            partial = self._folder / "digest.partial"
            partial.write_text(digest)
            os.replace(partial, label)
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
        arrays = {f"{number:05d}": np.asarray(leaf) for number, leaf in enumerate(jax.tree.leaves(state))}
        self._manager.save(step, args=ocp.args.StandardSave(arrays))
        self._manager.wait_until_finished()

    def restore(self, like: State) -> State | None:
        """Return the newest state, shaped as `like`; None if there is none.

        Raises:
            CheckpointError: if it cannot be read.
        """
        step = self.latest()
        if step is None:
            return None
        leaves, structure = jax.tree.flatten(like)
        wanted = {f"{number:05d}": np.asarray(leaf) for number, leaf in enumerate(leaves)}
        try:
            found = self._manager.restore(step, args=ocp.args.StandardRestore(wanted))
        except Exception as error:  # orbax raises many kinds
            raise CheckpointError(
                f"{self._folder}: the state of step {step} cannot be read ({type(error).__name__}); remove this folder "
                "to start anew."
            ) from error
        arrays = [jax.numpy.asarray(found[name]) for name in sorted(found)]
        return jax.tree.unflatten(structure, arrays)

    def close(self) -> None:
        """Finish what is being written."""
        self._manager.close()
