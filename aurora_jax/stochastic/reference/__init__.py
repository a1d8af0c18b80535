"""Reference models of mathematical finance: their published prices prove the noise and jumps they are made of."""

from .bates import Bates as Bates
from .black import black_call as black_call
from .black import implied_volatility as implied_volatility
from .heston import Heston as Heston
from .monte_carlo import CallPrices as CallPrices
from .monte_carlo import call_prices as call_prices
from .rough_bergomi import RoughBergomi as RoughBergomi
from .rough_heston import RoughHeston as RoughHeston
from .stochastic_volatility import AbstractStochasticVolatility as AbstractStochasticVolatility
from .stochastic_volatility import ConditionalLaw as ConditionalLaw
from .stochastic_volatility import Drive as Drive
from .stochastic_volatility import PricePath as PricePath
