from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from statsmodels.tsa.ar_model import AutoReg

from aurora_jax.core import Outcome, stream
from aurora_jax.crossbar import crossbar_index

BARS = 128
index_of_many = jax.jit(jax.vmap(partial(crossbar_index, order=(1, 1), long_order=4)))
index_of = partial(crossbar_index, order=(2, 1), long_order=6)


def index_of_one(window):
    """The index of one window through the batch shape that is compiled already."""
    return jax.tree.map(lambda leaf: leaf[0], index_of_many(jnp.broadcast_to(jnp.asarray(window), (200, BARS))))


def twin(x, p, q, long_order):
    """The definition, with the autoregression from statsmodels and the two regressions by singular values."""
    simple = AutoReg(x, p).fit()
    x = x - x.mean()
    past = np.array([[x[t - i] for i in range(1, long_order + 1)] for t in range(long_order, x.size)])
    shocks = np.zeros(x.size)
    shocks[long_order:] = x[long_order:] - past @ np.linalg.lstsq(past, x[long_order:], rcond=None)[0]
    start = long_order + max(p, q)
    past = np.array(
        [[x[t - i] for i in range(1, p + 1)] + [shocks[t - j] for j in range(1, q + 1)] for t in range(start, x.size)]
    )
    solution = np.linalg.lstsq(past, x[start:], rcond=None)[0]
    variance = np.mean((x[start:] - past @ solution) ** 2)
    errors = variance * np.diag(np.linalg.inv(past.T @ past))
    pooled = np.sqrt(np.mean(simple.bse[1 : p + 1] ** 2 + errors[:p]))
    return np.linalg.norm(simple.params[1 : p + 1] - solution[:p]) / (pooled + 1e-6)


def test_the_definition_by_another_route(key):
    x = np.array(jr.normal(stream(key, "twin"), (BARS,)))
    np.testing.assert_allclose(index_of(x).value, twin(x, 2, 1, 6), rtol=1e-6)
    np.testing.assert_allclose(index_of_one(x).value, twin(x, 1, 1, 4), rtol=1e-6)


@pytest.mark.stat
def test_a_moving_average_is_seen_and_an_autoregression_is_not(key):
    """Against MA(1) with theta = .8 the AR(1) coefficient is theta / (1 + theta^2) = .488, the ARMA's 0."""
    shocks = jr.normal(stream(key, "index"), (200, BARS + 1))
    noise = index_of_many(shocks[:, 1:]).value
    average = index_of_many(shocks[:, 1:] + 0.8 * shocks[:, :-1]).value
    _, path = jax.lax.scan(lambda x, e: (0.6 * x + e,) * 2, jnp.zeros(200), shocks.T)
    autoregression = index_of_many(path[1:].T).value
    assert np.median(average) > 2.5
    assert np.mean(average > 2.0) > 0.9
    assert np.mean(noise > 2.0) < 0.06
    assert np.mean(autoregression > 2.0) < 0.06


def test_units_and_origin_do_not_matter(key):
    x = jr.normal(stream(key, "unit"), (BARS,))
    np.testing.assert_allclose(index_of_one(1e-4 * x + 3.0).value, index_of_one(x).value, rtol=1e-6)


@pytest.mark.parametrize(
    ("window", "outcome"),
    [
        (np.full(BARS, 0.01), Outcome.CONSTANT),
        (np.where(np.arange(BARS) % 2, 1.0, -1.0), Outcome.CONSTANT),
        (np.where(np.arange(BARS) == 5, np.nan, 1.0), Outcome.NON_FINITE),
    ],
)
def test_a_degenerate_window_is_zero_and_says_why(window, outcome):
    found = index_of_one(window)
    assert int(found.outcome) == outcome
    assert found.value == 0.0


def test_a_short_window_is_zero_and_says_why():
    found = crossbar_index(np.arange(6.0))
    assert int(found.outcome) == Outcome.TOO_SHORT
    assert found.value == 0.0


def test_orders_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"was \(0, 1\)"):
        crossbar_index(np.zeros(BARS), order=(0, 1))
