"""Riemann-Liouville (Volterra) noise together with the Brownian motion that drives it."""

import math

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax import lax
from jax.scipy.special import gammaln
from jaxtyping import Array, Float

from aurora_jax.core import Number, PRNGKey, stream

from .domain import at_least, within

_SERIES_TERMS = 56  # both power series are summed at arguments <= 1/2


def _power_series(ratios: Float[Array, " terms"], argument: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return 1 + r_0 x (1 + r_1 x (1 + ...)), a power series given by the ratios of its coefficients."""

    def nest(total, ratio):
        return 1.0 + ratio * argument * total, None

    return lax.scan(nest, jnp.ones_like(argument), ratios, reverse=True)[0]


def _hypergeometric(gamma: Float[Array, ""], argument: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""Return ${}_2F_1(1, \gamma; 2 - \gamma; z)$ for |gamma| < 1/2 and z in [0, 1).

    Above 1/2 by Gauss's linear transformation (Abramowitz and Stegun 15.3.6), whose poles at gamma = 0 cancel once
    $\Gamma(2\gamma - 1)/\Gamma(\gamma)$ is written $2^{2\gamma-2}\Gamma(\gamma - 1/2)/\sqrt\pi$ by duplication and
    the common factor 1/2 is taken out of the first series.
    """
    index = jnp.arange(_SERIES_TERMS, dtype=gamma.dtype)
    small = jnp.minimum(argument, 0.5)
    below = _power_series((gamma + index) / (2.0 - gamma + index), small)

    rest = jnp.minimum(1.0 - argument, 0.5)
    # 2F1(1, gamma; 2 gamma; x) = 1 + x/2 (1 + (gamma + 1)/(2 gamma + 1) x (1 + ...))
    regular = 1.0 + 0.5 * rest * _power_series((gamma + 1.0 + index) / (2.0 * gamma + 1.0 + index), rest)
    # 2F1(1 - gamma, 2 - 2 gamma; 2 - 2 gamma; x) = (1 - x)^(gamma - 1)
    singular = (1.0 - rest) ** (gamma - 1.0) * rest ** (1.0 - 2.0 * gamma)
    first = jnp.exp(
        gammaln(2.0 - gamma) + gammaln(1.0 - 2.0 * gamma) - gammaln(1.0 - gamma) - gammaln(2.0 - 2.0 * gamma)
    )
    # Gamma(gamma - 1/2) = Gamma(gamma + 1/2) / (gamma - 1/2) is negative here.
    second = 2.0 ** (2.0 * gamma - 2.0) * jnp.exp(gammaln(2.0 - gamma) + gammaln(gamma + 0.5)) / (gamma - 0.5)
    above = first * regular + second / math.sqrt(math.pi) * singular
    return jnp.where(argument > 0.5, above, below)


def volterra_covariance(
    hurst: Float[Array, ""], *, steps: int
) -> tuple[Float[Array, "steps steps"], Float[Array, "steps steps"]]:
    r"""Return cov(V_i, V_j) and the loading cov(V_i, W_j - W_{j-1}) at unit steps, i, j = 1..steps.

    With $\gamma = 1/2 - H$, $s < t$:

    $$E V_s V_t = \frac{2H}{H + 1/2}\, s^{H + 1/2} t^{-\gamma}\, {}_2F_1(1, \gamma; 2 - \gamma; s/t)$$

    $$E V_t (W_j - W_{j-1}) = \frac{\sqrt{2H}}{H + 1/2} \bigl((t-j+1)^{H+1/2} - (t-j)^{H+1/2}\bigr), \quad j \le t$$
    """
    time = np.arange(1, steps + 1)
    later = np.maximum(time[:, None], time[None, :])
    earlier = np.minimum(time[:, None], time[None, :])
    off_diagonal = later > earlier
    ratio = jnp.asarray(np.where(off_diagonal, earlier / later, 0.5), hurst.dtype)
    gamma = 0.5 - hurst
    early, late = jnp.asarray(earlier, hurst.dtype), jnp.asarray(later, hurst.dtype)
    between = 2.0 * hurst / (hurst + 0.5) * early ** (hurst + 0.5) * late**-gamma * _hypergeometric(gamma, ratio)
    covariance = jnp.where(off_diagonal, between, late ** (2.0 * hurst))

    age = time[:, None] - time[None, :]  # of the Brownian increment; only past ones (age >= 0) load
    older, newer = jnp.asarray(np.maximum(age + 1, 1), hurst.dtype), jnp.asarray(np.maximum(age, 1), hurst.dtype)
    rise = older ** (hurst + 0.5) - jnp.where(age > 0, newer ** (hurst + 0.5), 0.0)
    loading = jnp.where(age >= 0, jnp.sqrt(2.0 * hurst) / (hurst + 0.5) * rise, 0.0)
    return covariance, loading


def volterra_noise(
    key: PRNGKey, *, hurst: Number, steps: int, step_size: Number = 1.0
) -> tuple[Float[Array, " steps"], Float[Array, " steps"]]:
    r"""Draw Brownian increments and the Riemann-Liouville path they drive, exact in their joint law.

    $$V_t = \sqrt{2H} \int_0^t (t - s)^{H - 1/2}\, dW_s, \qquad \mathrm{Var}\, V_t = t^{2H}$$

    V is its projection on the Brownian increments plus an independent residual (Cholesky, steps^3 / 3), and is causal.
    The residual's covariance is raised by steps x machine epsilon x the largest variance of V; at H = 1/2,
    where V = W, that is all there is of it.

    Args:
        key: spent here.
        hurst: H in (0, 1). The draw is differentiable in it (the residual has a kink at 1/2).
        steps: number of steps, at times h, 2h, ...
        step_size: h > 0.

    Returns:
        The increments of W, and V at the end of each step.

    Raises:
        ValueError: if an argument is out of range.
        RuntimeError: at run time, if rounding made the covariance indefinite (single precision, many steps).

    References:
        McCrickerd and Pakkanen (2018), Turbocharging Monte Carlo pricing for the rough Bergomi model, eq. 2;
        Bayer, Friz and Gatheral (2016), Pricing under rough volatility, section 4.
    """
    at_least("steps", steps, 1)
    hurst = within("hurst", hurst, 0.0, 1.0)
    step_size = within("step_size", step_size, 0.0)
    covariance, loading = volterra_covariance(hurst, steps=steps)
    jitter = steps * jnp.finfo(covariance.dtype).eps * jnp.max(jnp.diag(covariance))
    residual = covariance - loading @ loading.T + jitter * jnp.eye(steps, dtype=covariance.dtype)
    factor = jnp.linalg.cholesky(residual)
    failed = ~jnp.all(jnp.isfinite(factor))
    factor = eqx.error_if(factor, failed, "Volterra covariance lost to rounding: use double precision or fewer steps.")
    brownian = jr.normal(stream(key, "brownian"), (steps,))
    path = loading @ brownian + factor @ jr.normal(stream(key, "residual"), (steps,))
    return jnp.sqrt(step_size) * brownian, step_size**hurst * path
