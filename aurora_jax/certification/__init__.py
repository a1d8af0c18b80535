"""Certification: arrays in, certificate out."""

from .adaptive_conformal import AdaptiveConformal as AdaptiveConformal
from .adaptive_conformal import ConformalInfo as ConformalInfo
from .adaptive_conformal import ConformalState as ConformalState
from .adaptive_conformal import Emission as Emission
from .certificate import Certificate as Certificate
from .certificate import certify as certify
from .coverage_calibration import CoverageCalibration as CoverageCalibration
from .coverage_calibration import CoverageInfo as CoverageInfo
from .coverage_calibration import CoverageState as CoverageState
from .dro_es import dro_es as dro_es
from .kappa_score import KappaParts as KappaParts
from .kappa_score import kappa as kappa
from .kappa_score import kappa_plus as kappa_plus
from .split_conformal import conformal_rank as conformal_rank
from .split_conformal import split_quantile as split_quantile
from .uncertainty import ForecastUncertainty as ForecastUncertainty
from .uncertainty import WidthState as WidthState
from .uncertainty import model_uncertainty as model_uncertainty
from .uncertainty import state_uncertainty as state_uncertainty
