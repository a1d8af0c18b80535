"""The parameters whose prices are published."""

import numpy as np

from aurora_jax.stochastic.reference import Bates, Heston, RoughBergomi, RoughHeston

HESTON = {
    "initial_variance": 0.010201,
    "long_run_variance": 0.019,
    "reversion": 6.21,
    "volatility_of_variance": 0.61,
    "correlation": -0.70,
}
BATES = {
    "initial_variance": 0.008836,
    "long_run_variance": 0.014,
    "reversion": 3.99,
    "volatility_of_variance": 0.27,
    "correlation": -0.79,
}
JUMPS = {"intensity": 0.11, "mean_jump": -0.12, "jump_deviation": 0.15}
ROUGH_HESTON = {
    "initial_variance": 0.04,
    "long_run_variance": 0.04,
    "reversion": 0.3,
    "volatility_of_variance": 0.4,
    "correlation": -0.7,
    "hurst": 0.1,
}
ROUGH_BERGOMI = {
    "forward_variance": 0.235**2,
    "volatility_of_volatility": 1.9,
    "correlation": -0.9,
    "hurst": 0.07,
}
LOG_STRIKES = np.array([-0.1787, 0.0, 0.1041])


def heston(**changes):
    return Heston(**{"spot": 100.0, "rate": 0.0319, **HESTON, **changes})


def bates(**changes):
    return Bates(Heston(spot=100.0, rate=0.0319, **BATES), **{**JUMPS, **changes})


def rough_heston(**changes):
    return RoughHeston(**{"spot": 100.0, "rate": 0.03, **ROUGH_HESTON, **changes})


def rough_bergomi(**changes):
    return RoughBergomi(**{"spot": 1.0, "rate": 0.0, **ROUGH_BERGOMI, **changes})
