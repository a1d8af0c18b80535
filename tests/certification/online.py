"""Running online methods over scores, and scores that try to break them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from aurora_jax.core import push, sorted_window

BARS = 4900


@eqx.filter_jit
def _scanned(method, scores):
    return jax.lax.scan(lambda state, score: method.step(state, score), method.init(), scores)


def run(method, scores):
    """Return what a method reports of each score."""
    return states_and_reports(method, scores)[1]


def states_and_reports(method, scores):
    """Scan with every number of the method an array, so that one compilation serves all settings."""
    return _scanned(jax.tree.map(jnp.asarray, method), jnp.asarray(scores, jnp.float64))


def adversary(kind, bars=BARS):
    """Return scores against which a clipped integrator, or one that skips bars, loses its coverage."""
    time = np.arange(bars)
    generator = np.random.default_rng(3)
    walk = np.exp(0.05 * np.cumsum(generator.normal(size=bars)))
    return {
        "growing": 1.0 + time,
        "shrinking": 1.0 / (1.0 + time),
        "alternating": np.where(time // 50 % 2, 100.0 + time, 0.01),
        "random walk": walk * np.abs(generator.normal(size=bars)),
    }[kind]


def push_all(scores, capacity=500):
    return jax.lax.scan(lambda held, score: (push(held, score), None), sorted_window(capacity), scores)[0]
