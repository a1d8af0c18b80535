import jax
import pytest

from aurora_jax.core import root_key, stream


def test_same_path_same_key_and_other_path_other_key():
    root = root_key(7)
    a = jax.random.key_data(stream(root, "seb", "rough", 3))
    b = jax.random.key_data(stream(root, "seb", "rough", 3))
    c = jax.random.key_data(stream(root, "seb", "rough", 4))
    assert (a == b).all()
    assert (a != c).any()


def test_a_parent_is_never_spent():
    with pytest.raises(ValueError, match="at least one name"):
        stream(root_key(7))


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_bad_seed_is_named(seed):
    with pytest.raises(ValueError, match=str(seed)):
        root_key(seed)
