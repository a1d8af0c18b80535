"""The distance on path space between real windows and the teacher's, and which channels it sees."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import stream
from aurora_jax.signatures import signature_mmd
from aurora_jax.teacher import (
    PathView,
    Windows,
    initial_model,
    kernel_of,
    path_view,
    signature_distance,
    simulate,
    some_windows,
)

WINDOWS, BARS, ASSETS = 48, 16, 2
DEPTH = {"depth": 2, "kernel": None}


@pytest.fixture(scope="module")
def small():
    covariance = jnp.array([[2.0e-4, 0.9e-4], [0.9e-4, 4.0e-4]], jnp.float32)
    mean = jnp.zeros(ASSETS, jnp.float32)
    return initial_model(jax.random.key(0), mean_return=mean, covariance=covariance, embedding_size=3, width=8)


@eqx.filter_jit
def _own_returns(model, key, start, regime):
    def one(key, v, z):
        x0 = jnp.concatenate([jnp.zeros(ASSETS, jnp.float32), v])
        return jnp.diff(simulate(model, key, x0, z[None], steps=BARS).log_price, axis=0)

    return jax.vmap(one)(jax.random.split(key, WINDOWS), start, regime)


def windows_of(model, seed, *, stretch=1.0):
    """The teacher's own windows, their returns multiplied by `stretch`."""
    regime = jnp.arange(WINDOWS) % 3
    start = 0.3 * jax.random.normal(jax.random.key(seed), (WINDOWS, 1), jnp.float32)
    return Windows(stretch * _own_returns(model, jax.random.key(seed + 1), start, regime), start, regime)


VIEW = PathView(jnp.eye(ASSETS, dtype=jnp.float32), jnp.full(ASSETS, 0.02, jnp.float32))


def test_a_view_by_hand():
    view = PathView(jnp.array([[1.0, 1.0], [1.0, -1.0]]), jnp.array([2.0, 4.0]))
    seen = view(jnp.array([[1.0, 3.0], [2.0, 0.0]]))
    np.testing.assert_allclose(seen, [[0.0, 0.0], [2.0, -0.5], [3.0, 0.0]])


