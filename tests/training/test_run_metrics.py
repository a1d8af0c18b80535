"""The lines of `metrics.jsonl`: what the steps told, once each, whatever a kill left of them."""

import json
import os

import pytest

from aurora_jax.teacher import Parts
from aurora_jax.training import read_metrics, run_training
from tests.training.walk import EVERY, STEPS, stop_in


def test_lines_after_the_checkpoint_are_written_again(walker, tmp_path):
    """What lies beyond the last state was another future, or half a line: the next run tells it anew."""
    trainer = walker()
    path = stop_in(trainer, tmp_path, 4)
    kept, written = path.read_text().splitlines()[:3], path.read_text().splitlines()
    path.write_text(
        "\n".join([*kept, *(line.replace('"loss"', '"stale"') for line in written[3:])]) + '\n{"step": 5, "lo'
    )
    run_training(trainer, tmp_path, **EVERY)
    after = path.read_text().splitlines()
    assert after[:3] == kept  # not written again: their seconds are the same
    assert [json.loads(line)["step"] for line in after] == list(range(STEPS))
    assert "stale" not in path.read_text()


def test_lines_are_known_by_their_step_not_by_their_place(walker, tmp_path):
    """A history that lost its first lines keeps what it has: none of it is taken for another step's."""
    trainer = walker()
    path = stop_in(trainer, tmp_path, 4)
    path.write_text("".join(line + "\n" for line in path.read_text().splitlines()[1:]))
    run_training(trainer, tmp_path, **EVERY)
    assert [line["step"] for line in read_metrics(tmp_path)] == list(range(1, STEPS))


def test_a_last_line_without_its_end_is_no_part_of_the_next(walker, tmp_path):
    trainer = walker()
    path = stop_in(trainer, tmp_path, 3)
    path.write_text("\n".join(path.read_text().splitlines()[:3]))
    run_training(trainer, tmp_path, **EVERY)
    assert [line["step"] for line in read_metrics(tmp_path)] == list(range(STEPS))


@pytest.mark.parametrize("moment", ["write_bytes", "replace"])
def test_a_kill_while_lines_are_dropped_loses_none(walker, tmp_path, monkeypatch, moment):
    """Killed as the shorter file is written, or as it is about to take its place: the old one lies there, whole."""
    trainer = walker()
    path = stop_in(trainer, tmp_path, 4)
    before = path.read_bytes()

    def killed(*arguments):
        if moment == "write_bytes":
            write(arguments[0], arguments[1][:10])
        raise KeyboardInterrupt

    write = type(path).write_bytes
    with monkeypatch.context() as patch:
        patch.setattr(*((type(path), "write_bytes") if moment == "write_bytes" else (os, "replace")), killed)
        with pytest.raises(KeyboardInterrupt):
            run_training(trainer, tmp_path, **EVERY)
    assert path.read_bytes() == before
    run_training(trainer, tmp_path, **EVERY)
    assert [line["step"] for line in read_metrics(tmp_path)] == list(range(STEPS))


def test_metrics_are_what_the_steps_told(walker, tmp_path):
    told = []
    run_training(walker(), tmp_path, **EVERY, on_step=lambda step, info, score: told.append((step, info, score)))
    found = read_metrics(tmp_path)
    assert len(found) == len(told) == STEPS
    for line, (step, info, score) in zip(found, told, strict=True):
        assert line.pop("seconds") >= 0.0
        numbers = {"loss": info.loss, "gradient_norm": info.gradient_norm, "learning_rate": info.learning_rate}
        numbers |= dict.fromkeys(Parts._fields, step + 0.25)
        assert line == {"step": step, "held_out": score} | {name: float(value) for name, value in numbers.items()}
    assert [line["held_out"] for line in found] == pytest.approx([None, 0.9, None, 0.8, None, 0.7, None, 0.6])
    with pytest.raises(FileNotFoundError):
        read_metrics(tmp_path / "elsewhere")
