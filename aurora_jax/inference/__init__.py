"""Tests and scores by which forecasts of risk are judged."""

from .calibration_error import debiased_calibration_error as debiased_calibration_error
from .calibration_error import expected_calibration_error as expected_calibration_error
from .coverage import CoverageResult as CoverageResult
from .coverage import christoffersen as christoffersen
from .coverage import kupiec as kupiec
from .diebold_mariano import ForecastComparison as ForecastComparison
from .diebold_mariano import diebold_mariano as diebold_mariano
from .dynamic_quantile import DynamicQuantileResult as DynamicQuantileResult
from .dynamic_quantile import dynamic_quantile as dynamic_quantile
from .expected_shortfall import acerbi_szekely as acerbi_szekely
from .expected_shortfall import acerbi_szekely_conditional as acerbi_szekely_conditional
from .expected_shortfall import acerbi_szekely_statistic as acerbi_szekely_statistic
from .false_discovery import Discoveries as Discoveries
from .false_discovery import benjamini_yekutieli as benjamini_yekutieli
from .forecast_draws import forecast_draws as forecast_draws
from .forecast_scores import pinball_score as pinball_score
from .forecast_scores import sample_ranked_probability_score as sample_ranked_probability_score
from .forecast_scores import student_t_log_score as student_t_log_score
from .forecast_scores import student_t_ranked_probability_score as student_t_ranked_probability_score
from .joint_score import fz0_loss as fz0_loss
from .ranked_shortfall import acerbi_szekely_ranked as acerbi_szekely_ranked
from .simulated_null import SimulatedTest as SimulatedTest
from .traffic_light import TrafficLight as TrafficLight
from .traffic_light import Zone as Zone
from .traffic_light import traffic_light as traffic_light
