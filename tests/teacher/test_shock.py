"""A shocked teacher differs from the teacher by exactly the shock."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.teacher import initial_model, reference_teacher, shocked
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
    expected = eqx.tree_at(lambda law: (law.intensity, law.response), before.jump_law, replace_fn=lambda x: 3.0 * x)
    assert np.ptp(before.jump_law.intensity) > 1e-4
    _assert_equal_but(before, _table(shocked(teacher, jump_intensity=3.0)), jump_law=expected)


def test_hurst_is_set_in_every_regime(teacher):
    before = _table(teacher)
    _assert_equal_but(before, _table(shocked(teacher, hurst=0.3)), hurst=jnp.full_like(before.hurst, 0.3))


def test_drift_is_added_to_prices_only(teacher):
    volatility, embedding = jnp.array([0.2]), teacher.embedding[1]
    moved = shocked(teacher, drift=-0.01).drift(volatility, embedding) - teacher.drift(volatility, embedding)
    np.testing.assert_allclose(moved, [-0.01, -0.01, 0.0], atol=1e-12)


def test_contagion_is_set_in_every_regime(teacher):
    before = _table(teacher)
    expected = eqx.tree_at(lambda law: law.contagion, before.jump_law, replace_fn=lambda x: jnp.full_like(x, 0.8))
    _assert_equal_but(before, _table(shocked(teacher, contagion=0.8)), jump_law=expected)


def test_thin_liquidity_makes_marks_larger_by_the_square_root_law(teacher):
    """A quarter of the depth: marks twice as large, their mean too."""
    before = _table(teacher)
    expected = eqx.tree_at(lambda law: (law.scale, law.mean), before.jump_law, replace_fn=lambda x: 2.0 * x)
    _assert_equal_but(before, _table(shocked(teacher, liquidity=0.25)), jump_law=expected)


def test_what_no_regime_changes_is_set_for_all(teacher):
    moved = shocked(teacher, branching_ratio=0.7, scale_persistence_bars=40.0, degrees_of_freedom=2.5)
    _assert_equal_but(_table(teacher), _table(moved))
    np.testing.assert_allclose(moved.branching_ratio, 0.7, rtol=1e-9)
    np.testing.assert_allclose(moved.jumps.mixing.renewal_rate, 1 / 40.0, rtol=1e-9)
    np.testing.assert_allclose(moved.jumps.degrees_of_freedom, 2.5, rtol=1e-9)


def test_fractional_prices_take_the_exponent_asked_for(teacher):
    moved = shocked(teacher, price_hurst=0.4)
    assert moved.price_roughness is not None
    np.testing.assert_allclose(moved.price_roughness.hurst(teacher.embedding[1]), 0.4, rtol=1e-9)
    assert teacher.price_roughness is None


@pytest.mark.parametrize(
    ("shock", "message"),
    [
        ({"volatility": 0.0}, "volatility must be positive, was 0.0"),
        ({"jump_intensity": -1.0}, "jump_intensity must be positive, was -1.0"),
        ({"hurst": 0.99}, "hurst must lie in .* was 0.99"),
        ({"liquidity": 0.0}, "liquidity must be positive, was 0.0"),
        ({"contagion": 1.0}, "contagion must lie in .* was 1.0"),
        ({"branching_ratio": 1.2}, "branching_ratio must lie in .* was 1.2"),
        ({"scale_persistence_bars": 0.1}, "scale_persistence_bars must lie in .* was 0.1"),
        ({"degrees_of_freedom": 2.0}, "degrees_of_freedom must exceed 2, was 2.0"),
        ({"price_hurst": 0.99}, "hurst of prices must lie in .* was 0.99"),
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


def short(embeddings):
    """A teacher whose regimes are told apart by these embeddings, and jump at different rates."""
    start = initial_model(
        jax.random.key(0), mean_return=jnp.zeros(1), covariance=2e-4 * jnp.eye(1), embedding_size=len(embeddings[0])
    )
    return eqx.tree_at(lambda m: m.embedding, double(start), jnp.asarray(embeddings))


@pytest.mark.parametrize(("shock", "name"), [({"jump_intensity": 3.0}, "jump_intensity"), ({"liquidity": 0.5}, "liq")])
def test_what_cannot_be_scaled_in_every_regime_is_refused(shock, name):
    """One number and an offset cannot give three regimes their values, and least squares would not say so."""
    with pytest.raises(ValueError, match=rf"{name}.* 3 regimes need embeddings of at least 2 .* this teacher's have 1"):
        shocked(short([[-1.0], [0.3], [1.0]]), **shock)
    assert shocked(short([[-1.0], [0.3], [1.0]]), volatility=2.0) is not None
    with pytest.raises(RuntimeError, match="embeddings are dependent"):  # all on one line
        shocked(short([[-1.0, -2.0], [0.3, 0.6], [1.0, 2.0]]), **shock)


def test_as_many_numbers_as_needed_are_enough():
    """Two numbers and an offset for three regimes, however close two of them lie."""
    model = short([[-1.0, 0.2], [1.0, 0.3], [1.0, 0.301]])
    before, after = _table(model), _table(shocked(model, jump_intensity=3.0))
    np.testing.assert_allclose(after.jump_law.intensity, 3.0 * before.jump_law.intensity, rtol=1e-9)
