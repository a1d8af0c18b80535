"""Fractional Gaussian noise against the drawing of its normals, numpy, and stochastic-rs."""

from collections.abc import Iterator
from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from aurora_jax.stochastic import fractional_gaussian_noise, multifractional_gaussian_noise

from .record import Contest, Timing, peer, timed

PATHS, STEPS, HURST = 1024, 1024, 0.3
LAG_ONE = 2.0 ** (2.0 * HURST - 1.0) - 1.0


def contests() -> Iterator[Contest]:
    """Draw the same noise in single and in double precision, and multifractional noise in single."""
    with jax.enable_x64(False):
        yield _fractional("float32", target=">= 0.8 of drawing the normals: ratio >= 0.8")
        yield _multifractional()
    yield _fractional("float64", target="")


def lag_one(paths) -> float:
    """Return the correlation of neighbouring increments, -.24214 for H = .3 whatever the generator."""
    paths = np.asarray(paths, float)
    return float(np.mean(paths[:, 1:] * paths[:, :-1]) / np.mean(paths**2))


def _fractional(dtype: str, *, target: str) -> Contest:
    keys = jr.split(jr.key(0), PATHS)
    ours = jax.jit(jax.vmap(partial(fractional_gaussian_noise, hurst=HURST, steps=STEPS)))
    normals = jax.jit(jax.vmap(lambda key: jr.normal(key, (2 * STEPS,))))
    assert ours(keys).dtype == dtype
    return Contest(
        what=f"fGn {PATHS} x {STEPS} {dtype}, H = {HURST}",
        unit="points",
        work=PATHS * STEPS,
        ours=timed(lambda: ours(keys), answer=lag_one),
        peers={
            "jax.random.normal alone, 2 a point": timed(lambda: normals(keys), answer=lambda x: jnp.var(x)),
            "numpy, one call": timed(partial(_numpy, dtype), answer=lag_one),
            "stochastic-rs, float64, parallel": peer(_stochastic_rs),
        },
        target=target,
        note=f"the answer is the lag-one correlation, {LAG_ONE:.5f} exactly; of the normals, their variance",
    )


def _numpy(dtype: str) -> np.ndarray:
    random = np.random.default_rng(0)
    lag = np.arange(STEPS + 1.0)
    covariance = 0.5 * (abs(lag - 1) ** (2 * HURST) - 2 * lag ** (2 * HURST) + (lag + 1) ** (2 * HURST))
    roots = np.sqrt(np.fft.fft(np.concatenate([covariance, covariance[-2:0:-1]])).real / (2 * STEPS)).astype(dtype)
    spectrum = np.fft.rfft(roots * random.standard_normal((PATHS, 2 * STEPS), dtype=dtype))[:, :STEPS]
    return spectrum.real - spectrum.imag


def _stochastic_rs() -> Timing:
    import stochastic_rs

    process = stochastic_rs.PyFgn(HURST, STEPS, float(STEPS))
    return timed(lambda: process.sample_par(PATHS), answer=lag_one)


def _multifractional() -> Contest:
    keys, hurst = jr.split(jr.key(1), 256), jnp.linspace(0.1, 0.4, 8)
    draw = partial(multifractional_gaussian_noise, hurst=hurst, block_steps=STEPS // 8)
    ours = jax.jit(jax.vmap(draw))
    independent = jax.jit(jax.vmap(partial(draw, coupled=False)))
    return Contest(
        what=f"mBm 256 x {STEPS} float32, 8 blocks, H from .1 to .4",
        unit="points",
        work=256 * STEPS,
        ours=timed(lambda: ours(keys), answer=lambda x: jnp.var(x)),
        peers={"independent blocks (not mBm)": timed(lambda: independent(keys), answer=lambda x: jnp.var(x))},
        note="an 8 x 8 root at each of 1025 frequencies, then 8 paths of which one block each is kept",
    )
