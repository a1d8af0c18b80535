"""A run that is stopped goes on to the same bits, and one that cannot go on says where, why and what to do.

The fast tests replace the gradient step by a walk whose every step is drawn by its number, as the trainer's own draws
are; the slow ones take real steps.
"""

import dataclasses

import jax
import numpy as np
import pytest

from aurora_jax.teacher import Ablation, Weights
from aurora_jax.training import (
    CheckpointError,
    Checkpoints,
    Trainer,
    TrainingError,
    TrainSettings,
    read_metrics,
    run_training,
)
from aurora_jax.training.run import bits
from tests.training.walk import EVERY, STEPS, STRIDE, Walk, drawn, stop_in


def state_in(out, trainer):
    checkpoints = Checkpoints(out / "checkpoints", digest="a")
    state = checkpoints.restore(trainer.init())
    assert state is not None
    checkpoints.close()
    return state


def lines(out):
    return [{name: value for name, value in line.items() if name != "seconds"} for line in read_metrics(out)]


def same(one, other):
    """Whether two outcomes are the same to the bit, except where they resumed."""
    pairs = zip(one._replace(resumed_at=0), other._replace(resumed_at=0), strict=True)
    return all(bits(a) == bits(b) for a, b in pairs)


@pytest.mark.parametrize(("step", "resumed_at"), [(1, 0), (2, 0), (3, 3), (6, 6)])
def test_a_run_stopped_anywhere_ends_with_the_bits_of_one_that_was_not(walker, tmp_path, step, resumed_at):
    """A step's checkpoint is written after `on_step`: stopped in step 2, there is none of the 3 steps taken."""
    trainer = walker()
    whole = run_training(trainer, tmp_path / "whole", **EVERY)
    stop_in(trainer, tmp_path / "cut", step)
    assert len(read_metrics(tmp_path / "cut")) == step + 1
    resumed = run_training(trainer, tmp_path / "cut", **EVERY)
    assert (resumed.resumed_at, whole.resumed_at, resumed.steps) == (resumed_at, 0, STEPS)
    assert same(resumed, whole)
    assert bits(state_in(tmp_path / "cut", trainer)) == bits(state_in(tmp_path / "whole", trainer))
    assert lines(tmp_path / "cut") == lines(tmp_path / "whole")


def test_a_run_whose_last_state_is_damaged_goes_on_from_the_one_before(walker, tmp_path):
    trainer = walker()
    whole = run_training(trainer, tmp_path / "whole", **EVERY)
    stop_in(trainer, tmp_path / "cut", 6)
    for path in (tmp_path / "cut" / "checkpoints" / "states" / "6" / "default").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.warns(UserWarning, match="going on from that of step 3"):
        resumed = run_training(trainer, tmp_path / "cut", **EVERY)
    assert resumed.resumed_at == 3
    assert same(resumed, whole)
    assert bits(state_in(tmp_path / "cut", trainer)) == bits(state_in(tmp_path / "whole", trainer))
    assert lines(tmp_path / "cut") == lines(tmp_path / "whole")


def test_a_finished_run_is_not_run_again(walker, tmp_path):
    trainer, seen = walker(), []
    first = run_training(trainer, tmp_path, **EVERY)
    before = (tmp_path / "metrics.jsonl").read_bytes()
    again = run_training(trainer, tmp_path, **EVERY, on_step=lambda step, info, score: seen.append(step))
    assert not seen
    assert again.resumed_at == STEPS
    assert same(again, first)
    assert (tmp_path / "metrics.jsonl").read_bytes() == before


