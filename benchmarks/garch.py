"""Batches of GARCH and ARMA fits against arch and statsmodels in a Python loop, on the same real windows."""

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

import arch
import arch.data.nasdaq
import arch.data.sp500
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from statsmodels.tsa.arima.model import ARIMA

from aurora_jax.timeseries import Fit, fit_arma, fit_garch, fit_garch_t

from .record import Contest, Timing, timed

WINDOWS, BARS = 1000, 512
ARCH_SAMPLE, STATSMODELS_SAMPLE = 50, 5  # a window takes statsmodels about ten times as long
AGREEMENT = 1e-4


def contests() -> Iterator[Contest]:
    """Fit a thousand overlapping windows of daily index returns in one call; the peers get a sample of them."""
    windows = real_windows(WINDOWS, BARS)
    target = "per window 30 x arch's speed"
    yield _contest("GARCH(1,1)", fit_garch, windows, "arch", _arch("normal"), ARCH_SAMPLE, target)
    yield _contest("GARCH(1,1)-t", fit_garch_t, windows, "arch", _arch("t"), ARCH_SAMPLE, target)
    ranged = np.log(np.abs(windows) + 0.1)
    yield _contest(
        "ARMA(1,1)", partial(fit_arma, order=(1, 1)), ranged, "statsmodels", _statsmodels, STATSMODELS_SAMPLE, ""
    )


def real_windows(count: int, bars: int) -> Float[np.ndarray, "windows bars"]:
    """Return windows of percentage log returns, half of the S&P 500's and half of the NASDAQ's, 1999-2018."""
    halves = []
    for source in (arch.data.sp500, arch.data.nasdaq):
        returns = 100.0 * np.diff(np.log(source.load()["Adj Close"].to_numpy()))
        starts = np.linspace(0, returns.size - bars, count // 2).astype(int)
        halves.append(np.stack([returns[start : start + bars] for start in starts]))
    return np.concatenate(halves)


def _contest(
    what: str,
    fit: Callable[..., Fit],
    windows: Float[np.ndarray, "windows bars"],
    name: str,
    peer_log_likelihood: Callable[[Float[np.ndarray, " bars"]], float],
    count: int,
    target: str,
) -> Contest:
    table = jnp.asarray(windows)
    ours = jax.jit(jax.vmap(fit))
    sample = windows[:: WINDOWS // count]
    theirs = np.zeros(count)

    def loop() -> Float[np.ndarray, " sample"]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs[:] = [peer_log_likelihood(window) for window in sample]
        return theirs

    looped = timed(loop, answer=lambda found: float(np.mean(np.asarray(found))), repeats=3)
    mine: Float[Array, " windows"] = ours(table).log_likelihood
    gap = np.asarray(mine)[:: WINDOWS // count] - theirs
    return Contest(
        what=f"{what}, {WINDOWS} windows of {BARS} bars",
        unit="fits",
        work=WINDOWS,
        ours=timed(
            lambda: ours(table).log_likelihood,
            answer=lambda found: float(np.mean(np.asarray(found)[:: WINDOWS // count])),
        ),
        peers={f"{name} in a loop": Timing(looped.seconds * WINDOWS / count, looped.answer, looped.spread)},
        target=target,
        note=(
            f"the peer's time is that of {count} windows, times {WINDOWS // count}; ours includes standard errors "
            "and BIC, the peer's does not; answers are mean log-likelihoods of those windows"
            + ("; statsmodels maximises the exact likelihood, ours is conditional" if name == "statsmodels" else "")
        ),
        extra={
            "share_of_windows_within_1e-4": float(np.mean(np.abs(gap) < AGREEMENT)),
            "share_of_windows_not_below_the_peer": float(np.mean(gap > -AGREEMENT)),
            "largest_gap": float(np.max(np.abs(gap))),
        },
    )


def _arch(law: Literal["normal", "t"]) -> Callable[[Float[np.ndarray, " bars"]], float]:
    def fit(window: Float[np.ndarray, " bars"]) -> float:
        return arch.arch_model(window, dist=law, rescale=False).fit(disp="off").loglikelihood

    return fit


def _statsmodels(window: Float[np.ndarray, " bars"]) -> float:
    return float(ARIMA(window, order=(1, 0, 1)).fit().llf)
