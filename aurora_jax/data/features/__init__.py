"""Features of a stream of bars, each an `init`/`step` pair; a batch is the scan of the step."""

from .bipower import BipowerRatio as BipowerRatio
from .bollinger import BollingerPosition as BollingerPosition
from .bollinger import BollingerWidth as BollingerWidth
from .catalogue import feature_by_name as feature_by_name
from .catalogue import feature_names as feature_names
from .drawdown import Drawdown as Drawdown
from .feature import AbstractFeature as AbstractFeature
from .feature import FeatureState as FeatureState
from .macd import Divergence as Divergence
from .macd import DivergenceSignal as DivergenceSignal
from .moments import Kurtosis as Kurtosis
from .moments import Skewness as Skewness
from .momentum import Momentum as Momentum
from .pipeline import FeaturePipeline as FeaturePipeline
from .pipeline import PipelineState as PipelineState
from .pipeline import batch_features as batch_features
from .ranges import AverageTrueRange as AverageTrueRange
from .ranges import ParkinsonVolatility as ParkinsonVolatility
from .ranges import Range as Range
from .relative_strength import RelativeStrength as RelativeStrength
from .returns import Return as Return
from .volatility import RealisedVolatility as RealisedVolatility
from .volume import Illiquidity as Illiquidity
from .volume import VolumeScore as VolumeScore
from .volume import WeightedPriceDistance as WeightedPriceDistance
