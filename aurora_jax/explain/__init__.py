"""What-if: a teacher's market under a shock, beside the same market without it. Attribution: what drives a forecast."""

from .attribution import Attribution as Attribution
from .attribution import attribute as attribute
from .forecaster import OUTPUTS as OUTPUTS
from .integrated_gradients import Integrated as Integrated
from .integrated_gradients import integrated_gradients as integrated_gradients
from .kappa_drivers import Evidence as Evidence
from .kappa_drivers import KappaDrivers as KappaDrivers
from .kappa_drivers import evidence_of as evidence_of
from .kappa_drivers import kappa_drivers as kappa_drivers
from .portfolio import RobustWeights as RobustWeights
from .shock import Shock as Shock
from .start import Start as Start
from .start import start_from as start_from
from .tail import TailRisk as TailRisk
from .tail import tail_risk as tail_risk
from .what_if import WhatIf as WhatIf
from .what_if import what_if as what_if
