import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.governance import RollingQuantile, Surprisal

WINDOW = 24


def test_surprisal_by_hand():
    surprisal = jax.jit(lambda residual, scale: Surprisal(WINDOW).surprisal(residual, scale))
    assert surprisal(0.0, 1.0) == 0.0
    # |z| = .5: quadratic, log(1 + 3 * .125); sign and unit do not matter
    for residual, scale in ((0.5, 1.0), (-0.5, 1.0), (0.05, 0.1)):
        np.testing.assert_allclose(surprisal(residual, scale), np.log(1.375), rtol=1e-14)
    # |z| = 3: linear, 1.345 * (3 - .6725) = 3.1304875
    np.testing.assert_allclose(surprisal(3.0, 1.0), np.log(1 + 3 * 3.1304875), rtol=1e-14)
    assert surprisal(1e9, 1.0) == 6.0
    assert surprisal(1e200, 1e-5) == 6.0
    for residual, scale in ((jnp.nan, 1.0), (jnp.inf, 1.0), (1.0, jnp.nan)):
        assert surprisal(residual, scale) == 6.0
    # A scale of zero is floored: no surprise if exactly right, the greatest if not.
    assert surprisal(0.0, 0.0) == 0.0
    assert surprisal(1e-3, 0.0) == 6.0


@pytest.mark.stat
def test_the_p95_of_normal_residuals_is_the_surprisal_of_their_p95(key):
    """Surprisal grows with |z|, so its p95 is that of the 97.5 % normal quantile, 1.959964: log(1 + 3 h)."""
    z = jax.random.normal(key, (4000,))
    surprisal = Surprisal(2000)
    step = lambda state, r: surprisal.step(state, r, 1.0)  # noqa: E731
    info = jax.lax.scan(step, surprisal.init(), z)[1]
    expected = np.log1p(3 * 1.345 * (1.959964 - 0.6725))
    # sd of the sample quantile: sqrt(p q / n) / density, density of |z| at 1.96 = 2 * .05845; ds/dz = .651
    error = np.sqrt(0.95 * 0.05 / 2000) / (2 * 0.05845) * 3 * 1.345 / np.exp(expected)
    assert abs(float(info.p95[-1]) - expected) < 4 * error


def test_nothing_to_settle_changes_nothing():
    surprisal = Surprisal(WINDOW, 1)
    step = jax.jit(lambda state, residual, observed: surprisal.step(state, residual, 1.0, observed=observed))
    state, _ = step(surprisal.init(), 1.0, True)
    after, info = step(state, jnp.nan, False)
    jax.tree.map(np.testing.assert_array_equal, after, state)
    assert info.surprisal == 0.0
    np.testing.assert_allclose(info.p95, np.log(2.5))  # of the bar before: z = 1


# --- the trailing quantile ------------------------------------------------------------------------------------------

_rolling = RollingQuantile(WINDOW, 0.9, 5)


@jax.jit
def trailing(values):
    return jax.lax.scan(lambda state, value: _rolling.step(state, value), _rolling.init(), values)[1]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1e3), min_size=40, max_size=40))
def test_the_trailing_quantile_equals_sorting(values):
    twin = [0.0] * 4 + [
        sorted(values[max(0, n - WINDOW) : n])[int(np.ceil(0.9 * min(n, WINDOW))) - 1] for n in range(5, 41)
    ]
    np.testing.assert_array_equal(trailing(jnp.array(values)), twin)


def test_a_value_that_is_not_finite_or_not_observed_is_left_out():
    state, step = _rolling.init(), jax.jit(lambda state, v, observed: _rolling.step(state, v, observed=observed))
    for value, observed in [(1.0, True), (2.0, True), (jnp.nan, True), (9.0, False), (jnp.inf, True)] + [
        (3.0, True)
    ] * 3:
        state, quantile = step(state, value, observed)
    assert state.count == 5
    assert quantile == 3.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "window_bars must be at least 1, was 0"),
        ((10, 0.95, 11), r"warm_up_bars must lie in \[1, window_bars = 10\], was 11"),
        ((30, 1.5), r"probability must lie in \[0, 1\], was 1.5"),
    ],
)
def test_bad_windows_are_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        RollingQuantile(*arguments)


@pytest.mark.parametrize("name", ["huber_threshold", "winsor_max", "scale_floor"])
def test_bad_surprisal_settings_are_refused_by_name(name):
    with pytest.raises(ValueError, match=f"{name} must lie in"):
        Surprisal(WINDOW, **{name: 0.0})
