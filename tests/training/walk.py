"""A training without gradients, for tests of the run around it: a walk whose every step is drawn by its number."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from aurora_jax.teacher import Parts
from aurora_jax.training import Trainer, TrainInfo, TrainSettings, run_training

STEPS, STRIDE = 8, 0.125
EVERY: dict[str, Any] = {"digest": "a", "validate_every": 2, "checkpoint_every": 3}


class Stopped(Exception):
    """What a user's ctrl-C, or a full node, does to a run."""


def stop_in(trainer, out, step):
    """Run in `out` until step `step` has been told of; return the file of its metrics."""

    def on_step(now, info, score):
        if now == step:
            raise Stopped

    with pytest.raises(Stopped):
        run_training(trainer, out, **EVERY, on_step=on_step)
    return out / "metrics.jsonl"


def drawn(number):
    return jax.random.normal(jax.random.fold_in(jax.random.key(3), number), (), jnp.float32)


class Walk(NamedTuple):
    """What goes wrong in a walk: the parts of the loss that are lost, in which step, or what jax raises there.

    `scores` are the start's and those after steps 2, 4, ...
    """

    scores: tuple = (1.0, 0.9, 0.8, 0.7, 0.6)
    lost: tuple = ()
    at: int = -1
    raises: str = ""


UPRIGHT = Walk()
"""A walk in which nothing goes wrong."""


def walking(monkeypatch, start, data, walk, *, patience):
    """Return a trainer of a walk in place of one of gradient steps."""
    one = Trainer(start, jax.random.key(7), data, TrainSettings(steps=STEPS, patience=patience))
    first = jax.tree.leaves(eqx.filter(start, eqx.is_inexact_array))[0].ravel()[0]

    def step(state):
        number = int(state.step)
        if walk.raises and number == walk.at:
            raise RuntimeError(walk.raises)
        draw = drawn(number)
        moved = jax.tree.map(lambda leaf: leaf + STRIDE + 1e-3 * draw, state.parameters)
        parts = dict.fromkeys(Parts._fields, jnp.asarray(number + 0.25, jnp.float32))
        parts |= dict.fromkeys(walk.lost if number == walk.at else (), jnp.asarray(jnp.nan, jnp.float32))
        info = TrainInfo(draw, Parts(**parts), jnp.abs(draw), jnp.float32(0.01), jnp.asarray(number != walk.at))
        return state._replace(parameters=moved, step=state.step + 1), info

    def score(arrays):
        steps = round(float(jax.tree.leaves(arrays)[0].ravel()[0] - first) / STRIDE)
        return jnp.asarray(walk.scores[steps // 2], jnp.float32)

    monkeypatch.setattr(one, "step", step)
    monkeypatch.setattr(one, "score", score)
    return one