def test_other_settings_or_data_are_refused_and_change_nothing(walker, tmp_path):
    trainer = walker()
    stop_in(trainer, tmp_path, 4)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(CheckpointError, match="holds a run with other settings, data or code; choose another --out"):
        run_training(trainer, tmp_path, digest="b", validate_every=2, checkpoint_every=3)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_patience_ends_a_run_with_the_best_parameters(walker, start, tmp_path):
    """Scores 1, .8, .9, .95: after two validations without a better one, the parameters of step 2 are kept."""
    trainer = walker(Walk(scores=(1.0, 0.8, 0.9, 0.95, 0.1)), patience=2)
    result = run_training(trainer, tmp_path, **EVERY)
    assert result.stopped_early
    assert result.steps == 6
    assert (result.score_before, result.best_score) == (1.0, pytest.approx(0.8))
    shift = float(result.model.embedding[0, 0] - start.embedding[0, 0])
    assert shift == pytest.approx(2 * STRIDE + 1e-3 * float(drawn(0) + drawn(1)), abs=1e-6)
    assert bits(result.last) != bits(result.model)
    assert [line["held_out"] for line in lines(tmp_path)] == pytest.approx([None, 0.8, None, 0.9, None, 0.95])
    assert run_training(trainer, tmp_path, **EVERY).steps == 6  # nor does it go on when asked again


@pytest.mark.parametrize(
    ("walk", "message"),
    [
        (Walk(scores=(1.0, 0.9, np.nan, 0.7, 0.6)), "step 3: the held-out score is nan"),
        (Walk(lost=("signature_distance",), at=4), "signature_distance stopped being finite at step 4"),
        (Walk(lost=("negative_log_likelihood", "separation"), at=5), "likelihood, separation stopped being finite at"),
        (Walk(at=4), "gradient stopped being finite at step 4"),
        (
            Walk(raises="INTERNAL: a callback\n  EqxRuntimeError: features must\n be finite. A long story.", at=4),
            "step 4: features must be finite",
        ),
        (Walk(raises="INTERNAL: something else", at=4), "step 4: a number was lost"),
    ],
    ids=["score", "distance", "two parts", "gradient", "jax", "jax without a sentence"],
)
def test_a_run_that_cannot_go_on_says_where_and_keeps_its_last_checkpoint(walker, tmp_path, walk, message):
    trainer = walker(walk)
    for _ in range(2):  # the second run goes on from the checkpoint, and meets the same end
        with pytest.raises(TrainingError, match=message) as caught:
            run_training(trainer, tmp_path, **EVERY)
        assert str(caught.value).endswith(
            ". Lower optimiser.learning_rate and run again in another --out; the last checkpoint is kept."
        )
        state = state_in(tmp_path, trainer)
        assert int(state.step) == 3
        assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(state.parameters))
        assert [line["step"] for line in read_metrics(tmp_path)][:3] == [0, 1, 2]


@pytest.mark.slow  # compiles a gradient through a simulation
def test_real_steps_resume_to_the_bit(start, data, tmp_path):
    """A resumed run draws the windows and paths that it would have drawn."""
    calm = dataclasses.replace(start, ablation=Ablation(no_jumps=True))  # half the time to compile
    settings = TrainSettings(steps=6, learning_rate=1e-3, weights=Weights(1.0, 1e-3), windows=3, depth=1)
    trainer = Trainer(calm, jax.random.key(7), data, settings)
    whole = run_training(trainer, tmp_path / "whole", **EVERY)
    stop_in(trainer, tmp_path / "cut", 4)
    resumed = run_training(trainer, tmp_path / "cut", **EVERY)
    assert resumed.resumed_at == 3
    assert same(resumed, whole)
    assert bits(state_in(tmp_path / "cut", trainer)) == bits(state_in(tmp_path / "whole", trainer))
    assert lines(tmp_path / "cut") == lines(tmp_path / "whole")
    # Other windows and paths in each step, though the first step of the warm-up has no length.
    assert len({line["signature_distance"] for line in read_metrics(tmp_path / "whole")}) == 6


@pytest.mark.slow  # compiles a gradient
def test_steps_too_long_lose_the_likelihood(start, data, tmp_path):
    settings = TrainSettings(steps=STEPS, learning_rate=1e30, weights=Weights(0.0, 1e-3))
    calm = dataclasses.replace(start, ablation=Ablation(no_jumps=True))
    trainer = Trainer(calm, jax.random.key(7), data, settings)
    with pytest.raises(TrainingError, match=r"stopped being finite at step [12]\. Lower optimiser.learning_rate"):
        run_training(trainer, tmp_path, digest="a", validate_every=STEPS, checkpoint_every=1)
    state = state_in(tmp_path, trainer)
    assert 1 <= int(state.step) <= 2
    assert len(read_metrics(tmp_path)) == int(state.step)
