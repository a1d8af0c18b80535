"""Bayesian calibration of roughness, jumps and tails, which the catalogue's cells are drawn from."""

from .market import join_bars as join_bars
from .market import observe_market as observe_market
from .observations import Observations as Observations
from .observations import observe as observe
from .posterior import QUANTILES as QUANTILES
from .posterior import Convergence as Convergence
from .posterior import Marginal as Marginal
from .posterior import Posterior as Posterior
from .predictive import PredictiveCheck as PredictiveCheck
from .predictive import predictive_check as predictive_check
from .priors import CALIBRATED as CALIBRATED
from .priors import PARAMETERS as PARAMETERS
from .priors import prior_laws as prior_laws
from .ranks import RANK_DRAWS as RANK_DRAWS
from .ranks import Replication as Replication
from .ranks import Uniformity as Uniformity
from .ranks import replicate as replicate
from .ranks import uniformity as uniformity
from .sample import Calibration as Calibration
from .severity import CellPrior as CellPrior
from .severity import cell_priors as cell_priors
from .severity import severities as severities
from .simulate import simulate_event_bars as simulate_event_bars
from .simulate import simulate_observations as simulate_observations
