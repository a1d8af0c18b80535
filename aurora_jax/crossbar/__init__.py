"""The crossbar index, its smoothing bar by bar, and the transitions it declares."""

from .crossbar import Crossbar as Crossbar
from .crossbar import CrossbarInfo as CrossbarInfo
from .crossbar import CrossbarState as CrossbarState
from .index import CrossbarIndex as CrossbarIndex
from .index import crossbar_index as crossbar_index
from .phases import Phase as Phase
from .phases import Trigger as Trigger
from .transition import Transition as Transition
from .transition import TransitionInfo as TransitionInfo
from .transition import TransitionState as TransitionState
from .trend import trend as trend
from .two_lengths import TwoLengths as TwoLengths
from .two_lengths import TwoLengthsState as TwoLengthsState
from .windows import TrailingFits as TrailingFits
