import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file

from aurora_jax.engine import ArtifactError, Units, load_units, save_teacher, save_units
from aurora_jax.teacher import CrossSection, reference_teacher

CROSS_SECTION = CrossSection(jnp.asarray([1e-4, -2e-4], jnp.float32), jnp.asarray([0.01, 0.03]), jnp.asarray(1.7))


@pytest.mark.parametrize("variance", [None, jnp.asarray(2e-4, jnp.float32)])
def test_units_come_back_to_the_bit(tmp_path, variance):
    units = Units(("Zürich, 1", 'a "b"'), CROSS_SECTION, variance)
    path = save_units(units, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["units.safetensors"]
    for place in (tmp_path, path, tmp_path / "teacher.safetensors"):
        found = load_units(place)
        assert found is not None
        assert found.assets == units.assets
        assert (found.reference_variance is None) == (variance is None)
        for one, other in zip(found.cross_section, units.cross_section, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
    if variance is not None:
        assert load_units(tmp_path).reference_variance == variance


def test_a_teacher_without_units_has_none(tmp_path):
    save_teacher(reference_teacher(1), tmp_path)
    assert load_units(tmp_path) is None


def test_damaged_units_are_told(tmp_path):
    path = save_units(Units(("a", "b"), CROSS_SECTION), tmp_path)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ArtifactError, match=r"units\.safetensors: damaged"):
        load_units(tmp_path)
    save_file({".assets": np.frombuffer(b'["a"]', np.uint8)}, path)
    with pytest.raises(ArtifactError, match=r"units\.safetensors: holds no units of this version"):
        load_units(tmp_path)
