"""The student: a deep state-space model, trained on windows and served one bar at a time."""

from .fit_scale import ScaleFit as ScaleFit
from .fit_scale import fit_scale_law as fit_scale_law
from .generate import decode as decode
from .generate import generate as generate
from .generate import shocks as shocks
from .loss import LossParts as LossParts
from .loss import Windows as Windows
from .loss import filter_window as filter_window
from .loss import standardise_returns as standardise_returns
from .loss import student_loss as student_loss
from .model import DSSM as DSSM
from .model import Gaussian as Gaussian
from .online import QUANTILES as QUANTILES
from .online import Student as Student
from .online import StudentInfo as StudentInfo
from .online import StudentState as StudentState
from .online import bind as bind
from .scale_law import ScaleLaw as ScaleLaw
from .scale_law import ScaleState as ScaleState
from .scale_law import trailing_law as trailing_law
from .trailing import Trailing as Trailing
from .trailing import TrailingState as TrailingState
from .trailing import fit_trailing as fit_trailing
from .train import TrainResult as TrainResult
from .train import train as train
