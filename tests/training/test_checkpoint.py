"""States come back to the bit, belong to one run, and say so when they cannot be read."""

import shutil
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.training.checkpoint import CheckpointError, Checkpoints


class State(NamedTuple):
    weights: dict
    step: jax.Array


def state(number):
    wide = jnp.asarray([0.1, 1e-300, -0.0], jnp.float64) * number
    return State({"wide": wide, "half": jnp.asarray([[0.3]], jnp.bfloat16), "none": None}, jnp.asarray(number))


def test_the_newest_state_comes_back_to_the_bit(tmp_path):
    checkpoints = Checkpoints(tmp_path / "run", digest="a")
    assert checkpoints.restore(state(0)) is None
    assert checkpoints.latest() is None
    for number in (2, 4, 6):
        checkpoints.save(number, state(number))
    checkpoints.close()
    again = Checkpoints(tmp_path / "run", digest="a")
    assert again.latest() == 6
    found = again.restore(state(0))
    again.close()
    assert jax.tree.structure(found) == jax.tree.structure(state(6))
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(state(6)), strict=True):
        assert one.dtype == other.dtype
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()


def test_only_the_newest_are_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path, digest="a", keep=2)
    for number in (1, 2, 3):
        checkpoints.save(number, state(number))
    checkpoints.close()
    assert sorted(path.name for path in (tmp_path / "states").iterdir() if path.name.isdigit()) == ["2", "3"]


def test_another_run_is_refused_with_a_remedy(tmp_path):
    Checkpoints(tmp_path, digest="a").close()
    with pytest.raises(CheckpointError, match="other settings or data; choose another --out, or remove this folder"):
        Checkpoints(tmp_path, digest="b")


def test_a_damaged_state_is_told_with_its_step(tmp_path):
    checkpoints = Checkpoints(tmp_path, digest="a")
    checkpoints.save(5, state(5))
    checkpoints.close()
    shutil.rmtree(tmp_path / "states" / "5" / "default")
    again = Checkpoints(tmp_path, digest="a")
    with pytest.raises(CheckpointError, match=r"the state of step 5 cannot be read .* remove this folder"):
        again.restore(state(0))
    again.close()
