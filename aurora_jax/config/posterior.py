"""Settings of the Bayesian calibration: `configs/posterior.yaml`."""

from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from .frozen import Frozen
from .repairs import RepairsConfig


class PosteriorMarketConfig(Frozen):
    """Which market is calibrated to.

    Attributes:
        source: name of packaged data, or a `.csv` or `.parquet` file of bars.
        assets: those to keep; None keeps all. Several are read by their cross-section and equal-weight return.
        start: first day, ISO; None starts with the data.
        bars_in_one: bars that are joined into one, e.g. 5 to make five minutes of one.
        maximum_gap_bars: longest run of bars that one asset of a file may lack.
        repairs: faults of a file that are mended instead of refused.
    """

    source: str
    assets: tuple[str, ...] | None = None
    start: str | None = None
    bars_in_one: PositiveInt = 1
    maximum_gap_bars: NonNegativeInt = 0
    repairs: RepairsConfig = RepairsConfig()


class JumpConfig(Frozen):
    """What is taken for a jump.

    Attributes:
        threshold_deviations: a bar is one if its return is larger than so many predicted deviations.
        half_life_bars: of the past in the predicted volatility.
        minimum_events: fewer are refused, as the posterior would be the prior.
    """

    threshold_deviations: PositiveFloat = 3.0
    half_life_bars: PositiveFloat = 20.0
    minimum_events: PositiveInt = 10


class BetaPrior(Frozen):
    """Beta law on (0, 1)."""

    first: PositiveFloat
    second: PositiveFloat


class LogNormalPrior(Frozen):
    """Law of a positive number whose logarithm is normal."""

    median: PositiveFloat
    log_deviation: PositiveFloat


class PriorsConfig(Frozen):
    """What is believed before the data; time is in bars, sizes in predicted deviations.

    Attributes:
        hurst: of log-volatility.
        volatility_of_volatility: deviation of the factor's change over one bar.
        error_scale: variance of the readings' error, relative to the one their measure promises.
        jump_intensity: jumps per bar in the long run.
        branching_ratio: jumps directly caused by one.
        decay: of the excitation, per bar.
        tail_index: xi of the excess over the threshold.
        tail_scale: of the excess over the threshold.
    """

    hurst: BetaPrior = BetaPrior(first=2.0, second=5.0)
    volatility_of_volatility: LogNormalPrior = LogNormalPrior(median=0.2, log_deviation=1.0)
    error_scale: LogNormalPrior = LogNormalPrior(median=1.0, log_deviation=0.1)
    jump_intensity: LogNormalPrior = LogNormalPrior(median=0.01, log_deviation=1.0)
    branching_ratio: BetaPrior = BetaPrior(first=2.0, second=2.0)
    decay: LogNormalPrior = LogNormalPrior(median=0.1, log_deviation=1.0)
    tail_index: BetaPrior = BetaPrior(first=2.0, second=4.0)
    tail_scale: LogNormalPrior = LogNormalPrior(median=1.0, log_deviation=0.75)


class SamplerConfig(Frozen):
    """How NUTS runs.

    Attributes:
        chains: at least 2, as convergence is judged by their agreement.
        warm_up: steps of each chain that adapt and are thrown away; twice as many in the one retry.
        draws: of each chain.
        target_acceptance: of the step size.
        r_hat_below: a run is converged if every parameter's R-hat is below.
    """

    chains: Annotated[int, Field(ge=2)] = 4
    warm_up: PositiveInt = 750
    draws: Annotated[int, Field(ge=4)] = 1000
    target_acceptance: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.9
    r_hat_below: Annotated[float, Field(gt=1.0)] = 1.01


class PosteriorConfig(Frozen):
    """Everything about a calibration but where it writes."""

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    market: PosteriorMarketConfig
    jumps: JumpConfig = JumpConfig()
    priors: PriorsConfig = PriorsConfig()
    sampler: SamplerConfig = SamplerConfig()
