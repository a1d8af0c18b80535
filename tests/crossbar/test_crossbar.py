import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from aurora_jax.core import Outcome, stream
from aurora_jax.crossbar import Crossbar, crossbar_index

WINDOW, ASSETS, BARS = 40, 3, 70
crossbar = Crossbar(window_bars=WINDOW, half_life_bars=4.0)
index_of_windows = jax.jit(jax.vmap(crossbar_index))
step_assets = jax.jit(jax.vmap(crossbar.step))


@jax.jit
def scan_assets(returns):
    start = jax.vmap(lambda _: crossbar.init())(jnp.arange(ASSETS))
    return jax.lax.scan(jax.vmap(crossbar.step), start, returns)


@pytest.fixture(scope="module")
def returns():
    shocks = jr.normal(stream(jr.key(7), "crossbar"), (BARS + 1, ASSETS))
    return 0.01 * (shocks[1:] + 0.8 * shocks[:-1])


@pytest.fixture(scope="module")
def run(returns):
    return scan_assets(returns)


def test_index_and_average_by_a_plain_loop(returns, run):
    _, info = run
    windows = np.stack([returns[t - WINDOW + 1 : t + 1, 1] for t in range(WINDOW - 1, BARS)])
    indices = np.array(index_of_windows(windows).value)
    np.testing.assert_allclose(info.index[WINDOW - 1 :, 1], indices, rtol=1e-8)
    averages = [indices[0]]
    for index in indices[1:]:
        averages.append(averages[-1] + (1 - 0.5 ** (1 / 4)) * (index - averages[-1]))
    np.testing.assert_allclose(info.smoothed[WINDOW - 1 :, 1], averages, rtol=1e-8)


def test_before_the_window_is_full_it_warms_up(run):
    _, info = run
    assert np.all(info.outcome[: WINDOW - 1] == Outcome.WARMING_UP)
    assert np.all(info.index[: WINDOW - 1] == 0.0)
    assert np.all(info.smoothed[: WINDOW - 1] == 0.0)
    assert np.all(info.outcome[WINDOW - 1 :] == Outcome.OK)
    assert np.all(info.smoothed[WINDOW - 1 :] > 0.0)


def test_scan_is_the_step_called_one_by_one(returns, run):
    state = jax.vmap(lambda _: crossbar.init())(jnp.arange(ASSETS))
    for value in returns:
        state, info = step_assets(state, value)
    for mine, theirs in zip(jax.tree.leaves(run[0]), jax.tree.leaves(state), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)
    np.testing.assert_allclose(info.smoothed, run[1].smoothed[-1], rtol=1e-12)


def test_a_return_that_is_not_finite_changes_nothing(run):
    state, last = run
    after, info = step_assets(state, jnp.array([jnp.nan, jnp.inf, 0.01]))
    np.testing.assert_array_equal(info.outcome, [Outcome.NON_FINITE, Outcome.NON_FINITE, Outcome.OK])
    np.testing.assert_array_equal(after.returns[:2], state.returns[:2])
    np.testing.assert_array_equal(info.smoothed[:2], last.smoothed[-1, :2])
    assert np.all(info.index[:2] == 0.0)
    assert int(after.bars[0]) == BARS
    assert int(after.bars[2]) == BARS + 1


def test_a_market_that_stands_still_is_forgotten_at_the_half_life(run):
    state, _ = run
    history = []
    for _ in range(WINDOW + 8):
        state, info = step_assets(state, jnp.zeros(ASSETS))
        history.append(info)
    assert np.all(history[-1].outcome == Outcome.CONSTANT)
    assert np.all(history[-1].index == 0.0)
    # The last eight bars are two half-lives without any index.
    np.testing.assert_allclose(history[-1].smoothed, 0.25 * history[-9].smoothed, rtol=1e-9)


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match="was 16"):
        Crossbar(window_bars=16)
    with pytest.raises(ValueError, match=r"was \(1, 0\)"):
        Crossbar(order=(1, 0))
    with pytest.raises(ValueError, match="half_life_bars must be > 0, was 0"):
        Crossbar(half_life_bars=0.0)


@pytest.mark.parametrize("order", [(1, 1), (2, 1)])
def test_streaming_is_the_batch_fit_through_spikes_standstills_and_refused_bars(order):
    """Over 3,000 bars; the twin refits each window. A spike is 1e4 deviations, and leaves nothing behind."""
    bars, window = 3000, 64
    values = np.array(0.01 * jr.normal(stream(jr.key(5), "long"), (bars,)) + 0.001)
    values[800] = 100.0
    values[1500:1600] = 0.003
    values[2100:2110] = np.nan
    machine = Crossbar(window_bars=window, order=order, long_order=4)
    _, info = jax.jit(lambda x: jax.lax.scan(lambda s, r: machine.step(s, r), machine.init(), x))(jnp.asarray(values))
    admitted = np.isfinite(values)
    kept = values[admitted]
    found = jax.jit(jax.vmap(lambda w: crossbar_index(w, order=order, long_order=4)))(
        np.lib.stride_tricks.sliding_window_view(kept, window)
    )
    mine, outcome = np.array(info.index)[admitted][window - 1 :], np.array(info.outcome)[admitted][window - 1 :]
    np.testing.assert_array_equal(outcome, found.outcome)
    assert np.all(np.array(info.outcome)[~admitted] == Outcome.NON_FINITE)
    # One value unlike the others, at an end of the window, leaves collinear columns of order 2 to the ridge alone.
    ends = np.arange(window, bars - 10 + 1)
    still = (ends >= 1500) & (ends < 1600 + window) & (order != (1, 1))
    scale = np.maximum(1.0, np.array(found.value))
    error = np.abs(mine - found.value) / scale
    assert np.max(error[~still]) < 1e-8
    assert np.max(error[ends > 1600 + window]) < 1e-10


def test_a_return_too_large_to_square_is_refused(run):
    state, _ = run
    _, info = step_assets(state, jnp.array([1e200, -1e101, 1e99]))
    np.testing.assert_array_equal(info.outcome, [Outcome.NON_FINITE, Outcome.NON_FINITE, Outcome.OK])
    assert np.all(np.isfinite(info.smoothed))
