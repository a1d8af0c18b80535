import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import pack
from aurora_jax.core.packing import LARGEST


class Part(eqx.Module):
    level: jax.Array
    name: str = eqx.field(static=True)


def tree():
    return {
        "part": Part(jnp.asarray([[0.1, -0.0], [jnp.nan, jnp.inf]]), "a"),
        "whole": (jnp.arange(3), jnp.asarray(True), None, jnp.asarray(np.float64(1e-310)), jnp.zeros((2, 0))),
        "single": jnp.asarray([0.1, 3e38], jnp.float32),
        "long": jnp.arange(LARGEST + 1.0),
        "key": jax.random.key(3),
    }


def bits(tree):
    told = jax.tree.map(lambda leaf: leaf, tree)
    told["key"] = jax.random.key_data(told["key"])
    leaves, structure = jax.tree.flatten(told)
    return structure, [(np.asarray(leaf).dtype, leaf.shape, np.asarray(leaf).tobytes()) for leaf in leaves]


@pytest.mark.parametrize("through", [lambda packed: packed, jax.jit(lambda packed: pack(packed.unpack()))])
def test_what_is_packed_comes_back_to_the_bit(through):
    assert bits(through(pack(tree())).unpack()) == bits(tree())


def test_small_arrays_of_a_kind_are_one_vector():
    packed = pack(tree())
    assert sorted((str(vector.dtype), vector.size) for vector in packed.vectors) == [
        ("bool", 1),
        ("float32", 2),
        ("float64", 5),
        ("int64", 3),
    ]
    assert [leaf.size for leaf in packed.apart] == [1, LARGEST + 1]


def test_what_lies_on_the_host_stays_there():
    packed = pack({"a": np.float64(1.5), "b": np.int64(2), "c": np.ones(2)})
    assert [type(vector) for vector in packed.vectors] == [np.ndarray, np.ndarray]
    assert packed.unpack() == {"a": 1.5, "b": 2, "c": pytest.approx(np.ones(2))}


def test_pythons_numbers_stay_what_they_are():
    """They adopt the precision of what they meet: of single precision nothing becomes double."""
    packed = pack({"a": 2.5, "b": 3, "c": jnp.ones(2, jnp.float32), "d": jnp.asarray(1.5)})
    assert packed.apart == (2.5, 3, 1.5)  # JAX's own weakly typed numbers do so too

    @jax.jit
    def product(packed):
        tree = packed.unpack()
        return tree["a"] * tree["b"] * tree["c"] * tree["d"]

    assert product(packed).dtype == jnp.float32


def test_one_structure_compiles_once():
    calls = []

    @jax.jit
    def doubled(packed):
        calls.append(1)
        return pack(jax.tree.map(lambda leaf: leaf + leaf, packed.unpack()))

    packed = pack({"a": jnp.ones(3), "b": jnp.ones((), int)})
    for _ in range(3):
        packed = doubled(packed)
    assert len(calls) == 1
    np.testing.assert_array_equal(packed.unpack()["a"], 8.0)
