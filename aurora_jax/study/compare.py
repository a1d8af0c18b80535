"""How far each model's windows are from the held-out ones, and whether one model is nearer than another."""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..core import PRNGKey, stream
from ..signatures import gaussian_kernel, pooled_features, signature_mmd_test, with_time_and_lag
from ..teacher import PathView

_PERMUTATIONS = 499


class Distance(NamedTuple):
    """A model's distance from the held-out windows.

    Attributes:
        value: squared maximum mean discrepancy of signatures, unbiased: it can be negative.
        standard_error: by leaving out one held-out window, and its simulated twins, at a time; the features' robust
            normalisation stays that of all.
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
    found = {}
    for name, paths in simulated.items():
        windows, copies = paths.shape[:2]
        twins = see(jnp.asarray(paths.reshape(windows * copies, *paths.shape[2:]), jnp.float32)).astype(float)
        sums = _sums(looked, twins, depth, bandwidth)
        left = np.asarray([sums.without(window) for window in range(windows)])
        error = float(np.sqrt((windows - 1) / windows * np.sum((left - left.mean()) ** 2)))
        test = signature_mmd_test(
            stream(key, name), looked, twins[::copies], depth=depth, permutations=_PERMUTATIONS, bandwidth=bandwidth
        )
        found[name] = Distance(sums.whole(), error, float(test.p_value), left)
    return found


class KernelSums(NamedTuple):
    """Sums of the kernel over pairs of windows, from which a distance with any windows left out is a few additions.

    Attributes:
        real: kernel of each pair of real windows.
        across: of a real window (row) with all twins of another (column), summed.
        simulated: of all twins of one window with all of another, summed.
        own: of each window's twins with themselves, summed: 1 each.
        copies: twins of a window.
    """

    real: Float[np.ndarray, "windows windows"]
    across: Float[np.ndarray, "windows windows"]
    simulated: Float[np.ndarray, "windows windows"]
    own: Float[np.ndarray, " windows"]
    copies: int

    def whole(self) -> float:
        """Return the squared distance; see `signatures.signature_mmd`."""
        return _distance(
            self.real.sum(),
            np.trace(self.real),
            self.across.sum(),
            self.simulated.sum(),
            self.own.sum(),
            *self._sizes(0),
        )

    def without(self, window: int) -> float:
        """Return the squared distance without a window and its twins, in the same normalisation of features."""

        def rest(table: Float[np.ndarray, "windows windows"]) -> float:
            return table.sum() - table[window].sum() - table[:, window].sum() + table[window, window]

        return _distance(
            rest(self.real),
            np.trace(self.real) - self.real[window, window],
            rest(self.across),
            rest(self.simulated),
            self.own.sum() - self.own[window],
            *self._sizes(1),
        )

    def _sizes(self, left_out: int) -> tuple[int, int]:
        windows = self.real.shape[0] - left_out
        return windows, windows * self.copies


def _distance(real, own_real, across, simulated, own_simulated, n: int, m: int) -> float:
    within = (real - own_real) / (n * (n - 1)) + (simulated - own_simulated) / (m * (m - 1))
    return float(within - 2.0 * across / (n * m))


@partial(jax.jit, static_argnames="depth")
def _kernel_rows(looked: Array, twins: Array, depth: int, bandwidth: Array):
    windows, copies = looked.shape[0], twins.shape[0] // looked.shape[0]
    points, scale = pooled_features(looked, twins, depth=depth, bandwidth=bandwidth, augment=with_time_and_lag)
    real, simulated = points[:windows], points[windows:].reshape(windows, copies, -1)

    def rows(window: tuple[Array, Array]):
        one, many = window
        kernel = gaussian_kernel(jnp.concatenate([one[None], many]), points, scale=scale)
        among = jnp.sum(kernel[:, windows:].reshape(copies + 1, windows, copies), axis=2)
        return kernel[0, :windows], among[0], jnp.sum(among[1:], axis=0)

    return jax.lax.map(rows, (real, simulated))


def _sums(looked: Array, twins: Array, depth: int, bandwidth: float) -> KernelSums:
    real, across, simulated = (
        np.asarray(table) for table in _kernel_rows(looked, twins, depth, jnp.asarray(bandwidth, float))
    )
    windows, copies = looked.shape[0], twins.shape[0] // looked.shape[0]
    return KernelSums(real, across, simulated, np.full(windows, float(copies)), copies)


def nearer(first: Distance, second: Distance) -> Comparison:
    """Compare two models on the same windows: what a window does to both distances cancels."""
    gap = first.left_out - second.left_out
    windows = gap.size
    error = float(np.sqrt((windows - 1) / windows * np.sum((gap - gap.mean()) ** 2)))
    return Comparison(first.value - second.value, error)
