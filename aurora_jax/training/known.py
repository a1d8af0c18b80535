"""Simulated windows as the router sees them: those of known families, and a teacher's."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..core import PRNGKey, stream
from ..data import FeaturePipeline, Standardiser
from ..router import FAMILIES, Labelled, draw_known
from ..student import DSSM, Trailing
from ..teacher import NFSDE
from .route import label_paths
from .teacher_batch import teacher_batch
from .windows import path_inputs

_SCALE = 0.01  # a daily return's; features and router do not mind


class LabelledKnown(NamedTuple):
    """Windows of known families.

    Attributes:
        labelled: the router's inputs and the BIC weights.
        windows: the returns of the windows alone, with unit innovations.
        family: the truth.
    """

    labelled: Labelled
    windows: Float[np.ndarray, "windows bars"]
    family: Int[Array, " windows"]


def label_known(
    key: PRNGKey,
    network: DSSM,
    pipeline: FeaturePipeline,
    standardiser: Standardiser,
    *,
    windows: int,
    window_bars: int,
) -> LabelledKnown:
    """Draw as many windows of each family, each a market of one asset with what its features need before it."""
    known = draw_known(key, windows=windows, bars=pipeline.warm_up_bars + window_bars)
    log_price = jnp.pad(_SCALE * jnp.cumsum(known.returns, axis=1), ((0, 0), (1, 0)))[:, :, None]
    alone = Trailing(jnp.eye(1), jnp.full(1, _SCALE**2))
    features = path_inputs(log_price, pipeline, standardiser, alone).features
    labelled = label_paths(network, features, log_price, window_bars=window_bars)
    return LabelledKnown(labelled, np.asarray(known.returns)[:, -window_bars:], known.family)


def label_teacher(
    key: PRNGKey,
    teacher: NFSDE,
    network: DSSM,
    pipeline: FeaturePipeline,
    standardiser: Standardiser,
    trailing: Trailing,
    *,
    paths: int,
    window_bars: int,
) -> Labelled:
    """Let a teacher simulate windows of one regime each, all regimes alike often, and label them."""
    needed = pipeline.warm_up_bars + window_bars
    shares = jnp.full(len(FAMILIES), 1.0 / len(FAMILIES))
    batch = teacher_batch(teacher, stream(key, "teacher"), shares, paths=paths, blocks=1, block_bars=needed)
    log_price = jnp.pad(jnp.cumsum(jnp.asarray(batch.returns, float), axis=1), ((0, 0), (1, 0), (0, 0)))
    features = path_inputs(log_price, pipeline, standardiser, trailing).features
    return label_paths(network, features, log_price, window_bars=window_bars)
