"""How well emitted coverage has kept its promise: the BCC."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Number


class CoverageState(NamedTuple):
    """Ring buffer of settled intervals: covered or not, and how many were ever settled."""

    covered: Bool[Array, " window"]
    count: Int[Array, ""]


class CoverageInfo(NamedTuple):
    """Trailing coverage, the BCC computed from it, and how many bars support them."""

    coverage: Float[Array, ""]
    bcc: Float[Array, ""]
    bars: Int[Array, ""]


class CoverageCalibration(eqx.Module):
    r"""How well emitted coverage has kept its promise over the last W bars.

    $$\mathrm{BCC}(W) = 1 - \min(1, |\mathrm{coverage}_W - (1 - \alpha)| / \alpha)$$

    Over fewer than W bars, the coverage so far is used: a start without misses scores 0, until enough bars show
    that it is not mere width.
    """

    miscoverage: Number = 0.1
    window_bars: int = eqx.field(static=True, default=250)

    def __check_init__(self):
        if self.window_bars < 1:
            raise ValueError(f"window_bars must be at least 1, was {self.window_bars}.")

    def init(self) -> CoverageState:
        """Start with nothing settled."""
        return CoverageState(jnp.zeros(self.window_bars, bool), jnp.zeros((), int))

    def step(self, state: CoverageState, covered: bool | Bool[Array, ""]) -> tuple[CoverageState, CoverageInfo]:
        """Add one settled interval, dropping the oldest when the window is full."""
        ring = state.covered.at[state.count % self.window_bars].set(covered)
        after = CoverageState(ring, state.count + 1)
        return after, self.measure(after)

    def measure(self, state: CoverageState) -> CoverageInfo:
        """Score the record as it stands; nothing settled yet is no evidence of calibration: coverage and BCC are 0."""
        bars = jnp.minimum(state.count, self.window_bars)
        held = jnp.arange(self.window_bars) < bars
        coverage = jnp.sum(state.covered & held).astype(float) / jnp.maximum(bars, 1).astype(float)
        bcc = 1.0 - jnp.minimum(1.0, jnp.abs(coverage - (1.0 - self.miscoverage)) / self.miscoverage)
        return CoverageInfo(coverage, jnp.where(bars > 0, bcc, 0.0), bars)
