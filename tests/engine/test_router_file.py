"""A router in a folder of its own, and files that are none."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file, save_file

from aurora_jax.engine import ArtifactError, load_router, save_router
from aurora_jax.router import EVIDENCE, Router, RouterNetwork


@pytest.fixture(scope="module")
def router():
    network = RouterNetwork(3 + EVIDENCE, hidden=5, rngs=nnx.Rngs(4))
    network.leave.kernel[...] = jnp.asarray(np.random.default_rng(0).normal(size=(5, 3)), jnp.float32)
    structure, weights = nnx.split(network)
    return Router(structure, nnx.to_pure_dict(weights), jnp.asarray(1.3), 96)


def test_a_router_comes_back_to_the_bit(router, tmp_path):
    path = save_router(router, tmp_path)
    inputs = jnp.asarray(np.random.default_rng(1).normal(size=(4, 3 + EVIDENCE)), jnp.float32)
    for where in (tmp_path, path):
        found = load_router(where)
        assert found.window_bars == 96
        expected = router.probabilities(inputs).probabilities
        np.testing.assert_array_equal(found.probabilities(inputs).probabilities, expected)


def test_a_file_of_another_version_is_refused(router, tmp_path):
    """The first routers knew no window; a narrow one could not read the evidence."""
    path = save_router(router, tmp_path)
    arrays = load_file(path)
    old = {name: array for name, array in arrays.items() if name != ".window_bars"}
    save_file(old, path)
    with pytest.raises(ArtifactError, match=r"holds no router of this version; make one with scripts/train_router\.py"):
        load_router(tmp_path)
    save_file({**arrays, ".weights['enter']['kernel']": np.zeros((4, 5), np.float32)}, path)
    with pytest.raises(ArtifactError, match="inputs must be at least the 14 numbers of evidence, were 4"):
        load_router(tmp_path)
    with pytest.raises(ArtifactError, match="no such file"):
        load_router(tmp_path / "nowhere.safetensors")
