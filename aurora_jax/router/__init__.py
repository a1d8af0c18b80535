"""The router: BIC labels, spherical interpolation, a calibrated classifier of regimes."""

from .augment import Decode as Decode
from .augment import Interpolated as Interpolated
from .augment import LatentWindows as LatentWindows
from .augment import interpolate as interpolate
from .augment import monotonicity_violations as monotonicity_violations
from .families import FAMILIES as FAMILIES
from .families import family_weights as family_weights
from .model import Router as Router
from .model import RouterNetwork as RouterNetwork
from .slerp import slerp as slerp
from .train import Labelled as Labelled
from .train import RouterResult as RouterResult
from .train import class_shares as class_shares
from .train import concatenate as concatenate
from .train import fit_temperature as fit_temperature
from .train import train_router as train_router
