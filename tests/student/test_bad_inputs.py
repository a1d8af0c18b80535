"""Inputs that do not fit are refused by name; what is not a number is a bar that an asset does not have."""

import inspect

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.student import bind, filter_window, fit_scale_law, fit_trailing, standardise_returns
from tests.compiler import as_for_users
from tests.student.conftest import ASSETS, FEATURES


@pytest.fixture(scope="module")
def step(student):
    return eqx.filter_jit(student.step)


def _returns(bars=200, assets=ASSETS):
    return jnp.asarray(0.01 * np.random.default_rng(5).standard_t(4, (bars, assets)))


@pytest.mark.parametrize(
    ("features", "returns", "message"),
    [
        ((ASSETS, FEATURES + 1), ASSETS, r"features must have shape \(3, 4\), had \(3, 5\)"),
        ((ASSETS - 1, FEATURES), ASSETS - 1, r"features must have shape \(3, 4\), had \(2, 4\)"),
        ((1, FEATURES), 1, r"features must have shape \(3, 4\), had \(1, 4\)"),
    ],
)
def test_a_step_of_another_width_is_refused(student, features, returns, message):
    """Before anything is computed: one asset's return would otherwise be taken for everyone's."""
    with pytest.raises(ValueError, match=message):
        student.step(student.init(), jnp.zeros(features, jnp.float32), jnp.zeros(returns))


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize(
    ("value", "of"),
    [
        (np.nan, "feature"),
        (np.inf, "feature"),
        (-1e30, "feature"),  # finite, but not its square
        (np.nan, "return"),
        (-np.inf, "return"),
        (1e200, "return"),
    ],
)
def test_what_is_not_finite_is_no_bar(student, step, market, told, value, of):
    features, returns = market
    state, _ = step(student.init(), features[0], returns[0])
    bad = features[1].at[1, 2].set(value) if of == "feature" else features[1]
    wrong = returns[1].at[1].set(value) if of == "return" else returns[1]
    mask = jnp.asarray([True, False, True])
    expected = step(state, features[1], returns[1], mask)
    if told:
        found = step(state, bad, wrong, jnp.ones(ASSETS, bool))
        _assert_equal(found, expected)
    else:
        # Without a mask it is another program: equal to the bit whatever the value, and to the other but for rounding.
        found = step(state, bad, wrong)
        _assert_equal(found, step(state, features[1].at[1].set(jnp.nan), returns[1]))
        for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
            relative, absolute = (1e-6, 1e-7) if one.dtype == jnp.float32 else (1e-12, 0.0)
            np.testing.assert_allclose(one, other, rtol=relative, atol=absolute)


def _assert_equal(found, expected):
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(one, other)
        assert np.all(np.isfinite(one))


@as_for_users
@pytest.mark.bits
def test_a_bar_that_is_no_bar_is_one_that_is_not_observed_to_the_bit(student, step, market):
    """As compiled for users, also between the program that is told which assets have a bar and the one that is not."""
    features, returns = market
    state, _ = step(student.init(), features[0], returns[0])
    found = step(state, features[1].at[1, 2].set(jnp.nan), returns[1])
    _assert_equal(found, step(state, features[1], returns[1], jnp.asarray([True, False, True])))


def test_a_bar_without_any_number_is_predicted_through(student, step, market):
    state, _ = step(student.init(), market[0][0], market[1][0])
    after, info = step(state, jnp.full((ASSETS, FEATURES), jnp.nan, jnp.float32), jnp.full(ASSETS, jnp.nan))
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves((after, info)))
    np.testing.assert_array_equal(after.hidden, state.hidden)


def test_moments_of_what_is_no_history_are_refused():
    with pytest.raises(ValueError, match="fit_trailing needs at least 2 bars of returns, had 1"):
        fit_trailing(_returns(1))
    with pytest.raises(ValueError, match="returns must be finite, that of bar 7, asset 1, is not: fill or drop it"):
        fit_trailing(_returns().at[7, 1].set(jnp.nan))


def test_a_market_that_never_moved_has_moments_and_forecasts(network):
    student = bind(network, fit_trailing(jnp.zeros((50, ASSETS))))
    state, bar = student.init(), (jnp.zeros((ASSETS, FEATURES), jnp.float32), jnp.zeros(ASSETS))
    state, infos = jax.lax.scan(lambda state, _: student.step(state, *bar), state, length=400)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves((state, infos)))
    assert (infos.forecast.scale > 0.0).all()
    with pytest.raises(ValueError, match="no asset ever moves"):
        fit_scale_law(student.trailing, jnp.zeros((200, ASSETS)))


def test_a_law_is_fitted_to_the_assets_it_is_told(trailing):
    with pytest.raises(ValueError, match=r"returns must have shape \(200, 3\), had \(200, 2\)"):
        fit_scale_law(trailing, _returns(assets=2))
    with pytest.raises(ValueError, match="needs at least 128 bars, had 100"):
        fit_scale_law(trailing, _returns(100))
    with pytest.raises(ValueError, match="returns must be finite"):
        fit_scale_law(trailing, _returns().at[7, 1].set(jnp.nan))


def test_a_window_of_another_width_is_refused(network, trailing):
    with pytest.raises(ValueError, match=r"features must have shape \(9, 3, 4\), had \(9, 3, 5\)"):
        filter_window(network, jnp.zeros((9, ASSETS, FEATURES + 1), jnp.float32))
    with pytest.raises(ValueError, match=r"noise must have shape .*, had \(9, 3, 1\)"):
        filter_window(network, jnp.zeros((9, ASSETS, FEATURES), jnp.float32), jnp.zeros((9, ASSETS, 1), jnp.float32))
    with pytest.raises(ValueError, match=r"returns must have shape \(9, 3\), had \(9, 2\)"):
        standardise_returns(trailing, _returns(9, 2))
    # As users call them: in tests the annotations, which only tests enforce, would be faster.
    seen = jnp.ones((9, ASSETS - 1), bool)
    with pytest.raises(ValueError, match=r"observed must have shape \(9, 3\), had \(9, 2\)"):
        inspect.unwrap(standardise_returns)(trailing, _returns(9), seen)
    with pytest.raises(ValueError, match=r"observed must have shape \(9, 3\), had \(9, 2\)"):
        inspect.unwrap(filter_window)(network, jnp.zeros((9, ASSETS, FEATURES), jnp.float32), observed=seen)
