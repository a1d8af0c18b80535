"""Riemann-Liouville (Volterra) noise for many steps: exact where the kernel is steep, a convolution elsewhere."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from aurora_jax.core import Number, PRNGKey, stream

from .domain import at_least, within
from .volterra import volterra_covariance


def near_factor(hurst: Float[Array, ""], *, exact_cells: int) -> Float[Array, "cells cells"]:
    r"""Return the lower-triangular root of what the Brownian increment does not explain of its cell's near integrals.

    Over one unit cell, with V of variance $t^{2H}$ and C its covariance, the integrals that the cell adds to V at the
    ends of the j-th and k-th step from its start have, by self-similarity in time, covariance

    $$2H \int_0^1 (j-s)^{H-1/2} (k-s)^{H-1/2}\,ds = C(j, k) - C(j-1, k-1)$$
    """
    covariance, loading = volterra_covariance(hurst, steps=exact_cells)
    before = jnp.pad(covariance, ((1, 0), (1, 0)))[:-1, :-1]
    explained = loading[:, 0]
    # As in `volterra_noise`: at H = 1/2, where all is explained, the jitter is all there is of it.
    jitter = exact_cells * jnp.finfo(covariance.dtype).eps * jnp.max(jnp.diag(covariance))
    residual = covariance - before - explained[:, None] * explained[None, :]
    factor = jnp.linalg.cholesky(residual + jitter * jnp.eye(exact_cells, dtype=covariance.dtype))
    failed = ~jnp.all(jnp.isfinite(factor))
    return eqx.error_if(factor, failed, "hybrid scheme lost to rounding: use double precision or fewer exact_cells.")


def convolved(signal: Float[Array, " steps"], kernel: Float[Array, " steps"]) -> Float[Array, " steps"]:
    """Return the causal convolution, sum over j <= i of kernel_{i-j} signal_j, by FFT."""
    steps = signal.shape[0]
    circle = 2 ** (2 * steps - 1).bit_length()
    product = jnp.fft.rfft(signal, circle) * jnp.fft.rfft(kernel, circle)
    return jnp.fft.irfft(product, circle)[:steps]


def colour_hybrid(
    brownian: Float[Array, " steps"], residual: Float[Array, "steps cells"], *, hurst: Float[Array, ""]
) -> Float[Array, " steps"]:
    """Map independent standard normals to the path that unit Brownian steps `brownian` drive; linear in both."""
    steps, cells = residual.shape
    age = np.arange(steps + 1)
    powers = jnp.where(age > 0, jnp.asarray(np.maximum(age, 1), hurst.dtype) ** (hurst + 0.5), 0.0)
    path = convolved(brownian, jnp.sqrt(2.0 * hurst) / (hurst + 0.5) * jnp.diff(powers))
    beyond = residual @ near_factor(hurst, exact_cells=cells).T
    for k in range(cells):  # what cell i adds beyond its projection at the end of step i + k
        path = path + jnp.pad(beyond[: steps - k, k], (k, 0))
    return path


def hybrid_volterra_noise(
    key: PRNGKey, *, hurst: Number, steps: int, step_size: Number = 1.0, exact_cells: int = 2
) -> tuple[Float[Array, " steps"], Float[Array, " steps"]]:
    r"""Draw Brownian increments and the Riemann-Liouville path they drive, in steps log(steps) time.

    With $\kappa$ = `exact_cells` and unit steps,

    $$V_i = \sum_{k=1}^{\min(i, \kappa)} \sqrt{2H} \int_{i-k}^{i-k+1} (i-s)^{H-1/2}\,dW_s
          + \sum_{k=\kappa+1}^{i} \frac{\sqrt{2H}}{H+1/2}
            \bigl(k^{H+1/2} - (k-1)^{H+1/2}\bigr)\,(W_{i-k+1} - W_{i-k})$$

    The second sum is the paper's with its optimal evaluation points: each cell's integral is replaced by its projection
    on the Brownian increment. V's covariance with W is therefore exact, and V's law is up to step $\kappa$;
    `exact_cells=steps` is exact. Later V misses something that does not grow with time: for H <= 1/2, in units of
    $h^{2H}$, at most .0018 and .0007 of the variance $t^{2H}$ and .0125 and .006 of a covariance, for one and two exact
    cells. For H > 1/2 it is less than 3.3 and 2.0 per cent of each covariance.

    Args:
        key: spent here.
        hurst: H in (0, 1). The draw is differentiable in it (the residual has a kink at 1/2).
        steps: number of steps, at times h, 2h, ...; `volterra_noise` is exact and as fast up to a few hundred.
        step_size: h > 0.
        exact_cells: latest cells whose integrals are exact, at least 1; more than `steps` is the same as `steps`.

    Returns:
        The increments of W, and V at the end of each step, as `volterra_noise` does.

    Raises:
        ValueError: if an argument is out of range.
        RuntimeError: at run time, if rounding made the cell's covariance indefinite (many exact cells).

    References:
        Bennedsen, Lunde and Pakkanen (2017), Hybrid scheme for Brownian semistationary processes, Finance and
        Stochastics 21(4), 931-965, section 3.1 and proposition 2.8.
    """
    steps = at_least("steps", steps, 1)
    cells = min(at_least("exact_cells", exact_cells, 1), steps)
    hurst = within("hurst", hurst, 0.0, 1.0)
    step_size = within("step_size", step_size, 0.0)
    brownian = jr.normal(stream(key, "brownian"), (steps,))
    residual = jr.normal(stream(key, "residual"), (steps, cells))
    return jnp.sqrt(step_size) * brownian, step_size**hurst * colour_hybrid(brownian, residual, hurst=hurst)
