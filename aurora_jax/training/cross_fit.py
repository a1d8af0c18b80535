"""Every window judged by a router that was trained without its block of time."""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..core import PRNGKey, stream
from ..router import (
    Decode,
    Labelled,
    LabelledPaths,
    LatentWindows,
    Router,
    concatenate,
    interpolate,
    train_router,
)
from .route import LabelledHistory, along


class Held(NamedTuple):
    """What routers said of windows and paths that they were not trained on.

    Attributes:
        probabilities: of every window, by the router without its block; `weights` its BIC weights.
        along: of every path, averaged over mirror images; `along_plain` of the one that is not mirrored.
        path_weights: BIC weights along the paths.
        end_family: of the paths.
        temperatures: of the routers.
    """

    probabilities: Float[Array, "windows families"]
    weights: Float[Array, "windows families"]
    along: Float[Array, "paths points families"]
    along_plain: Float[Array, "paths points families"]
    path_weights: Float[Array, "paths mirrors points families"]
    end_family: Int[Array, " paths"]
    temperatures: Float[Array, " blocks"]


class CrossFitted(NamedTuple):
    """The held-out record, and a router trained on all blocks but the last, which set its temperature."""

    held: Held
    router: Router
    losses: Float[Array, " steps"]


class Block(NamedTuple):
    """Windows of one block of time, and the SLERP paths between them."""

    windows: Labelled
    paths: LabelledPaths


def blocks_of(history: LabelledHistory, *, assets: int, blocks: int) -> list[LabelledHistory]:
    """Cut a history of windows into blocks of consecutive times, all assets of a time in one block.

    Raises:
        ValueError: if there are fewer than 3 blocks, or fewer times than blocks.
    """
    times = history.labelled.weights.shape[0] // assets
    if blocks < 3:
        raise ValueError(f"blocks must be at least 3, to train on, to calibrate and to judge, were {blocks}.")
    if times < blocks:
        raise ValueError(f"{times} windows in time make no {blocks} blocks: use a longer history or fewer blocks.")
    edges = [assets * (times * block // blocks) for block in range(blocks + 1)]
    return [jax.tree.map(lambda leaf, a=a, b=b: leaf[a:b], history) for a, b in pairwise(edges)]


def join_block(
    key: PRNGKey, history: LabelledHistory, *, decode: Decode, paths: int, points: int, clear_share: float
) -> Block:
    """Join the windows of a block by SLERP; its paths are the block's own."""
    windows = LatentWindows(*history.latent_windows)
    weights = history.labelled.weights
    shape = {"paths": paths, "points": points, "clear_share": clear_share}
    return Block(history.labelled, interpolate(key, windows, weights, decode=decode, **shape))


def cross_fit(
    key: PRNGKey,
    blocks: list[Block],
    simulated: Labelled,
    *,
    window_bars: int,
    steps: int,
    monotone_weight: float,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> CrossFitted:
    """Train a router without each block and judge the block by it.

    Of the other blocks the one after it in time (the first after the last) sets the temperature and is not trained on;
    nor are its paths.

    Args:
        key: parent of the streams used here.
        blocks: in order of time.
        simulated: windows that every router learns from beside the real ones.
        window_bars: returns in a window.
        steps: gradient steps of each router.
        monotone_weight: of the hinge.
        on_step: called with the step, counted over all routers, and its loss.
    """
    count = len(blocks)

    def fit(name: str, training: list[Block], calibration: Block, first_step: int):
        paths = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *(block.paths for block in training))
        everything = concatenate(*(block.windows for block in training), simulated, paths.windows())
        return train_router(
            stream(key, name),
            everything,
            calibration.windows,
            window_bars=window_bars,
            paths=paths,
            steps=steps,
            monotone_weight=monotone_weight,
            on_step=lambda step, loss: on_step(first_step + step, loss),
        )

    parts = []
    for held, block in enumerate(blocks):
        after = (held + 1) % count
        training = [other for place, other in enumerate(blocks) if place not in (held, after)]
        router = fit(f"block-{held}", training, blocks[after], held * steps).router
        parts.append(
            Held(
                router.probabilities(block.windows.inputs).probabilities,
                block.windows.weights,
                along(router, block.paths),
                router.probabilities(block.paths.inputs[:, 0]).probabilities,
                block.paths.weights,
                block.paths.end_family,
                router.temperature[None],
            )
        )
    final = fit("all", blocks[:-1], blocks[-1], count * steps)
    held = Held(*(jnp.asarray(np.concatenate(column)) for column in zip(*parts, strict=True)))
    return CrossFitted(held, final.router, final.losses)
