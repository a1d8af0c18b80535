import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from aurora_jax.core import Outcome, stream
from aurora_jax.crossbar import TwoLengths
from aurora_jax.timeseries import fit_ar, hannan_rissanen

RECENT, LONG, BARS = 32, 64, 160
machine = TwoLengths(recent_bars=RECENT, long_bars=LONG, half_life_bars=2.0)


@pytest.fixture(scope="module")
def returns():
    return np.array(0.01 * jr.normal(stream(jr.key(11), "two lengths"), (BARS,)))


@jax.jit
def run(returns):
    return jax.lax.scan(lambda state, value: machine.step(state, value), machine.init(), returns)


@jax.jit
def both(recent, long):
    """Fits over the windows, one after the other: AR recent and ARMA long, AR long and ARMA recent."""
    found = []
    for simple, full in ((recent, long), (long, recent)):
        ar, arma = fit_ar(simple, order=1, initial_values=1), hannan_rissanen(full, order=(1, 1))
        variance = ar.standard_errors[1] ** 2 + arma.ar_standard_errors[0] ** 2
        found.append(jnp.abs(ar.parameters[1] - arma.ar_coefficients[0]) / (jnp.sqrt(variance) + 1e-6))
    return jnp.stack(found)


def test_it_is_the_larger_average_of_both_readings(returns):
    _, info = run(returns)
    average = None
    for bar in range(LONG, BARS + 1):
        index = np.array(both(returns[bar - RECENT : bar], returns[bar - LONG : bar]))
        average = index if average is None else average + (1 - 0.5**0.5) * (index - average)
        np.testing.assert_allclose(info.index[bar - 1], index.max(), rtol=1e-8)
        np.testing.assert_allclose(info.smoothed[bar - 1], average.max(), rtol=1e-8)
    assert np.all(info.outcome[: LONG - 1] == Outcome.WARMING_UP)
    assert np.all(info.smoothed[: LONG - 1] == 0.0)


def test_a_refused_bar_changes_nothing(returns):
    state, info = run(returns)
    after, told = jax.jit(lambda s, v: machine.step(s, v))(state, jnp.nan)
    assert int(told.outcome) == Outcome.NON_FINITE
    assert float(told.smoothed) == float(info.smoothed[-1])
    for mine, theirs in zip(jax.tree.leaves(after), jax.tree.leaves(state), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_lengths_out_of_order_are_refused():
    with pytest.raises(ValueError, match="were 64 and 64"):
        TwoLengths(recent_bars=64, long_bars=64)
    with pytest.raises(ValueError, match="half_life_bars must be > 0, was 0"):
        TwoLengths(half_life_bars=0.0)
