"""Linear families and GARCH fitted to one window by conditional likelihood; the caller vmaps a thousand."""

from .arma import fit_arma as fit_arma
from .autoregression import fit_ar as fit_ar
from .bic import BicWeights as BicWeights
from .bic import bic_weights as bic_weights
from .fit import INITIAL_VALUES as INITIAL_VALUES
from .fit import Fit as Fit
from .from_sums import Autoregression as Autoregression
from .from_sums import ar_from_sums as ar_from_sums
from .from_sums import hannan_rissanen_from_sums as hannan_rissanen_from_sums
from .garch import fit_garch as fit_garch
from .garch import fit_garch_t as fit_garch_t
from .hannan_rissanen import HannanRissanen as HannanRissanen
from .hannan_rissanen import default_long_order as default_long_order
from .hannan_rissanen import hannan_rissanen as hannan_rissanen
from .long_run_variance import long_run_variance as long_run_variance
from .sliding_products import LaggedSums as LaggedSums
from .sliding_products import SlidingProducts as SlidingProducts
from .sliding_products import SlidingProductsState as SlidingProductsState
