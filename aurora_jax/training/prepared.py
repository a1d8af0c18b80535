"""From a market to what the student reads: periods, features, normalisers, the scale law."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ..data import FeaturePipeline, MarketData, Split, Standardiser, batch_features, fit_standardiser
from ..student import ScaleFit, Trailing, fit_scale_law, fit_trailing
from .windows import Inputs, real_inputs


class Prepared(NamedTuple):
    """A stream cut into periods, with what was fitted on its training period alone.

    Attributes:
        periods: training, validation and test.
        pipeline: of the features.
        standardiser: of the features.
        trailing: moments of the training period, and the scale law.
        scale: how the law was fitted.
    """

    periods: Split
    pipeline: FeaturePipeline
    standardiser: Standardiser
    trailing: Trailing
    scale: ScaleFit

    def inputs(self, data: MarketData) -> Inputs:
        """Return `data` as the student sees it, in the units of the training period."""
        return real_inputs(data, self.pipeline, self.standardiser, self.trailing)


def prepare(periods: Split, features: tuple[str, ...], lender: Prepared | None = None) -> Prepared:
    """Fit standardisation, moments and scale law on the training period.

    Args:
        periods: of the stream.
        features: their names.
        lender: the stream that a student was trained on; one that it only serves borrows all but its own moments.
    """
    pipeline, training = FeaturePipeline(features), periods.train
    returns = jnp.asarray(training.log_returns())
    trailing = fit_trailing(returns)
    if lender is None:
        values = batch_features(pipeline, training.bars())
        standardiser = fit_standardiser(np.asarray(values)[pipeline.warm_up_bars :])
        observed = jnp.asarray(~training.imputed[1:]) if training.imputed.any() else None
        scale = fit_scale_law(trailing, returns, observed)
    else:
        standardiser, scale = lender.standardiser, lender.scale
    return Prepared(periods, pipeline, standardiser, eqx.tree_at(lambda tree: tree.law, trailing, scale.law), scale)
