"""How far each model's windows are from the held-out ones, and whether one model is nearer than another."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..core import PRNGKey, stream
from ..signatures import signature_mmd, signature_mmd_test
from ..teacher import PathView

_PERMUTATIONS = 499


class Distance(NamedTuple):
    """A model's distance from the held-out windows.

    Attributes:
        value: squared maximum mean discrepancy of signatures, unbiased: it can be negative.
        standard_error: by leaving out one held-out window, and its simulated twins, at a time.
        p_value: of a permutation test that the windows and one simulated twin of each have one law.
        left_out: the value without each window.
    """

    value: float
    standard_error: float
    p_value: float
    left_out: Float[np.ndarray, " windows"]


class Comparison(NamedTuple):
    """The first model's distance less the second's; negative means that the first is nearer."""

    difference: float
    standard_error: float


def compare(
    key: PRNGKey,
    real: Float[np.ndarray, "windows bars assets"],
    simulated: Mapping[str, Float[np.ndarray, "windows copies bars assets"]],
    view: PathView,
    *,
    depth: int,
    bandwidth: float = 1.0,
) -> dict[str, Distance]:
    """Return each model's distance from the held-out windows, all seen along the same channels.

    Args:
        key: of the permutation tests.
        real: held-out log returns.
        simulated: each model's windows from the same starts, by name.
        view: channels that the signature sees.
        depth: of the signatures.
        bandwidth: of the kernel, in root mean squares of a feature's difference.
    """
    see = jax.jit(jax.vmap(view))
    looked = see(jnp.asarray(real, jnp.float32)).astype(float)
    distance = jax.jit(lambda x, y: signature_mmd(x, y, depth=depth, bandwidth=bandwidth))
    found = {}
    for name, paths in simulated.items():
        windows, copies = paths.shape[:2]
        twins = see(jnp.asarray(paths.reshape(windows * copies, *paths.shape[2:]), jnp.float32)).astype(float)
        twins = twins.reshape(windows, copies, *twins.shape[1:])
        value = float(distance(looked, twins.reshape(windows * copies, *twins.shape[2:])))
        left = np.asarray([float(_without(distance, looked, twins, i)) for i in range(windows)])
        error = float(np.sqrt((windows - 1) / windows * np.sum((left - left.mean()) ** 2)))
        test = signature_mmd_test(
            stream(key, name), looked, twins[:, 0], depth=depth, permutations=_PERMUTATIONS, bandwidth=bandwidth
        )
        found[name] = Distance(value, error, float(test.p_value), left)
    return found


def nearer(first: Distance, second: Distance) -> Comparison:
    """Compare two models on the same windows: what a window does to both distances cancels."""
    gap = first.left_out - second.left_out
    windows = gap.size
    error = float(np.sqrt((windows - 1) / windows * np.sum((gap - gap.mean()) ** 2)))
    return Comparison(first.value - second.value, error)


def _without(distance, real, twins, index: int):
    kept = np.delete(np.arange(real.shape[0]), index)
    others = twins[kept]
    return distance(real[kept], others.reshape(-1, *others.shape[2:]))
