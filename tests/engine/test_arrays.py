import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.engine import ArtifactError, fill, named_arrays

TREE = {"bias": jnp.array([1.0, 2.0]), "count": jnp.array(3)}


def test_leaves_are_named_by_their_path():
    assert sorted(named_arrays(TREE)) == ["['bias']", "['count']"]


def test_a_transposed_array_is_stored_as_it_reads():
    """Safetensors would store the bytes in memory order."""
    transposed = np.arange(6.0).reshape(2, 3).T
    (stored,) = named_arrays([transposed]).values()
    assert stored.flags.c_contiguous
    np.testing.assert_array_equal(stored, transposed)


def test_a_scalar_stays_a_scalar():
    assert named_arrays(TREE)["['count']"].shape == ()


def test_fill_puts_every_array_in_its_place():
    filled = fill(TREE, {"['count']": np.array(9), "['bias']": np.array([5.0, 6.0])}, source="f")
    np.testing.assert_array_equal(filled["bias"], [5.0, 6.0])
    assert filled["count"] == 9


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"['bias']": np.array([5.0, 6.0, 7.0])},
            r"f\['bias'\] is float64\[3\], this configuration needs float64\[2\]",
        ),
        ({"['bias']": np.array([5, 6], np.float32)}, r"f\['bias'\] is float32\[2\], .* needs float64\[2\]"),
        ({"['extra']": np.array(1)}, r"f has unknown \['extra'\]"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ArtifactError, match=message):
        fill(TREE, {**named_arrays(TREE), **changes}, source="f")


def test_a_missing_array_is_refused():
    with pytest.raises(ArtifactError, match=r"f lacks \['count'\]: made by another version"):
        fill(TREE, {"['bias']": np.zeros(2)}, source="f")
