import jax.numpy as jnp
import pytest

from aurora_jax.engine.over_assets import in_worst_share, weighted_mean, worst


def test_weighted_mean_by_hand():
    """A short position counts by its size: (2 * 1 + 1 * 4 + 1 * 10) / 4 = 4."""
    values, weights = jnp.array([1.0, 4.0, 10.0]), jnp.array([0.5, -0.25, 0.25])
    assert jnp.allclose(weighted_mean(values, weights), 4.0)


def test_weighted_mean_keeps_the_other_axes():
    table = jnp.array([[1.0, 10.0], [3.0, 30.0]])
    assert jnp.allclose(weighted_mean(table, jnp.array([3.0, 1.0])), jnp.array([1.5, 15.0]))


def test_weighted_mean_of_an_account_without_positions_is_the_plain_mean():
    assert jnp.allclose(weighted_mean(jnp.array([1.0, 2.0, 6.0]), jnp.zeros(3)), 3.0)


@pytest.mark.parametrize(
    ("assets", "share", "high", "low"),
    [
        (20, 0.1, 18.0, 1.0),  # two of twenty: the second worst is the value that the worst two reach
        (20, 0.11, 17.0, 2.0),  # 2.2 assets count as three
        (3, 0.1, 2.0, 0.0),  # few assets: the single worst
        (1, 0.1, 0.0, 0.0),
        (4, 0.0, 3.0, 0.0),
        (4, 1.0, 0.0, 3.0),  # all of them reach only the best
    ],
)
def test_worst_by_hand(assets, share, high, low):
    values = jnp.arange(assets, dtype=float)[::-1]
    assert worst(values, share=share, high_is_bad=True) == high
    assert worst(values, share=share, high_is_bad=False) == low


def test_worst_of_counts_stays_a_count():
    streaks = jnp.array([0, 7, 2])
    assert worst(streaks, share=0.1, high_is_bad=True) == 7
    assert worst(streaks, share=0.1, high_is_bad=True).dtype == streaks.dtype


@pytest.mark.parametrize(
    ("flagged", "assets", "share", "expected"),
    [
        (1, 20, 0.1, False),
        (2, 20, 0.1, True),
        (2, 20, 0.11, False),
        (3, 20, 0.11, True),
        (1, 3, 0.1, True),
        (0, 3, 0.0, False),
    ],
)
def test_in_worst_share_by_hand(flagged, assets, share, expected):
    assert bool(in_worst_share(jnp.arange(assets) < flagged, share=share)) == expected
