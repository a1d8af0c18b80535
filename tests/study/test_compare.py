"""Distances and the invariants table: no difference where there is none, and the right sign where there is one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.study import Distance, compare, invariant_table, nearer
from aurora_jax.teacher import path_view


@pytest.fixture(scope="module")
def distances():
    rng = np.random.default_rng(4)
    real = 0.01 * rng.standard_normal((24, 24, 2))
    simulated = {
        "same": 0.01 * rng.standard_normal((24, 4, 24, 2)),
        "wild": 0.02 * rng.standard_normal((24, 4, 24, 2)),
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
