"""Blocks of time, and that no block's labels reach the router that judges it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.router import EVIDENCE, Labelled, LabelledPaths, LatentWindows
from aurora_jax.training import Block, LabelledHistory, blocks_of, cross_fit

BLOCKS, TIMES, ASSETS, INPUTS = 3, 4, 2, 1 + EVIDENCE


def test_blocks_are_of_consecutive_times_with_all_assets():
    """Seven times of two assets in three blocks: two, two and three times."""
    count = 7 * ASSETS
    numbers = jnp.arange(float(count))
    history = LabelledHistory(
        Labelled(numbers[:, None], jnp.ones((count, 3))),
        LatentWindows(numbers[:, None, None], numbers[:, None]),
    )
    found = blocks_of(history, assets=ASSETS, blocks=3)
    assert [block.labelled.inputs[:, 0].tolist() for block in found] == [
        list(range(4)),
        list(range(4, 8)),
        list(range(8, 14)),
    ]
    np.testing.assert_array_equal(found[1].latent_windows.shock[:, 0], np.arange(4.0, 8.0))
    with pytest.raises(ValueError, match="at least 3, to train on, to calibrate and to judge, were 2"):
        blocks_of(history, assets=ASSETS, blocks=2)
    with pytest.raises(ValueError, match="7 windows in time make no 8 blocks"):
        blocks_of(history, assets=ASSETS, blocks=8)


@pytest.fixture(scope="module")
def blocks():
    rng = np.random.default_rng(0)

    def law(*shape):
        return jnp.asarray(rng.dirichlet(np.ones(3), shape), jnp.float32)

    def values(*shape):
        return jnp.asarray(0.5 * rng.standard_normal((*shape, INPUTS)), jnp.float32)

    return [
        Block(
            Labelled(values(TIMES * ASSETS), law(TIMES * ASSETS)),
            LabelledPaths(values(5, 2, 3), law(5, 2, 3), jnp.arange(5) % 3),
        )
        for _ in range(BLOCKS)
    ]


def _fitted(blocks):
    simulated = Labelled(jnp.zeros((4, INPUTS), jnp.float32), jnp.full((4, 3), 1.0 / 3.0, jnp.float32))
    return cross_fit(jax.random.key(1), blocks, simulated, window_bars=64, steps=3, monotone_weight=1.0)


@pytest.mark.slow  # eight trainings
def test_what_a_block_holds_reaches_the_others_but_not_its_own_judge(blocks):
    """Other labels, on windows and paths of block 1, change what is said of the blocks 0 and 2 and not of block 1."""
    turned = blocks[1]._replace(
        windows=blocks[1].windows._replace(weights=blocks[1].windows.weights[:, ::-1]),
        paths=blocks[1].paths._replace(weights=blocks[1].paths.weights[..., ::-1]),
    )
    before, after = _fitted(blocks), _fitted([blocks[0], turned, blocks[2]])
    size = TIMES * ASSETS
    said = [np.asarray(fit.held.probabilities).reshape(BLOCKS, size, 3) for fit in (before, after)]
    same = [np.array_equal(*(part[block] for part in said)) for block in range(BLOCKS)]
    assert same == [False, True, False]
    along = [np.asarray(fit.held.along).reshape(BLOCKS, 5, 3, 3) for fit in (before, after)]
    assert [np.array_equal(*(part[block] for part in along)) for block in range(BLOCKS)] == [False, True, False]
    np.testing.assert_array_equal(before.held.weights[:size], blocks[0].windows.weights)
    assert before.held.temperatures.shape == (BLOCKS,)
    assert before.router.window_bars == 64
