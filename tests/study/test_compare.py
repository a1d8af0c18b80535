"""Distances and the invariants table: no difference where there is none, and the right sign where there is one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.signatures import pooled_features, signature_mmd, with_time_and_lag
from aurora_jax.study import Distance, compare, invariant_table, nearer
from aurora_jax.teacher import path_view


@pytest.fixture(scope="module")
def distances():
    rng = np.random.default_rng(4)
    real = 0.01 * rng.standard_normal((48, 24, 2))
    simulated = {
        "same": 0.01 * rng.standard_normal((48, 4, 24, 2)),
        "wild": 0.02 * rng.standard_normal((48, 4, 24, 2)),
    }
    view = path_view(jax.random.key(0), jnp.asarray(real.reshape(-1, 2), jnp.float32), channels=2)
    return compare(jax.random.key(1), real, simulated, view, depth=2)


@pytest.mark.slow
def test_the_same_law_is_near_and_twice_the_volatility_far(distances):
    assert abs(distances["same"].value) < 4.0 * distances["same"].standard_error
    assert distances["same"].p_value > 0.02
    assert distances["wild"].value > 4.0 * distances["wild"].standard_error
    assert distances["wild"].p_value < 0.01
    gap = nearer(distances["same"], distances["wild"])
    assert gap.difference < -4.0 * gap.standard_error


def test_nearer_by_hand():
    """Left-out values (1, 2, 3) and (2, 2, 2): gaps (-1, 0, 1), jackknife error sqrt(2/3 x 2)."""
    first = Distance(2.0, 0.0, 1.0, np.array([1.0, 2.0, 3.0]))
    second = Distance(2.5, 0.0, 1.0, np.array([2.0, 2.0, 2.0]))
    found = nearer(first, second)
    assert found.difference == -0.5
    assert found.standard_error == pytest.approx(np.sqrt(4.0 / 3.0))


@pytest.mark.slow
def test_the_table_tells_heavy_tails_from_light_ones():
    rng = np.random.default_rng(5)
    real = rng.standard_t(3, (12, 400, 2))
    simulated = {"heavy": rng.standard_t(3, (40, 400, 2)), "light": rng.standard_normal((40, 400, 2))}
    rows = {(row.market, row.name): row for row in invariant_table(real, simulated)}
    assert rows["real", "tail_index"].z == 0.0
    assert abs(rows["heavy", "tail_index"].z) < 3.0
    assert rows["light", "tail_index"].z < -4.0
    assert {name for _, name in rows} == {"hurst", "tail_index", "extremal_index", "tail_dependence"}


def test_leaving_a_window_out_is_the_distance_of_the_others():
    """Against `signature_mmd`'s own formula on the features of the pool, loop by loop."""
    rng = np.random.default_rng(8)
    windows, copies = 5, 3
    real = 0.01 * rng.standard_normal((windows, 12, 1))
    twins = 0.012 * rng.standard_normal((windows, copies, 12, 1))
    view = path_view(jax.random.key(0), jnp.asarray(real.reshape(-1, 1), jnp.float32), channels=1)
    found = compare(jax.random.key(1), real, {"model": twins}, view, depth=2, bandwidth=1.3)["model"]
    see = jax.vmap(view)
    x = see(jnp.asarray(real, jnp.float32)).astype(float)
    y = see(jnp.asarray(twins.reshape(-1, 12, 1), jnp.float32)).astype(float)
    np.testing.assert_allclose(found.value, signature_mmd(x, y, depth=2, bandwidth=1.3), rtol=1e-9)
    points, scale = pooled_features(x, y, depth=2, bandwidth=1.3, augment=with_time_and_lag)
    z, owner = np.asarray(points), np.concatenate([np.arange(windows), np.repeat(np.arange(windows), copies)])
    is_real = np.arange(len(z)) < windows

    def kernel(i, j):
        return np.exp(-0.5 * np.mean((z[i] - z[j]) ** 2) / float(scale))

    for left_out in range(windows):
        first = [i for i in range(len(z)) if is_real[i] and owner[i] != left_out]
        second = [i for i in range(len(z)) if not is_real[i] and owner[i] != left_out]
        within = [np.mean([kernel(i, j) for i in group for j in group if i != j]) for group in (first, second)]
        across = np.mean([kernel(i, j) for i in first for j in second])
        np.testing.assert_allclose(found.left_out[left_out], sum(within) - 2.0 * across, rtol=1e-9)
    spread = np.sum((found.left_out - found.left_out.mean()) ** 2)
    assert found.standard_error == pytest.approx(np.sqrt((windows - 1) / windows * spread))
