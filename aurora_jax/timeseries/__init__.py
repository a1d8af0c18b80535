"""Linear families and GARCH fitted to one window by conditional likelihood; the caller vmaps a thousand."""

from .arma import fit_arma as fit_arma
from .autoregression import fit_ar as fit_ar
from .bic import BicWeights as BicWeights
from .bic import bic_weights as bic_weights
from .fit import INITIAL_VALUES as INITIAL_VALUES
from .fit import Fit as Fit
from .garch import fit_garch as fit_garch
from .garch import fit_garch_t as fit_garch_t
from .hannan_rissanen import HannanRissanen as HannanRissanen
from .hannan_rissanen import hannan_rissanen as hannan_rissanen
from .long_run_variance import long_run_variance as long_run_variance
