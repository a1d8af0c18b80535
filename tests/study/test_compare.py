"""Distances and the invariants table: no difference where there is none, and the right sign where there is one."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.signatures import signature, signature_kernel, with_time_and_lag
from aurora_jax.study import Distance, compare, invariant_table, nearer
from aurora_jax.study.compare import _exchange_test
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
    training = jnp.asarray(0.01 * rng.standard_normal((96, 24, 2)), jnp.float32)
    kernel = signature_kernel(jax.vmap(view)(training).astype(float), depth=2)
    return compare(jax.random.key(1), real, simulated, view, depth=2, kernel=kernel)


@pytest.mark.slow
def test_the_same_law_is_near_and_twice_the_volatility_far(distances):
    assert abs(distances["same"].value) < 4.0 * distances["same"].standard_error
    assert distances["same"].p_value > 0.02
    assert distances["wild"].value > 4.0 * distances["wild"].standard_error
    assert distances["wild"].p_value < 0.01
    gap = nearer(distances["same"], distances["wild"])
    assert gap.difference < -4.0 * gap.standard_error


def test_nearer_by_hand():
    """Left-out values (1, 2, 3) and (2, 2, 1): gaps (-1, 0, 2), jackknife error sqrt(2/3 x 42/9)."""
    first = Distance(2.0, 0.0, 1.0, np.array([1.0, 2.0, 3.0]))
    second = Distance(2.5, 0.0, 1.0, np.array([2.0, 2.0, 1.0]))
    found = nearer(first, second)
    assert found.difference == -0.5
    assert found.standard_error == pytest.approx(np.sqrt(28.0 / 9.0))


def test_the_exchange_test_counts_divisions(key):
    """Of all 2^6 ways to exchange, the share with a distance as large; what a window pairs with itself counts not."""
    gap = np.random.default_rng(2).standard_normal((6, 6))
    gap = gap + gap.T + 0.4
    apart = gap - np.diag(np.diag(gap))
    signs = np.array(list(itertools.product((1.0, -1.0), repeat=6)))
    share = np.mean(np.einsum("ki,ij,kj->k", signs, apart, signs) >= apart.sum() - 1e-9)
    assert 0.1 < share < 0.6
    found = _exchange_test(key, jnp.asarray(gap))
    assert abs(found - share) < 4.0 * np.sqrt(share * (1.0 - share) / 499) + 1 / 500


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


def _case(seed, *, windows, copies, size=0.012):
    rng = np.random.default_rng(seed)
    real = 0.01 * rng.standard_normal((windows, 12, 1))
    twins = size * rng.standard_normal((windows, copies, 12, 1))
    view = path_view(jax.random.key(0), jnp.asarray(real.reshape(-1, 1), jnp.float32), channels=1)
    training = jnp.asarray(0.01 * rng.standard_normal((40, 12, 1)), jnp.float32)
    return real, twins, view, signature_kernel(jax.vmap(view)(training).astype(float), depth=2)


def test_a_distance_and_those_without_each_window_are_sums_over_pairs():
    """Slow twin: features, kernel and pairs one by one; pairs of one window and its own twins are left out."""
    windows, copies = 5, 3
    real, twins, view, kernel = _case(8, windows=windows, copies=copies)
    found = compare(jax.random.key(1), real, {"model": twins}, view, depth=2, kernel=kernel)["model"]

    def point(returns):
        raw = np.asarray(signature(with_time_and_lag(view(jnp.asarray(returns, jnp.float32)).astype(float)), depth=2))
        spread = np.asarray(kernel.scale.spread)
        z = np.where(spread > 0, (raw - np.asarray(kernel.scale.centre)) / np.where(spread > 0, spread, 1.0), 0.0)
        return z / np.sqrt(1.0 + (z / 8.0) ** 2)

    def k(one, other):
        return np.exp(-0.5 * np.mean((one - other) ** 2) / float(kernel.bandwidth) ** 2)

    x, y = [point(w) for w in real], [[point(w) for w in many] for many in twins]

    def distance(kept):
        total = 0.0
        for i, j in itertools.permutations(kept, 2):
            across = np.mean([k(x[i], y[j][a]) for a in range(copies)])
            within = np.mean([k(y[i][a], y[j][b]) for a in range(copies) for b in range(copies)])
            total += k(x[i], x[j]) - 2.0 * across + within
        return total / (len(kept) * (len(kept) - 1))

    np.testing.assert_allclose(found.value, distance(range(windows)), rtol=1e-9)
    left = [distance([i for i in range(windows) if i != out]) for out in range(windows)]
    np.testing.assert_allclose(found.left_out, left, rtol=1e-9)
    spread = np.sum((found.left_out - found.left_out.mean()) ** 2)
    assert found.standard_error == pytest.approx(np.sqrt((windows - 1) / windows * spread))


@pytest.mark.slow
def test_the_order_of_two_models_does_not_depend_on_how_often_they_are_simulated():
    """A market of deviation 1 against .7 and 1.4: the wild one is further, with 1 twin and with 16.

    In the units of the pool, of which 16 twins are most, the wild one came out nearer.
    """
    real, _, view, kernel = _case(3, windows=60, copies=1)
    for copies in (1, 16):
        rng = np.random.default_rng(4)
        simulated = {
            name: s * 0.01 * rng.standard_normal((60, copies, 12, 1)) for name, s in (("calm", 0.7), ("wild", 1.6))
        }
        found = compare(jax.random.key(1), real, simulated, view, depth=2, kernel=kernel)
        assert found["wild"].value > found["calm"].value > 0.0


@pytest.mark.slow
@pytest.mark.stat
def test_exchanging_twins_is_an_exact_test(key):
    """Under one law, with starts that windows and their twins share, 5 % of the p-values are below .05."""
    _, _, view, kernel = _case(3, windows=10, copies=1)
    p_values = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        level = 0.01 * np.exp(0.8 * rng.standard_normal((10, 1, 1)))
        real, twin = level * rng.standard_normal((2, 10, 12, 1))
        found = compare(jax.random.fold_in(key, seed), real, {"same": twin[:, None]}, view, depth=2, kernel=kernel)
        p_values.append(found["same"].p_value)
    for level in (0.05, 0.2, 0.5):
        share = np.mean(np.asarray(p_values) <= level)
        assert abs(share - level) < 4.0 * np.sqrt(level * (1 - level) / 300) + 0.01


def test_too_few_windows_are_refused():
    real, twins, view, kernel = _case(8, windows=2, copies=1)
    with pytest.raises(ValueError, match="at least 3 windows, had 2"):
        compare(jax.random.key(1), real, {"model": twins}, view, depth=2, kernel=kernel)
