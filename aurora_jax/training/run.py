"""A whole training run, of the teacher or the student, that can be killed and goes on."""

import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import PyTree

from ..data import write_bytes_whole
from .checkpoint import Checkpoints

METRICS = "metrics.jsonl"
_REMEDY = "Lower optimiser.learning_rate and run again in another --out; the last checkpoint is kept."


class TrainingError(RuntimeError):
    """A training that cannot go on; the message names the step and the remedy. The last checkpoint is kept."""


@runtime_checkable
class Trainable(Protocol):
    """What a run needs of a trainer: pure steps from state to state, of which it knows `step`, `best` and the scores.

    A state is a NamedTuple with the fields parameters, step, best and best_score; an info one with loss, parts (a
    NamedTuple of scalars), gradient_norm, learning_rate and finite.
    """

    @property
    def steps(self) -> int:
        """Return the steps of a whole training."""
        ...

    def init(self) -> Any:
        """Return the state before the first step, its score the first to beat."""
        ...

    def step(self, state: Any) -> tuple[Any, Any]:
        """Take one step; where it is not finite the state is returned as it was."""
        ...

    def validate(self, state: Any) -> tuple[Any, Any]:
        """Score held-out data, and keep the parameters if they are the best so far."""
        ...

    def finished(self, state: Any) -> bool:
        """Return whether there is nothing left to do."""
        ...

    def model(self, arrays: PyTree) -> Any:
        """Put a model together from its arrays."""
        ...


class Outcome(NamedTuple):
    """How a run ended.

    Attributes:
        model: the best on the held-out data, of the trainer's kind.
        last: where the steps ended.
        steps: steps taken, those of earlier runs included.
        resumed_at: the step that this run started from.
        stopped_early: whether patience ran out.
        best_score: of the held-out data; less is better.
        score_before: the untrained model's.
    """

    model: Any
    last: Any
    steps: int
    resumed_at: int
    stopped_early: bool
    best_score: float
    score_before: float


def run_training(
    trainer: Trainable,
    out: Path,
    *,
    digest: str,
    validate_every: int,
    checkpoint_every: int,
    on_step: Callable[[int, Any, float | None], None] = lambda step, info, score: None,
) -> Outcome:
    """Train until all steps are taken or patience runs out; metrics go to `metrics.jsonl`, states to `checkpoints/`.

    A run in the same `out` with the same settings, data and code goes on from the last checkpoint that can be read, and
    ends with the same bits as one that was never stopped. Lines of metrics after it are dropped and written again.

    Args:
        trainer: settings, data and compiled steps.
        out: folder of the run.
        digest: of settings, data and code.
        validate_every: steps between validations.
        checkpoint_every: steps between checkpoints.
        on_step: called with the step's number, its info and the validation score, if there was one.

    Raises:
        TrainingError: if the loss or its gradient stops being finite.
        CheckpointError: if `out` holds another run, or none of its checkpoints can be read.
    """
    checkpoints = Checkpoints(out / "checkpoints", digest=digest)
    fresh = trainer.init()
    state = checkpoints.restore(fresh)
    state = fresh if state is None else state
    resumed_at = int(state.step)
    metrics = out / METRICS
    _keep_lines(metrics, resumed_at)
    try:
        with metrics.open("a") as log:
            while not trainer.finished(state):
                started = time.perf_counter()
                step = int(state.step)
                state, info, score = _advance(trainer, state, validate_every)
                log.write(json.dumps(_line(step, info, score, time.perf_counter() - started)) + "\n")
                log.flush()
                on_step(step, info, score)
                if (step + 1) % checkpoint_every == 0 or trainer.finished(state):
                    os.fsync(log.fileno())  # a state on disk has the lines of its steps there, too
                    checkpoints.save(int(state.step), state)
    finally:
        checkpoints.close()
    return Outcome(
        model=trainer.model(state.best),
        last=trainer.model(state.parameters),
        steps=int(state.step),
        resumed_at=resumed_at,
        stopped_early=int(state.step) < trainer.steps,
        best_score=float(state.best_score),
        score_before=float(fresh.best_score),
    )


def _advance(trainer: Trainable, state: Any, validate_every: int) -> tuple[Any, Any, float | None]:
    """Take a step, and validate when it is time."""
    step, score = int(state.step), None
    try:
        state, info = jax.block_until_ready(trainer.step(state))
        if not bool(info.finite):
            raise TrainingError(_not_finite(step, info))
        if (step + 1) % validate_every == 0 or int(state.step) == trainer.steps:
            state, found = jax.block_until_ready(trainer.validate(state))
            score = float(found)
            if not np.isfinite(score):
                raise TrainingError(f"step {step}: the held-out score is {score}. {_REMEDY}")
    except TrainingError:
        raise
    except RuntimeError as error:  # jax's, of a path or a feature that is not finite
        raise TrainingError(_broken(step, error)) from None
    return state, info, score


def read_metrics(out: Path) -> list[dict]:
    """Return the lines of `metrics.jsonl`, one for each step."""
    return [json.loads(line) for line in (out / METRICS).read_text().splitlines()]


def bits(tree: PyTree) -> bytes:
    """Return all bits of a state, a model or an outcome, by which two runs can be compared."""
    return b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(tree))


def _line(step: int, info: Any, score: float | None, seconds: float) -> dict:
    line = {"step": step, "loss": float(info.loss), **{k: float(v) for k, v in info.parts._asdict().items()}}
    line |= {"gradient_norm": float(info.gradient_norm), "learning_rate": float(info.learning_rate)}
    return {**line, "held_out": score, "seconds": round(seconds, 4)}


def _keep_lines(path: Path, steps: int) -> None:
    """Keep the lines of the steps before `steps`, known by their number; the file is replaced whole."""
    if path.exists():
        told = path.read_text()
        kept = [line for line in told.splitlines() if (step := _step_of(line)) is not None and step < steps]
        whole = "".join(line + "\n" for line in kept)
        if whole != told:
            write_bytes_whole(whole.encode(), path)


def _step_of(line: str) -> int | None:
    """Return the step that a line tells of; None of one that a kill cut short."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return None


def _broken(step: int, error: RuntimeError) -> str:
    """Find the sentence of what was wrong in jax's account of how it came to be."""
    found = re.search(r"EqxRuntimeError: (.*?\.)", " ".join(str(error).split()))
    reason = found[1] if found else "a number was lost."
    return f"step {step}: {reason} {_REMEDY}"


def _not_finite(step: int, info: Any) -> str:
    wrong = [name for name, value in info.parts._asdict().items() if not np.isfinite(value)] or ["gradient"]
    return f"{', '.join(wrong)} stopped being finite at step {step}. {_REMEDY}"
