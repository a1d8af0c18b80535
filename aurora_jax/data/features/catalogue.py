"""All features by name, and which of them a stream's columns allow."""

import difflib

from aurora_jax.core import Columns

from .bipower import BipowerRatio
from .bollinger import BollingerPosition, BollingerWidth
from .drawdown import Drawdown
from .feature import AbstractFeature
from .macd import Divergence, DivergenceSignal
from .moments import Kurtosis, Skewness
from .momentum import Momentum
from .ranges import AverageTrueRange, ParkinsonVolatility, Range
from .relative_strength import RelativeStrength
from .returns import Return
from .volatility import RealisedVolatility
from .volume import Illiquidity, VolumeScore, WeightedPriceDistance

_FEATURES: tuple[AbstractFeature, ...] = (
    Return(1),
    Return(5),
    Return(21),
    RealisedVolatility(10),
    RealisedVolatility(63),
    BipowerRatio(),
    Momentum(),
    RelativeStrength(),
    Divergence(),
    DivergenceSignal(),
    BollingerWidth(),
    BollingerPosition(),
    Drawdown(),
    Skewness(),
    Kurtosis(),
    AverageTrueRange(),
    ParkinsonVolatility(),
    Range(),
    VolumeScore(),
    Illiquidity(),
    WeightedPriceDistance(),
)
_BY_NAME = {feature.name: feature for feature in _FEATURES}


def feature_names(columns: Columns) -> tuple[str, ...]:
    """Return the names of all features that a stream with these columns can have."""
    return tuple(name for name, feature in _BY_NAME.items() if not feature.absent_columns(columns))


def feature_by_name(name: str) -> AbstractFeature:
    """Return the feature of that name.

    Raises:
        ValueError: if there is none; names the nearest.
    """
    if name not in _BY_NAME:
        nearest = difflib.get_close_matches(name, _BY_NAME, n=1, cutoff=0.0)[0]
        raise ValueError(f"no feature {name!r}; did you mean {nearest!r}? There are {', '.join(_BY_NAME)}.")
    return _BY_NAME[name]
