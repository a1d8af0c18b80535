"""The units that a trained teacher's volatility is in, to be kept with it."""

import jax.numpy as jnp

from ..data import MarketData
from ..engine import Units
from ..teacher import cross_sectional_log_volatility
from .teacher_set import read_volatility


def units_of(training: MarketData, *, ranges: bool = True) -> Units:
    """Return what readings of volatility are relative to for a teacher trained on this period.

    Of one asset whose bars have a range, those of its returns come along, for a history that has closes alone.

    Args:
        training: the period.
        ranges: False for a teacher that was trained on returns whatever the bars have, as `teach` does.
    """
    cross_section = cross_sectional_log_volatility(jnp.asarray(training.log_returns(), jnp.float32)).cross_section
    assert cross_section is not None  # taken from the returns just above
    return Units(training.assets, cross_section, read_volatility(training).reference_variance if ranges else None)
