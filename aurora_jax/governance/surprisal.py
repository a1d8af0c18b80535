"""Surprisal v2: how far outcomes fall from their forecasts, robustly, bar by bar and in the trailing tail."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from aurora_jax.core import Number, SortedWindow

from .rolling_quantile import RollingQuantile
from .settings import require_within, threshold


class SurprisalInfo(NamedTuple):
    """The surprisal of one bar and the trailing quantile that the guard watches."""

    surprisal: Float[Array, ""]
    p95: Float[Array, ""]


class Surprisal(eqx.Module):
    r"""Robust, winsorised surprisal of a standardised residual.

    $$s = \min\bigl(\log(1 + 3 h_\delta(r / \sigma)),\ s_{\max}\bigr), \qquad
    h_\delta(z) = \begin{cases} z^2 / 2 & |z| \le \delta \\ \delta (|z| - \delta / 2) & |z| > \delta \end{cases}$$

    with $\sigma$ the forecast's scale, not below `scale_floor`. $|z|$ = 1, 2, 4 gives .92, 1.85, 2.67 at the
    default $\delta$ = 1.345.

    Attributes:
        window_bars: bars over which the quantile is taken.
        warm_up_bars: the quantile reads 0 until so many bars were seen.
        huber_threshold: delta, in units of the scale.
        winsor_max: s_max; also what a residual that is not finite counts as.
        scale_floor: smallest scale divided by, in the residual's unit.
        probability: of the trailing quantile.

    References:
        Huber (1964), Ann. Math. Stat. 35(1), 73-101, for h and its threshold.
    """

    window_bars: int = eqx.field(static=True)
    warm_up_bars: int = eqx.field(static=True, default=20)
    huber_threshold: Float[Array, ""] = eqx.field(converter=threshold, default=1.345)
    winsor_max: Float[Array, ""] = eqx.field(converter=threshold, default=6.0)
    scale_floor: Float[Array, ""] = eqx.field(converter=threshold, default=1e-12)
    probability: Float[Array, ""] = eqx.field(converter=threshold, default=0.95)

    def __check_init__(self):
        require_within(1e-6, 1e6, huber_threshold=self.huber_threshold, winsor_max=self.winsor_max)
        require_within(1e-300, 1e300, scale_floor=self.scale_floor)
        self._window()  # refuses a bad window or probability

    def _window(self) -> RollingQuantile:
        return RollingQuantile(self.window_bars, self.probability, self.warm_up_bars)

    def init(self) -> SortedWindow:
        """Return an empty window."""
        return self._window().init()

    def surprisal(self, residual: Number, scale: Number) -> Float[Array, ""]:
        """Return the surprisal of one residual, in [0, winsor_max]; never NaN."""
        sigma = jnp.maximum(jnp.asarray(scale, float), self.scale_floor)
        z = jnp.abs(jnp.asarray(residual, float)) / sigma
        delta = self.huber_threshold
        # The square is taken of the clipped z, so that a huge one does not overflow in the branch not used.
        huber = jnp.where(z <= delta, 0.5 * jnp.minimum(z, delta) ** 2, delta * (z - 0.5 * delta))
        raw = jnp.log1p(3.0 * huber)
        return jnp.where(jnp.isfinite(raw), jnp.minimum(raw, self.winsor_max), self.winsor_max)

    def step(
        self, state: SortedWindow, residual: Number, scale: Number, *, observed: bool | Bool[Array, ""] = True
    ) -> tuple[SortedWindow, SurprisalInfo]:
        """Settle one forecast.

        Args:
            state: the window.
            residual: outcome minus forecast.
            scale: the forecast's scale, in the same unit.
            observed: False if there is nothing to settle (first bar, imputed bar): surprisal 0, window unchanged.
        """
        surprisal = jnp.where(observed, self.surprisal(residual, scale), 0.0)
        state, p95 = self._window().step(state, surprisal, observed=observed)
        return state, SurprisalInfo(surprisal, p95)
