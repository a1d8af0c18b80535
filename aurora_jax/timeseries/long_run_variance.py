"""Variance of a mean whose observations are correlated over time (HAC)."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import require_x64

from ._window import Series


def default_bandwidth(bars: int) -> int:
    """Return the lags that count: floor(4 (n / 100)^(2/9)), cut to n - 1."""
    # A hair is added so that n = 100 counts 4 lags whatever the rounding of the power.
    return min(int(4.0 * (bars / 100.0) ** (2.0 / 9.0) + 1e-12), bars - 1)


def long_run_variance(x: Series, *, lags: int | None = None) -> Float[Array, ""]:
    r"""Estimate the long-run variance of one series by Newey and West's estimator.

    $$\hat\Omega = \hat\gamma_0 + 2 \sum_{j=1}^{L} \Bigl(1 - \frac{j}{L + 1}\Bigr) \hat\gamma_j, \qquad
    \hat\gamma_j = \frac{1}{n} \sum_{t > j} (x_t - \bar x)(x_{t-j} - \bar x)$$

    $\sqrt{\hat\Omega / n}$ is the standard error of the mean. The Bartlett weights make it nonnegative in exact
    arithmetic; a constant series has 0.

    Args:
        x: one series; the caller vmaps.
        lags: L; by default $\lfloor 4 (n / 100)^{2/9} \rfloor$, a rule that looks at the length only.

    Raises:
        ValueError: if the series is empty or `lags` is not in [0, n).
        RuntimeError: if the series is not finite.

    References:
        Newey and West (1987), Econometrica 55(3), 703-708, eq. 5; (1994), Rev. Econ. Stud. 61(4), 631-653, table 1
        (the rule).
    """
    require_x64("long_run_variance")
    x = jnp.asarray(x, float)
    if x.size == 0:
        raise ValueError("the series must have at least 1 observation, had 0.")
    lags = default_bandwidth(x.size) if lags is None else lags
    if not 0 <= lags < x.size:
        raise ValueError(f"lags must lie in [0, {x.size}), the length of the series, was {lags}.")
    x = eqx.error_if(x, ~jnp.all(jnp.isfinite(x)), "the series must be finite.")
    # A constant's mean may be a rounding error off the constant, which is not variation.
    level = x - x[0]
    centred = level - jnp.mean(level)
    products = [jnp.vdot(centred[j:], centred[: x.size - j]) for j in range(lags + 1)]
    weights = jnp.array([1.0] + [2.0 * (1.0 - j / (lags + 1.0)) for j in range(1, lags + 1)])
    return jnp.maximum(weights @ jnp.stack(products), 0.0) / x.size
