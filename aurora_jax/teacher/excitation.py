"""Self-excitation: each jump makes the next one likelier for a while."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..core import Number
from ..stochastic import next_event
from .regime_map import bounded, inverse_softplus, unbounded

_BRANCHING_MAX = 0.98  # spectral radius below 1 by construction
_BASELINE_MIN = 1e-12  # per bar: a waiting time needs a rate, and this one is never met


class SelfExcitation(eqx.Module):
    r"""An exponential Hawkes kernel $n \beta e^{-\beta s}$ added to the intensity by each jump.

    The branching ratio n lies in (0, 0.98), so that clusters die out; $\beta$ is in 1/bar.
    """

    raw_branching_ratio: Float[Array, ""]
    raw_decay: Float[Array, ""]

    @property
    def branching_ratio(self) -> Float[Array, ""]:
        """Return n, the expected direct offspring of a jump."""
        return bounded(self.raw_branching_ratio, 0.0, _BRANCHING_MAX)

    @property
    def decay(self) -> Float[Array, ""]:
        """Return beta per bar."""
        return 1e-3 + jnp.logaddexp(self.raw_decay, 0.0)


class StepJumps(NamedTuple):
    """What happened in one step.

    Attributes:
        count: number of jumps.
        expected: the intensity integrated over the step along this path; count less this is a martingale increment.
        excess: excitation at the end of the step, per bar.
        overflowed: True where all places were used, so that later jumps of the step are lost.
    """

    count: Int[Array, ""]
    expected: Float[Array, ""]
    excess: Float[Array, ""]
    overflowed: Bool[Array, ""]


def self_excitation(*, branching_ratio: float, decay: float, dtype) -> SelfExcitation:
    """Start at the values given.

    Raises:
        ValueError: if one leaves its range; names the value.
    """
    if not 0.0 < branching_ratio < _BRANCHING_MAX:
        raise ValueError(f"branching_ratio must lie in (0, {_BRANCHING_MAX}), was {branching_ratio}.")
    if not decay > 1e-3:
        raise ValueError(f"decay must exceed 0.001 per bar, was {decay}.")
    return SelfExcitation(
        unbounded(jnp.asarray(branching_ratio, dtype), 0.0, _BRANCHING_MAX),
        inverse_softplus(jnp.asarray(decay - 1e-3, dtype)),
    )


def jumps_in_step(
    uniforms: Float[Array, "places 2"],
    *,
    baseline: Float[Array, ""],
    excess: Float[Array, ""],
    branching_ratio: Number,
    decay: Number,
    step_size: float,
) -> StepJumps:
    r"""Let jumps happen in one step with intensity $\lambda(s) = a + x(s)$, x decaying and fed by each jump.

    The baseline a, which may depend on the state, is held at its value at the start of the step; given that, event
    times are exact: the next one is found by inverting the integrated intensity, so there is no bound to choose and
    no draw to throw away, as thinning would need.

    Args:
        uniforms: in [0, 1), two for each jump that the step has a place for.
        baseline: a >= 0 per bar.
        excess: x >= 0 at the start of the step, per bar.
        branching_ratio: n.
        decay: beta per bar.
        step_size: h bars.

    References:
        Dassios and Zhao (2013), Electron. Commun. Probab. 18(62), Algorithm 3.1.
    """
    dtype = uniforms.dtype
    baseline = jnp.maximum(baseline, _BASELINE_MIN)
    height = jnp.asarray(branching_ratio * decay, dtype)
    elapsed, current = jnp.zeros((), dtype), excess
    running, count = jnp.asarray(True), jnp.zeros((), int)
    for first, second in uniforms:  # few places: unrolled, and fused by the compiler
        wait, left = next_event(first, second, excess=current, baseline=baseline, decay=jnp.asarray(decay, dtype))
        running = running & (elapsed + wait < step_size)
        elapsed = jnp.where(running, elapsed + wait, elapsed)
        current = jnp.where(running, current * left + height, current)
        count = count + running.astype(int)
    end = current * jnp.exp(-decay * (step_size - elapsed))
    # Excitation that came in and is not there any more has been spent as intensity.
    expected = baseline * step_size + (excess + height * count.astype(dtype) - end) / decay
    return StepJumps(count, expected, end, running)


def expected_count(
    baseline: Float[Array, ""], excess: Float[Array, ""], *, branching_ratio: Number, decay: Number
) -> Float[Array, ""]:
    r"""Return the mean number of jumps in one bar given the excitation at its start.

    $$\bar\lambda + (a + x - \bar\lambda) \frac{1 - e^{-\beta (1 - n)}}{\beta (1 - n)}, \qquad
      \bar\lambda = \frac{a}{1 - n}.$$

    References:
        Dassios and Zhao (2011), Adv. Appl. Probab. 43(3), 814-846, theorem 3.6.
    """
    stationary = baseline / (1.0 - branching_ratio)
    speed = decay * (1.0 - branching_ratio)
    return stationary + (baseline + excess - stationary) * -jnp.expm1(-speed) / speed
