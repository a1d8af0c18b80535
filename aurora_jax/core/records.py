"""Records through which packages that never import each other meet."""

from typing import NamedTuple

from jaxtyping import Array, Bool, Float, Int


class Estimate(NamedTuple):
    """A number with its standard error and an `Outcome` code; value is NaN only where outcome says why."""

    value: Float[Array, "*batch"]
    standard_error: Float[Array, "*batch"]
    outcome: Int[Array, "*batch"]


class Invariants(NamedTuple):
    """What a synthetic market must share with the real one, I = {H, xi, theta_e, lambda_U}, each an `Estimate`."""

    hurst: Estimate
    tail_index: Estimate
    extremal_index: Estimate
    tail_dependence: Estimate


class TestResult(NamedTuple):
    """A test's statistic and the probability, under its null, of one at least as extreme."""

    __test__ = False  # not a pytest class

    statistic: Float[Array, "*batch"]
    p_value: Float[Array, "*batch"]


class Trajectories(NamedTuple):
    """Simulated paths: log prices, log-volatility factors and the regime that drove each step.

    Attributes:
        times: bar times in the unit of the model's parameters (bars by default).
        log_price: logarithm of the price of each asset.
        log_volatility: each volatility factor.
        regime: `Regime` code that drove the step ending at times[1:].
        jumps: number of jumps in that step.
        overflowed: True where a step had more jumps than places for them; None where that cannot be.
    """

    times: Float[Array, "*batch points"]
    log_price: Float[Array, "*batch points assets"]
    log_volatility: Float[Array, "*batch points factors"]
    regime: Int[Array, "*batch steps"]
    jumps: Int[Array, "*batch steps"]
    overflowed: Bool[Array, "*batch"] | None = None


class TeacherBatch(NamedTuple):
    """What the student may know of the teacher: log returns, the regimes behind them, the latent state.

    Attributes:
        returns: log returns per bar.
        regime: `Regime` code per bar.
        latent_mean: the teacher's latent state (log-volatility factors) per bar.
        latent_covariance: its covariance, 0 where the state is known exactly (simulated windows).
    """

    returns: Float[Array, "paths steps assets"]
    regime: Int[Array, "paths steps"]
    latent_mean: Float[Array, "paths steps factors"]
    latent_covariance: Float[Array, "paths steps factors factors"]


class Forecast(NamedTuple):
    """Distribution of the next bar's log return: multivariate Student-t with one shared mixing variable.

    Attributes:
        mean: location per asset.
        scale: Student-t scale per asset (not the standard deviation).
        degrees_of_freedom: shared by all assets, > 2.
        quantiles: at 5, 25, 50, 75 and 95 %, per asset.
        correlation: correlation matrix of the elliptical shape.
    """

    mean: Float[Array, "*batch assets"]
    scale: Float[Array, "*batch assets"]
    degrees_of_freedom: Float[Array, "*batch"]
    quantiles: Float[Array, "*batch assets 5"]
    correlation: Float[Array, "*batch assets assets"]


class Interval(NamedTuple):
    """A conformal interval; `saturated` where the controller asked for more than was emitted."""

    lower: Float[Array, "*batch"]
    upper: Float[Array, "*batch"]
    miscoverage: Float[Array, "*batch"]
    saturated: Array


class Allocation(NamedTuple):
    """Portfolio weights with the certificate of their own optimality.

    Attributes:
        weights: fractions of capital, summing to 1.
        var: value at risk of the weights under the scenarios, at the tail probability asked for.
        es: expected shortfall under the scenarios.
        worst_case_es: expected shortfall at the worst law in the Wasserstein ball.
        duality_gap: primal minus dual objective on the full problem, >= 0 up to rounding.
        outcome: `Outcome` code; where it is not OK the weights are the previous ones.
    """

    weights: Float[Array, "*batch assets"]
    var: Float[Array, "*batch"]
    es: Float[Array, "*batch"]
    worst_case_es: Float[Array, "*batch"]
    duality_gap: Float[Array, "*batch"]
    outcome: Int[Array, "*batch"]
