"""Backtest: what a stream of net returns was worth, against baselines, with intervals."""

from .baselines import buy_and_hold as buy_and_hold
from .baselines import equal_weight as equal_weight
from .bootstrap import ConfidenceInterval as ConfidenceInterval
from .bootstrap import bootstrap_interval as bootstrap_interval
from .bootstrap import expected_shortfall_interval as expected_shortfall_interval
from .bootstrap import sharpe_interval as sharpe_interval
from .drawdown import drawdowns as drawdowns
from .drawdown import equity_curve as equity_curve
from .performance import Performance as Performance
from .performance import performance as performance
from .same_volatility import SameVolatility as SameVolatility
from .same_volatility import same_volatility as same_volatility
from .tail import TailRisk as TailRisk
from .tail import tail_risk as tail_risk
