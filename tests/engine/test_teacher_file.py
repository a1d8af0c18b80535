import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file

from aurora_jax.engine import ArtifactError, load_teacher, named_arrays, teacher_file
from aurora_jax.engine.arrays import write_arrays
from aurora_jax.teacher import initial_state, reference_teacher, simulate
from tests.small_engine import assert_bitwise


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teacher")
    model = reference_teacher(3, seed=4)
    write_arrays(teacher_file(model), folder / "teacher.safetensors")
    return model, folder


def test_a_teacher_comes_back_to_the_bit(stored, key):
    model, folder = stored
    for path in (folder, folder / "teacher.safetensors"):
        assert_bitwise(load_teacher(path), model)
    run = jax.jit(lambda teacher: simulate(teacher, key, initial_state(teacher), jnp.array([0, 2]), steps=16))
    assert_bitwise(run(load_teacher(folder)), run(model))


def test_a_file_without_a_teacher_is_refused(tmp_path):
    save_file({".model.embedding": np.zeros((3, 2))}, tmp_path / "teacher.safetensors")
    with pytest.raises(ArtifactError, match=r"teacher\.safetensors: holds no teacher"):
        load_teacher(tmp_path)
    with pytest.raises(ArtifactError, match=r"teacher\.safetensors: no such file"):
        load_teacher(tmp_path / "nowhere" / "teacher.safetensors")


def test_a_teacher_of_another_shape_is_refused(stored, tmp_path):
    arrays = named_arrays(teacher_file(stored[0]))
    arrays[".model.embedding"] = arrays[".model.embedding"][:2]
    save_file(arrays, tmp_path / "teacher.safetensors")
    with pytest.raises(ArtifactError, match=r"teacher\.safetensors\.model\.embedding is float32\[2, "):
        load_teacher(tmp_path)
