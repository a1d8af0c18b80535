"""How far each model's windows are from the held-out ones, and whether one model is nearer than another."""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..core import PRNGKey, stream
from ..signatures import SignatureKernel, gaussian_kernel, signature_features
from ..teacher import PathView

_EXCHANGES = 499


class Distance(NamedTuple):
    """A model's distance from the held-out windows.

    Attributes:
        value: squared maximum mean discrepancy of signatures, unbiased: it can be negative.
        standard_error: by leaving out one held-out window, and its simulated twins, at a time.
        p_value: of the test that a window and a simulated twin have one law, by exchanging the two in some windows.
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
    kernel: SignatureKernel,
) -> dict[str, Distance]:
    r"""Return each model's distance from the held-out windows, all seen along the same channels by the same kernel.

    $$\widehat{MMD}^2 = \frac{1}{n (n - 1)} \sum_{i \ne j} \Bigl( k(x_i, x_j) - \frac2c \sum_a k(x_i, y_{ja})
      + \frac{1}{c^2} \sum_{a, b} k(y_{ia}, y_{jb}) \Bigr)$$

    over windows i and j, each with c twins y. A window and its twins share their start; pairs within a window are left
    out, so that a model gains nothing by the share that it knows of it. One kernel for all models makes their distances
    comparable: in the units of its own paths a model that is too wild would look near.

    Args:
        key: of the tests.
        real: held-out log returns.
        simulated: each model's windows from the same starts, by name.
        view: channels that the signature sees.
        depth: of the signatures.
        kernel: taken from neither the held-out windows nor a model.

    Raises:
        ValueError: if there are fewer than 3 windows.

    References:
        Gretton et al. (2012), J. Machine Learning Research 13, lemma 6 (the sum over pairs).
    """
    windows = real.shape[0]
    if windows < 3:
        raise ValueError(f"a comparison needs at least 3 windows, had {windows}: shorten them or add history.")
    looked = jnp.asarray(real, jnp.float32)
    found = {}
    for name, paths in simulated.items():
        gap, first = _gaps(looked, jnp.asarray(paths, jnp.float32), view, kernel, depth=depth)
        left = _without_each(np.asarray(gap, float))
        error = float(np.sqrt((windows - 1) / windows * np.sum((left - left.mean()) ** 2)))
        p_value = _exchange_test(stream(key, name), first)
        found[name] = Distance(_mean_of_pairs(np.asarray(gap, float)), error, p_value, left)
    return found


def nearer(first: Distance, second: Distance) -> Comparison:
    """Compare two models on the same windows: what a window does to both distances cancels."""
    gap = first.left_out - second.left_out
    windows = gap.size
    error = float(np.sqrt((windows - 1) / windows * np.sum((gap - gap.mean()) ** 2)))
    return Comparison(first.value - second.value, error)


@partial(jax.jit, static_argnames="depth")
def _gaps(
    real: Float[Array, "windows bars assets"],
    simulated: Float[Array, "windows copies bars assets"],
    view: PathView,
    kernel: SignatureKernel,
    *,
    depth: int,
) -> tuple[Float[Array, "windows windows"], Float[Array, "windows windows"]]:
    """Return what each pair of windows adds to the distance, with all twins and with the first twin alone."""
    windows, copies = simulated.shape[:2]
    paths = jnp.concatenate([real, simulated.reshape(windows * copies, *simulated.shape[2:])])
    points = kernel.points(signature_features(jax.vmap(view)(paths).astype(float), depth=depth))
    own, twins = points[:windows], points[windows:].reshape(windows, copies, -1)
    squared = kernel.bandwidth.astype(float) ** 2

    def rows(window: tuple[Array, Array]):
        one, many = window
        between = gaussian_kernel(jnp.concatenate([one[None], many]), points, squared_bandwidth=squared)
        to_real, to_twins = between[:, :windows], between[:, windows:].reshape(copies + 1, windows, copies)
        mean = to_real[0] - jnp.mean(to_real[1:], axis=0) - jnp.mean(to_twins[0], axis=1)
        first = to_real[0] - to_real[1] - to_twins[0, :, 0] + to_twins[1, :, 0]
        return mean + jnp.mean(to_twins[1:], axis=(0, 2)), first

    return jax.lax.map(rows, (own, twins))


def _mean_of_pairs(gap: Float[np.ndarray, "windows windows"]) -> float:
    windows = gap.shape[0]
    return float((gap.sum() - np.trace(gap)) / (windows * (windows - 1)))


def _without_each(gap: Float[np.ndarray, "windows windows"]) -> Float[np.ndarray, " windows"]:
    """Return the distance of the other windows, for each window that is left out."""
    windows, own = gap.shape[0], np.diagonal(gap)
    pairs = gap.sum() - own.sum() - gap.sum(axis=0) - gap.sum(axis=1) + 2.0 * own
    return pairs / ((windows - 1) * (windows - 2))


def _exchange_test(key: PRNGKey, gap: Float[Array, "windows windows"]) -> float:
    """Return the p-value of the distance among those after exchanging window and twin: exact if they have one law.

    An exchange in window i changes the sign of what pairs with i add.
    """
    signs = jax.random.rademacher(key, (_EXCHANGES, gap.shape[0]), gap.dtype)
    apart = gap - jnp.diag(jnp.diagonal(gap))
    exchanged, observed = jnp.sum((signs @ apart) * signs, axis=1), jnp.sum(apart)
    # All windows exchanged, or none, is the observed division again: it counts as equal, whatever rounding says.
    as_large = jnp.sum(exchanged >= observed - 1e-9 * jnp.sum(jnp.abs(apart)))
    return (1.0 + float(as_large)) / (1.0 + _EXCHANGES)
