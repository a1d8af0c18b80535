"""The router: BIC labels, spherical interpolation, a calibrated classifier of regimes."""

from .augment import Decode as Decode
from .augment import LatentWindows as LatentWindows
from .augment import interpolate as interpolate
from .augment import monotonicity_violations as monotonicity_violations
from .evidence import EVIDENCE as EVIDENCE
from .evidence import Evidence as Evidence
from .evidence import evidence_of_windows as evidence_of_windows
from .evidence import window_evidence as window_evidence
from .families import FAMILIES as FAMILIES
from .families import draw_families as draw_families
from .families import family_weights as family_weights
from .known_laws import KnownWindows as KnownWindows
from .known_laws import bayes_family as bayes_family
from .known_laws import draw_known as draw_known
from .model import Judgement as Judgement
from .model import Router as Router
from .model import RouterNetwork as RouterNetwork
from .model import router_inputs as router_inputs
from .slerp import slerp as slerp
from .train import Labelled as Labelled
from .train import LabelledPaths as LabelledPaths
from .train import RouterResult as RouterResult
from .train import class_shares as class_shares
from .train import concatenate as concatenate
from .train import fit_temperature as fit_temperature
from .train import train_router as train_router
