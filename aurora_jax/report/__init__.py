"""Report: figures, and one HTML page that shows them with the numbers that matter."""

from .content import Fan as Fan
from .content import HeadlineRow as HeadlineRow
from .content import LossCurve as LossCurve
from .content import ReportContent as ReportContent
from .content import RouterReport as RouterReport
from .content import StreamReport as StreamReport
from .dataset_page import dataset_page as dataset_page
from .decisions import decision_figure as decision_figure
from .equity import equity_figure as equity_figure
from .fan import fan_figure as fan_figure
from .image import picture as picture
from .invariants import invariant_figure as invariant_figure
from .kappa import kappa_figure as kappa_figure
from .losses import loss_figure as loss_figure
from .prices import close_up_figure as close_up_figure
from .prices import price_figure as price_figure
from .regimes import regime_figure as regime_figure
from .reliability import reliability_figure as reliability_figure
from .study import distances_figure as distances_figure
from .study import invariants_figure as invariants_figure
from .study import memory_figure as memory_figure
from .study import quantile_figure as quantile_figure
from .training import regimes_figure as regimes_figure
from .training import training_figure as training_figure
from .weights import weight_figure as weight_figure
from .write import write_report as write_report
