"""SEB+: the catalogue of scenario cells, their closed-form exams, and the reader of generated data sets."""

from .cell import Cell as Cell
from .cell import Family as Family
from .columns import column_names as column_names
from .columns import from_table as from_table
from .columns import to_table as to_table
from .law import AbstractLaw as AbstractLaw
from .law_arch import ConditionalHeteroskedastic as ConditionalHeteroskedastic
from .law_hawkes import DISPERSION_BARS as DISPERSION_BARS
from .law_hawkes import HawkesJumps as HawkesJumps
from .laws import LAWS as LAWS
from .laws import FractionalGaussian as FractionalGaussian
from .laws import MaxAutoregression as MaxAutoregression
from .laws import StudentTCopula as StudentTCopula
from .manifest import DATASET_MANIFEST as DATASET_MANIFEST
from .manifest import ScenarioError as ScenarioError
from .manifest import canonical as canonical
from .manifest import read_manifest as read_manifest
from .manifest import sealed as sealed
from .manifest import sha256 as sha256
from .reader import cells as cells
from .reader import chunks as chunks
from .reader import load as load
from .reader import read_dataset as read_dataset
from .severity import Severity as Severity
