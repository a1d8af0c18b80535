"""What-if: a teacher's market under a shock, beside the same market without it."""

from .portfolio import RobustWeights as RobustWeights
from .shock import Shock as Shock
from .start import Start as Start
from .start import start_from as start_from
from .tail import TailRisk as TailRisk
from .tail import tail_risk as tail_risk
from .what_if import WhatIf as WhatIf
from .what_if import what_if as what_if
