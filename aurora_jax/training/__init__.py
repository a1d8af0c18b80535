"""Training: from real history to a fitted teacher, a distilled student and a calibrated router."""

from .labels import BlockLabels as BlockLabels
from .labels import label_blocks as label_blocks
from .route import LabelledHistory as LabelledHistory
from .route import RoutedRouter as RoutedRouter
from .route import decoder as decoder
from .route import label_history as label_history
from .route import label_paths as label_paths
from .route import route as route
from .teach import TaughtTeacher as TaughtTeacher
from .teach import teach as teach
from .windows import Inputs as Inputs
from .windows import close_bars as close_bars
from .windows import cut as cut
from .windows import last_bars as last_bars
from .windows import path_inputs as path_inputs
from .windows import real_inputs as real_inputs
