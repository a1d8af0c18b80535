"""The forecasters that practice would use, fitted on the training period and filtered through the rest."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize
import scipy.stats
from jaxtyping import Float

from ..timeseries import fit_garch_t
from .forecast_law import HistoricalForecast, StudentTForecast
from .garch_copula import filtered_variance

Returns = Float[np.ndarray, "bars assets"]
RISK_METRICS_DECAY = 0.94


def garch_t_forecast(returns: Returns, *, training_bars: int, first: int) -> StudentTForecast:
    r"""Forecast each asset by GARCH(1,1) with Student-t innovations, by maximum likelihood on the training bars.

    Args:
        returns: all log returns, oldest first.
        training_bars: first bars, which are fitted to.
        first: bar of the first forecast; all later ones follow.
    """
    fitted = np.asarray(jax.jit(jax.vmap(fit_garch_t))(jnp.asarray(returns[:training_bars].T, float)).parameters)
    variance = filtered_variance(fitted, returns, start_bars=training_bars)[:-1][first:]
    nu = np.broadcast_to(fitted[:, 4], variance.shape)
    mean = np.broadcast_to(fitted[:, 0], variance.shape)
    return StudentTForecast(mean, np.sqrt(variance * (nu - 2.0) / nu), nu)


def gjr_garch_t_forecast(returns: Returns, *, training_bars: int, first: int) -> StudentTForecast:
    r"""Forecast each asset by `arch`'s GJR-GARCH(1,1,1)-t, which lets a fall raise volatility more than a rise.

    Args: as `garch_t_forecast`.

    References:
        Glosten, Jagannathan and Runkle (1993), J. Finance 48(5), 1779-1801.
    """
    from arch import arch_model  # loads statsmodels: seconds that no other study needs

    unit = returns[:training_bars].std(axis=0)  # the optimiser of `arch` expects returns near 1
    columns = []
    for asset in range(returns.shape[1]):
        # Not `fit(last_obs=...)`: arch's starting values and bounds would see the bars after it.
        training, whole = (
            arch_model(part / unit[asset], vol="GARCH", p=1, o=1, q=1, dist="t", rescale=False)
            for part in (returns[:training_bars, asset], returns[:, asset])
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of convergence: the forecasts are judged, not the fit
            fitted = training.fit(disp="off")
            variance = np.asarray(whole.fix(fitted.params).conditional_volatility) ** 2
        columns.append((fitted.params["mu"], variance, fitted.params["nu"]))
    mean, nu = (np.asarray([column[place] for column in columns]) for place in (0, 2))
    variance = np.stack([column[1] for column in columns], axis=1)[first:]
    scale = unit * np.sqrt(variance * (nu - 2.0) / nu)
    return StudentTForecast(np.broadcast_to(mean * unit, scale.shape), scale, np.broadcast_to(nu, scale.shape))


def ewma_t_forecast(
    returns: Returns, *, training_bars: int, first: int, decay: float = RISK_METRICS_DECAY
) -> StudentTForecast:
    r"""Forecast each asset by exponentially weighted variance $h_{t+1} = a h_t + (1 - a) x_t^2$ and a t law around 0.

    Degrees of freedom and a factor of the scale are each asset's maximum likelihood on the training bars.

    Args:
        returns: all log returns, oldest first.
        training_bars: first bars, which are fitted to.
        first: bar of the first forecast.
        decay: a; RiskMetrics' by default.
    """
    variance = np.empty_like(returns)
    now = np.mean(returns[:training_bars] ** 2, axis=0)
    for bar, row in enumerate(returns):
        variance[bar] = now
        now = decay * now + (1.0 - decay) * row**2
    deviation = np.sqrt(np.maximum(variance, 1e-20))
    fitted = [
        _factor_and_freedom(returns[:training_bars, i] / deviation[:training_bars, i]) for i in range(returns.shape[1])
    ]
    factor, nu = np.asarray(fitted).T
    scale = factor * deviation[first:]
    return StudentTForecast(np.zeros_like(scale), scale, np.broadcast_to(nu, scale.shape))


def historical_forecast(returns: Returns, *, first: int, window_bars: int) -> HistoricalForecast:
    """Forecast by the empirical law of the last `window_bars` returns of each asset."""
    return HistoricalForecast(np.asarray(returns, float), first, window_bars)


def _factor_and_freedom(standard: Float[np.ndarray, " bars"]) -> tuple[float, float]:
    def loss(parameters):
        factor, nu = np.exp(parameters[0]), 2.05 + np.exp(parameters[1])
        return -np.mean(scipy.stats.t.logpdf(standard / factor, nu)) + parameters[0]

    found = scipy.optimize.minimize(
        loss, [0.0, np.log(4.0)], method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-9}
    )
    return float(np.exp(found.x[0])), float(2.05 + np.exp(found.x[1]))
