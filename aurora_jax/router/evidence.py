"""What a window of returns says for each family: the likelihoods that BIC compares, on grids instead of searched."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from ..core import Outcome
from ._evidence_garch import garch_gains
from ._evidence_linear import ar_gain, arma_gains

EVIDENCE = 14
"""Numbers of evidence that a window gives."""

MIN_BARS = 32
"""Shortest window that is taken for evidence."""

UNCOUNTED = 8
"""Returns at the start of a window that condition the likelihoods, as in `aurora_jax.timeseries`."""

_LAGS = 3


class Evidence(NamedTuple):
    """Evidence of one window.

    Attributes:
        values: bounded, free of the window's unit and level; zeros where the outcome is not OK.
        outcome: `Outcome` code: OK, TOO_SHORT, CONSTANT or NON_FINITE.
    """

    values: Float[Array, "*batch evidence"]
    outcome: Int[Array, "*batch"]


def window_evidence(window: Float[Array | np.ndarray, " bars"]) -> Evidence:
    r"""Return what one window says for AR(1), ARMA(1,1) and GARCH(1,1), in time linear in its length; the caller vmaps.

    With $\ell$ the Gaussian log likelihood of all returns but the first 8, less that of white noise, in order:

    * $\ell_{AR}$, $\max_\theta \ell_{ARMA} - p$, $\max_{\alpha, \beta} \ell_{GARCH} - p$, with
      $p = \tfrac12 \log N$ for the parameter more: half the differences of BIC, up to the grids;
    * the three differences of these;
    * $\log \overline{e^{\ell}}$ over each grid, less $\ell_{AR}$: the same with parameters averaged out, not chosen;
    * autocorrelations of returns and of their squares at lags 1 to 3.

    The first eight, in nats, come as asinh: linear near 0 and logarithmic far from it.
    """
    bars = window.shape[-1]
    if bars < MIN_BARS:
        return Evidence(jnp.zeros(EVIDENCE), jnp.asarray(int(Outcome.TOO_SHORT), int))
    window = jnp.asarray(window)
    # In double precision where there is one: of a window that is nearly a line little is left between sums of products.
    values, outcome = _standardised(window.astype(float))
    usable = outcome == int(Outcome.OK)
    return Evidence(jnp.where(usable, _evidence_of(values), 0.0).astype(window.dtype), outcome)


def _standardised(window: Float[Array, " bars"]) -> tuple[Float[Array, " bars"], Int[Array, ""]]:
    """Return the window with mean 0 and variance 1, or a stand-in and the reason why not."""
    finite = jnp.all(jnp.isfinite(window))
    window = jnp.where(finite, window, 0.0)
    peak = jnp.max(jnp.abs(window))
    unit = window / jnp.where(peak > 0.0, peak, 1.0)  # squares of any unit stay inside the range of floats
    mean, deviation = jnp.mean(unit), jnp.std(unit)
    # A constant leaves rounding noise of its level, which must not be taken for variation.
    varies = deviation > 32.0 * jnp.finfo(window.dtype).eps
    reason = jnp.where(finite, int(Outcome.CONSTANT), int(Outcome.NON_FINITE))
    stand_in = jnp.asarray(np.where(np.arange(window.size) % 3, 0.5, -1.0), window.dtype)
    usable = finite & varies
    values = jnp.where(usable, (unit - mean) / jnp.where(varies, deviation, 1.0), stand_in)
    return values, jnp.where(usable, int(Outcome.OK), reason).astype(int)


def _evidence_of(x: Float[Array, " bars"]) -> Float[Array, " evidence"]:
    counted = jnp.arange(x.size) >= UNCOUNTED
    white = -0.5 * jnp.sum(jnp.where(counted, x**2, 0.0))
    autoregressive = ar_gain(x, uncounted=UNCOUNTED) - white
    moving = arma_gains(x, uncounted=UNCOUNTED) - white
    clustered = garch_gains(x, uncounted=UNCOUNTED) - white
    penalty = 0.5 * jnp.log(jnp.asarray(x.size - UNCOUNTED, x.dtype))
    best, bent = jnp.max(moving) - penalty, jnp.max(clustered) - penalty
    nats = jnp.stack(
        [
            autoregressive,
            best,
            bent,
            best - autoregressive,
            bent - autoregressive,
            bent - best,
            _log_mean(moving) - autoregressive,
            _log_mean(clustered) - autoregressive,
        ]
    )
    squares = x**2 - 1.0
    return jnp.concatenate([jnp.arcsinh(nats), _autocorrelations(x), _autocorrelations(squares)])


def _log_mean(gains: Float[Array, " points"]) -> Float[Array, ""]:
    return jax.nn.logsumexp(gains) - jnp.log(jnp.asarray(gains.size, gains.dtype))


def _autocorrelations(x: Float[Array, " bars"]) -> Float[Array, " lags"]:
    """Return those at lags 1, 2, ...; within [-1, 1] by Cauchy and Schwarz, 0 where nothing varies."""
    whole = jnp.maximum(jnp.vdot(x, x), jnp.finfo(x.dtype).eps * x.size)
    return jnp.stack([lax.dot(x[lag:], x[:-lag]) for lag in range(1, _LAGS + 1)]) / whole


@jax.jit
def evidence_of_windows(windows: Float[Array | np.ndarray, "windows bars"]) -> Float[Array, "windows evidence"]:
    """Return the evidence of many windows, zeros where there is none to be had."""
    return lax.map(lambda window: window_evidence(window).values, jnp.asarray(windows), batch_size=64)
