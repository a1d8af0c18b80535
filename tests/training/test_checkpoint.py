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
    with pytest.raises(CheckpointError, match="data or code; choose another --out, or remove this folder"):
        Checkpoints(tmp_path, digest="b")


def damage(folder, step, how):
    """Cut short, or change one byte of, the file that holds most of a state."""
    largest = max((path for path in (folder / "states" / str(step)).rglob("*") if path.is_file()), key=_size)
    content = bytearray(largest.read_bytes())
    if how == "truncated":
        del content[len(content) // 2 :]
    else:
        content[len(content) // 2] ^= 0xFF
    largest.write_bytes(content)


def _size(path):
    return path.stat().st_size


def wide(number):
    return {"weights": jax.random.normal(jax.random.key(number), (500,)), "step": jnp.asarray(number)}


@pytest.mark.parametrize("how", ["truncated", "changed"])
def test_the_state_before_is_taken_where_the_latest_is_damaged(tmp_path, how):
    """A warning says so, and the run that goes on can save the damaged step anew."""
    checkpoints = Checkpoints(tmp_path, digest="a")
    for number in (3, 6):
        checkpoints.save(number, wide(number))
    checkpoints.close()
    damage(tmp_path, 6, how)
    again = Checkpoints(tmp_path, digest="a")
    with pytest.warns(UserWarning, match=r"the state of step 6 cannot be read \(ValueError\); going on from .* step 3"):
        found = again.restore(wide(0))
    for name, leaf in wide(3).items():
        assert np.asarray(found[name]).tobytes() == np.asarray(leaf).tobytes()
    again.save(6, wide(6))
    again.close()
    last = Checkpoints(tmp_path, digest="a")
    assert int(last.restore(wide(0))["step"]) == 6
    last.close()


def test_a_state_whose_run_was_killed_before_its_seal_is_taken(tmp_path):
    checkpoints = Checkpoints(tmp_path, digest="a")
    checkpoints.save(3, wide(3))
    checkpoints.close()
    (tmp_path / "states" / "3" / "sha256").unlink()
    again = Checkpoints(tmp_path, digest="a")
    assert int(again.restore(wide(0))["step"]) == 3
    again.close()


def test_states_of_which_none_can_be_read_are_told_and_left(tmp_path):
    checkpoints = Checkpoints(tmp_path, digest="a")
    for number in (3, 6):
        checkpoints.save(number, wide(number))
    checkpoints.close()
    shutil.rmtree(tmp_path / "states" / "3" / "default")
    damage(tmp_path, 6, "truncated")
    again = Checkpoints(tmp_path, digest="a")
    with pytest.raises(CheckpointError, match=r"no state can be read, of step 6 .*, 3 .*; remove this folder"):
        again.restore(wide(0))
    assert again.latest() == 6
    again.close()