def test_directions_are_orthonormal_start_with_the_basket_and_have_unit_scale():
    returns = jax.random.normal(jax.random.key(1), (500, 5)) * jnp.arange(1.0, 6.0)[None]
    view = path_view(jax.random.key(2), returns, channels=3)
    np.testing.assert_allclose(view.directions @ view.directions.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(view.directions[0], np.full(5, 5**-0.5), atol=1e-12)
    steps = np.diff(view(returns), axis=0)
    np.testing.assert_allclose(np.std(steps, axis=0), 1.0, atol=1e-9)


@pytest.mark.parametrize("channels", [0, 6])
def test_more_channels_than_assets_or_none_are_refused(channels):
    with pytest.raises(ValueError, match=f"between 1 and the 5 assets, was {channels}"):
        path_view(jax.random.key(2), jnp.ones((9, 5)), channels=channels)


def test_windows_are_drawn_without_replacement_and_stay_together():
    n = 10
    table = Windows(jnp.arange(n, dtype=float)[:, None, None], jnp.arange(n, dtype=float)[:, None], jnp.arange(n))
    drawn = some_windows(jax.random.key(3), table, count=6)
    assert len(set(np.asarray(drawn.regime).tolist())) == 6
    np.testing.assert_array_equal(drawn.returns[:, 0, 0], drawn.regime)
    np.testing.assert_array_equal(drawn.log_volatility[:, 0], drawn.regime)
    assert some_windows(jax.random.key(3), table, count=99) is table


def totals(values):
    """Windows of one asset that move by `values` in all."""
    returns = jnp.asarray(values, float)[:, None, None] * jnp.array([0.75, 0.25])[None, :, None]
    return Windows(returns, jnp.zeros((len(values), 1)), jnp.zeros(len(values), int))


def test_a_kernel_by_hand():
    """At depth 1 the features are time, which is the same for all, and the window's move twice, by lead and lag."""
    moves = np.array([-2.0, -1.0, 1.0, 4.0])
    z = moves / (1.4826 * 1.5)  # the median is 0; the moves' sizes 2, 1, 1, 4 have the median 1.5
    z = z / np.sqrt(1.0 + (z / 8.0) ** 2)
    # Differences 1, 2, 3, 3, 5, 6: the middle two are those between -2 and 1, and between 1 and 4.
    middle = 0.5 * ((z[2] - z[0]) ** 2 + (z[3] - z[2]) ** 2)
    view = PathView(jnp.ones((1, 1)), jnp.ones(1))
    found = jax.jit(lambda windows: kernel_of(windows, view, depth=1, bandwidth_medians=2.0))(totals(moves))
    np.testing.assert_allclose(found.bandwidth, 2.0 * np.sqrt(2.0 / 3.0 * middle), rtol=1e-12)
    np.testing.assert_allclose(np.sort(found.scale.spread), [0.0, 2.2239, 2.2239], rtol=1e-12)
    # A market twice as volatile has the same bandwidth: features are in units of their own spread, which doubles.
    wild = kernel_of(totals(2.0 * moves), view, depth=1, bandwidth_medians=2.0)
    np.testing.assert_allclose(wild.bandwidth, found.bandwidth, rtol=1e-12)
    np.testing.assert_allclose(wild.scale.spread, 2.0 * found.scale.spread, rtol=1e-12)


def test_a_kernel_of_too_few_windows_is_refused():
    view = PathView(jnp.ones((1, 1)), jnp.ones(1))
    with pytest.raises(ValueError, match="needs at least 4 windows, had 3: shorten them or add history"):
        kernel_of(totals([1.0, 2.0, 3.0]), view, depth=1)


@pytest.mark.slow  # compiles two simulations
def test_the_distance_is_that_of_the_windows_and_paths_simulated_from_their_starts(small):
    """Slow twin: one path after another, by hand."""
    real, key = windows_of(small, 4), jax.random.key(9)
    run = jax.jit(lambda k, x0, z: simulate(small, k, x0, z, steps=BARS).log_price)
    paths = []
    for k, start, regime in zip(jax.random.split(key, WINDOWS), real.log_volatility, real.regime, strict=True):
        prices = run(k, jnp.concatenate([jnp.zeros(ASSETS, jnp.float32), start]), regime[None])
        paths.append((prices - prices[:1]) / 0.02)
    real_paths = jnp.pad(jnp.cumsum(real.returns, axis=1), ((0, 0), (1, 0), (0, 0))) / 0.02
    expected = signature_mmd(real_paths, jnp.stack(paths), **DEPTH)
    found = signature_distance(small, key, real, VIEW, **DEPTH)
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.slow  # compiles two simulations
@pytest.mark.stat
def test_it_is_near_zero_for_the_teachers_own_windows_and_not_for_wilder_ones(small):
    @jax.jit
    def distance(key, windows):
        return signature_distance(small, key, windows, VIEW, **DEPTH)

    own = [distance(jax.random.key(100 + i), windows_of(small, 10 * i)) for i in range(8)]
    wild = [distance(jax.random.key(100 + i), windows_of(small, 10 * i, stretch=3.0)) for i in range(8)]
    error = np.std(own, ddof=1) / np.sqrt(len(own))
    # Twins share their starts, so that the n pairs among the n^2 are nearer than chance: a bias of the order of 1 / n.
    assert abs(np.mean(own)) < 4.0 * error + 0.01
    assert np.min(wild) > np.max(own)


@pytest.mark.slow  # compiles a gradient through the simulation
def test_its_gradient_is_a_difference_quotient(small):
    """Along the price drift, on which no jump depends; medians make the distance smooth only piece by piece."""
    double = jax.tree.map(lambda x: x.astype(float) if eqx.is_inexact_array(x) else x, (small, VIEW))
    real, key = windows_of(small, 4, stretch=1.5), jax.random.key(9)
    real = jax.tree.map(lambda x: x.astype(float) if eqx.is_inexact_array(x) else x, real)
    unit = double[0].drift.size[:ASSETS]

    @jax.jit
    def along(shift):
        faster = eqx.tree_at(
            lambda m: m.drift.level.offset, double[0], replace_fn=lambda level: level.at[:ASSETS].add(shift / unit)
        )
        return signature_distance(faster, key, real, double[1], **DEPTH)

    start, h = 1e-3, 1e-7
    slope = jax.jit(jax.grad(along))(start)
    quotient = (along(start + h) - along(start - h)) / (2.0 * h)
    assert abs(float(slope)) > 0.1
    np.testing.assert_allclose(slope, quotient, rtol=1e-4)


@pytest.mark.slow  # compiles a second simulation
def test_coarse_steps_compare_thinned_paths(small):
    real = windows_of(small, 4)
    with pytest.raises(ValueError, match="step_size must divide the 16 bars of a window, was 3"):
        signature_distance(small, jax.random.key(0), real, VIEW, **DEPTH, step_size=3)
    coarse = [
        float(signature_distance(small, stream(jax.random.key(0), i), real, VIEW, **DEPTH, step_size=2))
        for i in range(4)
    ]
    assert abs(np.mean(coarse)) < 0.05
