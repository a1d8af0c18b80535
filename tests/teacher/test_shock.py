"""A shocked teacher differs from the teacher by exactly the shock."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.teacher import reference_teacher, shocked
from tests.teacher.conftest import double


@pytest.fixture(scope="module")
def teacher(model):
    return double(model)


_table = eqx.filter_jit(lambda model: model.by_regime())


def _assert_equal_but(before, after, **expected):
    for name, old, new in zip(before._fields, before, after, strict=True):
        if name in expected:
            jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9), new, expected[name])
        else:
            jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), new, old)


def test_the_defaults_change_nothing(teacher):
    for old, new in zip(jax.tree.leaves(teacher), jax.tree.leaves(shocked(teacher)), strict=True):
        np.testing.assert_array_equal(old, new)


def test_volatility_multiplies_the_diffusion(teacher):
    before = _table(teacher)
    _assert_equal_but(before, _table(shocked(teacher, volatility=2.5)), price_factor=2.5 * before.price_factor)


def test_jump_intensity_multiplies_the_intensity_of_every_regime(teacher):
    before = _table(teacher)
    expected = before.jump_law.__class__(3.0 * before.jump_law.intensity, before.jump_law.scale, before.jump_law.mean)
    assert np.ptp(before.jump_law.intensity) > 1e-4
    _assert_equal_but(before, _table(shocked(teacher, jump_intensity=3.0)), jump_law=expected)


def test_hurst_is_set_in_every_regime(teacher):
    before = _table(teacher)
    _assert_equal_but(before, _table(shocked(teacher, hurst=0.3)), hurst=jnp.full_like(before.hurst, 0.3))


def test_drift_is_added_to_prices_only(teacher):
    volatility, embedding = jnp.array([0.2]), teacher.embedding[1]
    moved = shocked(teacher, drift=-0.01).drift(volatility, embedding) - teacher.drift(volatility, embedding)
    np.testing.assert_allclose(moved, [-0.01, -0.01, 0.0], atol=1e-12)


@pytest.mark.parametrize(
    ("shock", "message"),
    [
        ({"volatility": 0.0}, "volatility must be positive, was 0.0"),
        ({"jump_intensity": -1.0}, "jump_intensity must be positive, was -1.0"),
        ({"hurst": 0.99}, "was 0.99"),
    ],
)
def test_impossible_shocks_are_refused(teacher, shock, message):
    with pytest.raises(ValueError, match=message):
        shocked(teacher, **shock)


def test_the_reference_teacher_is_the_market_it_documents():
    with pytest.raises(ValueError, match="was 0"):
        reference_teacher(0)
    teacher = reference_teacher(3, seed=2)
    assert teacher.assets == 3
    lower = teacher.diffusion(jnp.zeros(4, jnp.float32))
    expected = 0.015**2 * (0.35 + 0.65 * np.eye(3))
    np.testing.assert_allclose(lower @ lower.T, expected, rtol=1e-4)
