"""The scale of the next return from volatility at several horizons: what a student starts from."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

_LOG_SCALE_BOUND = 2.0  # a scale stays within a factor of 7.4 of the trailing volatility
_READING_BOUND = 4.0
_VARIANCE_FLOOR = 1e-14  # of the squared returns before anything moved
HALF_LIVES_BARS = (1.5, 4.0, 30.0, 90.0, 250.0)
TREND_HALF_LIVES_BARS = (0.5, 1.5, 5.0, 20.0)


class ScaleState(NamedTuple):
    """Exponentially weighted squared returns, and standardised returns with their sign, each at several half-lives."""

    variances: Float[Array, "assets horizons"]
    trends: Float[Array, "assets spans"]


class ScaleLaw(eqx.Module):
    r"""Log scale of the next return, relative to the trailing volatility, linear in bounded readings.

    $$\log \frac{s_i}{v_i} = a + \sum_k b_k r_{ik} + \sum_k c_k \bar r_k, \qquad
      r_i = \Bigl(\log \frac{v_{ik}}{v_i},\; \log \frac{v_i}{v_{i0}},\; m_{ij}\Bigr)$$

    $v_i$ is the trailing volatility of asset i, $v_{ik}$ that of half-life k, $v_{i0}$ its base, $m_{ij}$ the trend of
    half-life j (a fall raises volatility more than a rise), and a bar is the mean over assets. All assets share the
    weights, so they serve any number of assets: a heterogeneous autoregression of log volatility with a common factor.

    Attributes:
        intercept: a.
        weights: b, then c.
        half_lives_bars: of the variances.
        trend_half_lives_bars: of the trends.

    References:
        Corsi (2009), J. Financial Econometrics 7(2), eq. 8 (horizons); Zumbach (2004), Quantitative Finance 4(1)
        (half-lives on a geometric scale).
    """

    intercept: Float[Array, ""]
    weights: Float[Array, " readings"]
    half_lives_bars: tuple[float, ...] = eqx.field(static=True, default=HALF_LIVES_BARS)
    trend_half_lives_bars: tuple[float, ...] = eqx.field(static=True, default=TREND_HALF_LIVES_BARS)

    def init(self, base_variance: Float[Array, " assets"]) -> ScaleState:
        """Start every horizon at the base variance, without a trend."""
        assets = base_variance.shape[0]
        variances = jnp.repeat(base_variance[:, None], len(self.half_lives_bars), axis=1)
        return ScaleState(variances, jnp.zeros((assets, len(self.trend_half_lives_bars)), base_variance.dtype))

    def step(
        self,
        state: ScaleState,
        returns: Float[Array, " assets"],
        standard: Float[Array, " assets"],
        observed: Bool[Array, " assets"] | None = None,
    ) -> ScaleState:
        """Take in returns, raw and in trailing standard deviations (bounded); an unobserved asset keeps its state."""
        kept = _decay(self.half_lives_bars, returns.dtype)
        variances = kept * state.variances + (1.0 - kept) * returns[:, None] ** 2
        kept = _decay(self.trend_half_lives_bars, returns.dtype)
        after = ScaleState(
            jnp.maximum(variances, _VARIANCE_FLOOR), kept * state.trends + (1.0 - kept) * standard[:, None]
        )
        if observed is None:
            return after
        return ScaleState(*(jnp.where(observed[:, None], new, old) for new, old in zip(after, state, strict=True)))

    def readings(
        self, state: ScaleState, variance: Float[Array, " assets"], base_variance: Float[Array, " assets"]
    ) -> Float[Array, "assets readings"]:
        """Return each asset's readings, then the mean over assets."""
        ratios = 0.5 * jnp.log(state.variances / variance[:, None])
        level = 0.5 * jnp.log(variance / base_variance)[:, None]
        own = jnp.clip(jnp.concatenate([ratios, level, state.trends], axis=1), -_READING_BOUND, _READING_BOUND)
        return jnp.concatenate([own, jnp.broadcast_to(jnp.mean(own, axis=0, keepdims=True), own.shape)], axis=1)

    def log_scale(
        self, state: ScaleState, variance: Float[Array, " assets"], base_variance: Float[Array, " assets"]
    ) -> Float[Array, " assets"]:
        """Return the log of the next return's scale in trailing standard deviations."""
        found = self.intercept + self.readings(state, variance, base_variance) @ self.weights
        return jnp.clip(found, -_LOG_SCALE_BOUND, _LOG_SCALE_BOUND)


def trailing_law() -> ScaleLaw:
    """Return the law that says nothing: the scale is the trailing volatility."""
    readings = 2 * (len(HALF_LIVES_BARS) + 1 + len(TREND_HALF_LIVES_BARS))
    return ScaleLaw(jnp.zeros((), float), jnp.zeros(readings, float))


def _decay(half_lives, dtype) -> Float[Array, "1 horizons"]:
    return 0.5 ** (1.0 / jnp.asarray(half_lives, dtype))[None, :]
