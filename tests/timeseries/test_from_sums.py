from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from aurora_jax.core import Outcome, stream
from aurora_jax.timeseries import (
    LaggedSums,
    ar_from_sums,
    fit_ar,
    hannan_rissanen,
    hannan_rissanen_from_sums,
)

BARS = 96


def sums_of(window, lags):
    window = np.asarray(window)
    columns = np.stack([window[lags - i : window.size - i] for i in range(lags + 1)], axis=1)
    return LaggedSums(jnp.asarray(columns.sum(axis=0)), jnp.asarray(columns.T @ columns), jnp.asarray(window[:lags]))


simple_of = jax.jit(partial(ar_from_sums, window_bars=BARS), static_argnames="order")
full_of = jax.jit(partial(hannan_rissanen_from_sums, window_bars=BARS), static_argnames=("order", "long_order"))


@pytest.fixture(scope="module")
def window():
    shocks = jr.normal(stream(jr.key(3), "sums"), (BARS + 1,))
    return 0.01 * (shocks[1:] + 0.6 * shocks[:-1]) + 0.004


@pytest.mark.parametrize(("order", "long_order"), [((1, 1), 4), ((2, 3), 6)])
def test_both_fits_are_those_of_the_window(window, order, long_order):
    """The regressions over the window, which are tested against statsmodels, are the slow twin."""
    p, q = order
    sums = sums_of(window, long_order + max(p, q))
    simple, batch = simple_of(sums, order=p), fit_ar(window, order=p, initial_values=p)
    np.testing.assert_allclose(simple.coefficients, batch.parameters[1 : p + 1], rtol=1e-9)
    np.testing.assert_allclose(simple.standard_errors, batch.standard_errors[1 : p + 1], rtol=1e-9)
    full = full_of(sums, order=order, long_order=long_order)
    batch = hannan_rissanen(window, order=order, long_order=long_order)
    for mine, theirs in zip(full, batch, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-8)


@pytest.mark.parametrize("level", [0.0, 0.01, -3.0])
def test_a_constant_says_so(level):
    sums = sums_of(jnp.full(BARS, level), 5)
    simple = simple_of(sums, order=1)
    full = full_of(sums, order=(1, 1), long_order=4)
    assert int(simple.outcome) == int(full.outcome) == Outcome.CONSTANT
    assert all(np.all(leaf == 0.0) for leaf in (*simple[:2], *full[:4]))


def test_what_is_predicted_without_error_is_constant():
    sums = sums_of(jnp.where(jnp.arange(BARS) % 2, 1.0, -1.0), 5)
    assert int(simple_of(sums, order=1).outcome) == Outcome.CONSTANT


def test_lags_out_of_range_are_refused(window):
    sums = sums_of(window, 5)
    with pytest.raises(ValueError, match="= 6 lags, had 5"):
        full_of(sums, order=(2, 1), long_order=4)
    with pytest.raises(ValueError, match="at least 6 lags, had 5"):
        simple_of(sums, order=6)
    with pytest.raises(ValueError, match="was 0"):
        simple_of(sums, order=0)
