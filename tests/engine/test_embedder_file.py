import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file

from aurora_jax.engine.arrays import named_arrays
from aurora_jax.engine.artifact_error import ArtifactError
from aurora_jax.engine.embedder_file import embedder_file, load_embedder, save_embedder
from aurora_jax.teacher import initial_embedder
from tests.small_engine import assert_bitwise


def build(factors, dtype):
    return initial_embedder(
        jax.random.key(3),
        mean_return=jnp.array([1e-3, -1e-3], dtype),
        covariance=jnp.array([[2e-4, 1e-4], [1e-4, 3e-4]], dtype),
        factors=factors,
        bars=8,
        width=5,
    )


@pytest.mark.parametrize(("factors", "dtype"), [(1, jnp.float32), (2, jnp.float64)])
def test_an_embedder_comes_back_to_the_bit(tmp_path, factors, dtype):
    embedder = build(factors, dtype)
    path = save_embedder(embedder, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["embedder.safetensors"]
    for place in (tmp_path, path):
        found = load_embedder(place)
        assert_bitwise(eqx.filter(found, eqx.is_array), eqx.filter(embedder, eqx.is_array))
        assert found.bars == 8
    window = 0.01 * jax.random.normal(jax.random.key(1), (8, 2))
    assert_bitwise(found(window), embedder(window))


def test_a_file_without_an_embedder_is_refused(tmp_path):
    save_file({".embedder.centre": np.zeros(3)}, tmp_path / "embedder.safetensors")
    with pytest.raises(ArtifactError, match=r"embedder\.safetensors: holds no embedder of this version; make one with"):
        load_embedder(tmp_path)
    with pytest.raises(ArtifactError, match=r"embedder\.safetensors: no such file"):
        load_embedder(tmp_path / "nowhere" / "embedder.safetensors")


def test_an_embedder_of_another_shape_is_refused(tmp_path):
    arrays = named_arrays(embedder_file(build(1, jnp.float32)))
    arrays[".embedder.centre"] = arrays[".embedder.centre"][:2]
    save_file(arrays, tmp_path / "embedder.safetensors")
    with pytest.raises(ArtifactError, match=r"embedder\.safetensors\.embedder\.centre is float32\[2\]"):
        load_embedder(tmp_path)
