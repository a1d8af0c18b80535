"""Held-out comparison of the teacher with simpler markets."""

from .compare import Comparison as Comparison
from .compare import Distance as Distance
from .compare import compare as compare
from .compare import nearer as nearer
from .garch_copula import GarchCopula as GarchCopula
from .garch_copula import fit_garch_copula as fit_garch_copula
from .gaussian import GaussianMarket as GaussianMarket
from .gaussian import fit_gaussian as fit_gaussian
from .invariant_table import InvariantRow as InvariantRow
from .invariant_table import invariant_table as invariant_table
from .rival import AbstractMarketModel as AbstractMarketModel
from .rival import HeldOut as HeldOut
from .rival import held_out_windows as held_out_windows
from .taught import TaughtMarket as TaughtMarket
