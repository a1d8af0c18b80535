"""The teacher: a neural fractional SDE with rough volatility and heavy jumps, fitted to real markets."""

from .ablation import Ablation as Ablation
from .fit import FitResult as FitResult
from .fit import fit as fit
from .fit import penalised_loss as penalised_loss
from .fit import teacher_data as teacher_data
from .likelihood import TeacherData as TeacherData
from .likelihood import log_likelihood as log_likelihood
from .measure_volatility import CrossSection as CrossSection
from .measure_volatility import VolatilityMeasure as VolatilityMeasure
from .measure_volatility import cross_sectional_log_volatility as cross_sectional_log_volatility
from .model import NFSDE as NFSDE
from .model import initial_model as initial_model
from .model import initial_state as initial_state
from .reference import reference_teacher as reference_teacher
from .shock import shocked as shocked
from .simulate import simulate as simulate
from .simulate import simulate_tilted as simulate_tilted
