"""Market data: packaged, from files, checked; features; standardisation; splits."""

from .errors import DataError as DataError
from .features import AbstractFeature as AbstractFeature
from .features import FeaturePipeline as FeaturePipeline
from .features import FeatureState as FeatureState
from .features import PipelineState as PipelineState
from .features import batch_features as batch_features
from .features import feature_by_name as feature_by_name
from .features import feature_names as feature_names
from .frame import to_frame as to_frame
from .market_data import MarketData as MarketData
from .outliers import corporate_action_flags as corporate_action_flags
from .outliers import outlier_flags as outlier_flags
from .packaged import load_packaged as load_packaged
from .repairs import Repairs as Repairs
from .split import Split as Split
from .split import require_bars as require_bars
from .split import split as split
from .standardise import CLIPPING_BOUND as CLIPPING_BOUND
from .standardise import Standardiser as Standardiser
from .standardise import fit_standardiser as fit_standardiser
from .table import read_table as read_table
from .time_grid import ensure_time_grid as ensure_time_grid
from .validate import validate as validate
from .whole_file import replacing as replacing
from .whole_file import write_bytes_whole as write_bytes_whole
from .windows import windows as windows
