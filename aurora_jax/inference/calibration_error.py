"""Do predictions made with confidence c come true in a share c of cases?"""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erf
from jaxtyping import Array, Float, Integer

from aurora_jax.core import require_x64


@partial(jax.jit, static_argnames="bins")
def expected_calibration_error(
    probabilities: Float[Array | np.ndarray, "cases classes"],
    labels: Integer[Array | np.ndarray, " cases"],
    *,
    bins: int,
) -> Float[Array, ""]:
    r"""Return the expected calibration error of the most probable class.

    Over bins of equal width of the largest probability c,

    $$ECE = \sum_b \frac{n_b}{n} \, \bigl| \overline{hit}_b - \bar c_b \bigr|$$

    Equal predictions always share a bin. Where m classes tie for the largest probability, each is the prediction with
    chance 1/m, so the order of the classes does not matter. The estimate is biased upwards: see
    `debiased_calibration_error`.

    Args:
        probabilities: rows that sum to 1.
        labels: class that came true, from 0.
        bins: number of bins over [0, 1].

    Raises:
        ValueError: if there is no case or no bin, or not one label a case.
        RuntimeError: at run time, if a row is no distribution or a label no class.

    References:
        Guo, Pleiss, Sun and Weinberger (2017), ICML, eq. 3.
    """
    share, gap, _ = _binned(probabilities, labels, bins)
    return jnp.sum(share * jnp.abs(gap))


@partial(jax.jit, static_argnames="bins")
def debiased_calibration_error(
    probabilities: Float[Array | np.ndarray, "cases classes"],
    labels: Integer[Array | np.ndarray, " cases"],
    *,
    bins: int,
) -> Float[Array, ""]:
    r"""Return the expected calibration error less its sampling bias, to first order.

    The gap $g_b$ of a bin has standard error $s_b$, so $|g_b|$ is on average the mean of a folded normal:

    $$\sum_b \frac{n_b}{n} \Bigl( 2 |g_b| - E |N(g_b, s_b^2)| \Bigr), \qquad
      E |N(g, s^2)| = s \sqrt{2 / \pi}\, e^{-g^2 / 2 s^2} + g\, \mathrm{erf}\bigl(g / \sqrt{2} s\bigr)$$

    It can be negative. It takes about two fifths off the bias of a perfectly calibrated classifier, since the gaps that
    it is computed at are themselves too large, and all of it where gaps stand out from their errors.
    Arguments and errors as for `expected_calibration_error`.

    References:
        Kumar, Liang and Ma (2019), Verified uncertainty calibration, NeurIPS, section 5 (the l1 estimate).
    """
    share, gap, error = _binned(probabilities, labels, bins)
    safe = jnp.maximum(error, 1e-12)
    standard = gap / safe
    folded = safe * (jnp.sqrt(2.0 / jnp.pi) * jnp.exp(-(standard**2) / 2.0) + standard * erf(standard / jnp.sqrt(2.0)))
    return jnp.sum(share * (2.0 * jnp.abs(gap) - folded))


def _binned(probabilities, labels, bins: int) -> tuple[Float[Array, " bins"], ...]:
    """Return each bin's share of the cases, its mean of hit minus confidence, and the standard error of that."""
    require_x64("expected_calibration_error")
    table, truth = jnp.asarray(probabilities, float), jnp.asarray(labels)
    cases, classes = table.shape
    if truth.shape != (cases,):
        raise ValueError(f"labels must hold one class for each of {cases} cases, held {truth.size}.")
    if bins < 1:
        raise ValueError(f"bins must be at least 1, was {bins}.")
    if cases == 0:
        raise ValueError("probabilities must hold at least one case, held none.")
    # Rounding of a float32 softmax is 1e-7 a class.
    wrong = ~jnp.all((table >= 0.0) & (jnp.abs(jnp.sum(table, axis=1, keepdims=True) - 1.0) < 1e-4))
    table = eqx.error_if(table, wrong, "each row of probabilities must be >= 0 and sum to 1.")
    truth = eqx.error_if(truth, jnp.any((truth < 0) | (truth >= classes)), f"labels must lie in [0, {classes}).")

    confidence = jnp.max(table, axis=1)
    tied = table == confidence[:, None]
    chosen = jnp.take_along_axis(tied, truth[:, None], axis=1)[:, 0]
    hit = jnp.where(chosen, 1.0 / jnp.sum(tied, axis=1, dtype=float), 0.0)

    place = jnp.clip(jnp.floor(confidence * bins).astype(int), 0, bins - 1)
    count = jnp.zeros(bins).at[place].add(1.0)
    total = jnp.maximum(count, 1.0)
    rate = jnp.zeros(bins).at[place].add(hit) / total
    gap = rate - jnp.zeros(bins).at[place].add(confidence) / total
    return count / cases, gap, jnp.sqrt(rate * (1.0 - rate) / total)
