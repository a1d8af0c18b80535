"""Noise and jumps: fractional, multifractional and Volterra noise, Lévy increments, Hawkes events."""

from .causal import causal_factor as causal_factor
from .causal import causal_fractional_noise as causal_fractional_noise
from .compound_poisson import CompoundPoisson as CompoundPoisson
from .covariance import fractional_covariance as fractional_covariance
from .fractional import fractional_gaussian_noise as fractional_gaussian_noise
from .hawkes import Hawkes as Hawkes
from .hawkes import HawkesEvents as HawkesEvents
from .levy_process import AbstractLevyProcess as AbstractLevyProcess
from .marks import AbstractMarks as AbstractMarks
from .marks import DoubleExponentialMarks as DoubleExponentialMarks
from .marks import GaussianMarks as GaussianMarks
from .marks import ParetoMarks as ParetoMarks
from .marks import StudentTMarks as StudentTMarks
from .multifractional import multifractional_clipped_mass as multifractional_clipped_mass
from .multifractional import multifractional_gaussian_noise as multifractional_gaussian_noise
from .normal_inverse_gaussian import NormalInverseGaussian as NormalInverseGaussian
from .variance_gamma import VarianceGamma as VarianceGamma
from .volterra import volterra_noise as volterra_noise
