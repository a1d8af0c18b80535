"""Distance on path space between a market's windows and the teacher's own, from the same starts."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int

from ..core import PRNGKey, stream
from ..signatures import SignatureKernel, signature_kernel, signature_mmd
from .model import NFSDE
from .simulate import simulate


class Windows(NamedTuple):
    """Windows of a market, each inside one block.

    Attributes:
        returns: log returns.
        log_volatility: smoothed reading of the factors at the start.
        regime: `Regime` code.
    """

    returns: Float[Array, "windows bars assets"]
    log_volatility: Float[Array, "windows factors"]
    regime: Int[Array, " windows"]


class PathView(NamedTuple):
    """Which channels of a market's paths the signature sees; the basket alone would not see dependence.

    Attributes:
        directions: rows of weights; the first is the equal-weight basket.
        scale: of one bar's return along each direction.
    """

    directions: Float[Array, "channels assets"]
    scale: Float[Array, " channels"]

    def __call__(self, returns: Float[Array, "bars assets"]) -> Float[Array, "points channels"]:
        """Return the cumulative log returns along the directions, from 0, in units of a typical bar."""
        seen = returns @ self.directions.T / self.scale[None, :]
        return jnp.concatenate([jnp.zeros_like(seen[:1]), jnp.cumsum(seen, axis=0)])


def path_view(key: PRNGKey, returns: Float[Array, "bars assets"], *, channels: int) -> PathView:
    """Look along the equal-weight basket and along random directions orthogonal to it, in standard deviations.

    Raises:
        ValueError: if there are fewer assets than channels, or less than one channel.
    """
    assets = returns.shape[1]
    if not 1 <= channels <= assets:
        raise ValueError(f"channels must lie between 1 and the {assets} assets, was {channels}.")
    basket = jnp.full((assets, 1), assets**-0.5, returns.dtype)
    random = jr.normal(stream(key, "directions"), (assets, channels - 1), returns.dtype)
    directions = jnp.linalg.qr(jnp.concatenate([basket, random], axis=1))[0].T
    directions = directions * jnp.sign(directions[:, :1] + 1e-12)
    return PathView(directions, jnp.std(returns @ directions.T, axis=0))


def some_windows(key: PRNGKey, windows: Windows, *, count: int) -> Windows:
    """Draw `count` windows without replacement, or all of them if there are no more."""
    total = windows.regime.shape[0]
    if count >= total:
        return windows
    chosen = jr.choice(key, total, (count,), replace=False)
    return jax.tree.map(lambda leaf: leaf[chosen], windows)


def kernel_of(windows: Windows, view: PathView, *, depth: int, bandwidth_medians: float = 1.0) -> SignatureKernel:
    """Take the kernel from a market's own windows: the units of its features and their median distance.

    Taken once from the training windows and held, so that the distance to be made small is the same at every step and
    for every model, and does not widen with what a model simulates.

    Args:
        windows: of the training period.
        view: channels that are compared.
        depth: of the signatures.
        bandwidth_medians: bandwidth in medians of the distance between two windows.

    Raises:
        ValueError: if there are fewer than 4 windows.
    """
    count = windows.returns.shape[0]
    if count < 4:
        raise ValueError(f"a kernel needs at least 4 windows, had {count}: shorten them or add history.")
    return signature_kernel(jax.vmap(view)(windows.returns), depth=depth, bandwidth_medians=bandwidth_medians)


def signature_distance(
    model: NFSDE,
    key: PRNGKey,
    windows: Windows,
    view: PathView,
    *,
    depth: int,
    kernel: SignatureKernel | None,
    step_size: int = 1,
) -> Float[Array, ""]:
    r"""Return the unbiased $\mathrm{MMD}^2_{sig}$ between real windows and as many simulated from their starts.

    Each simulated window starts at the smoothed volatility of its real twin and follows its regime. Differentiable in
    the model by the paths; jump counts are held as they fell, so that the law of jump times is learnt by the
    likelihood alone. Twins share their starts, so that for the true model the mean is a little below 0, by the order of
    one over the number of windows.

    Args:
        model: the teacher.
        key: parent of the paths' streams.
        windows: the real ones.
        view: channels that are compared.
        depth: of the signatures.
        kernel: held; see `kernel_of`. None takes one from the pooled sample at hand.
        step_size: bars per solver step; real windows are thinned likewise. A divisor of the windows' bars.

    Raises:
        ValueError: if `step_size` does not divide the bars of a window.
    """
    count, bars, assets = windows.returns.shape
    if bars % step_size:
        raise ValueError(f"step_size must divide the {bars} bars of a window, was {step_size}.")
    steps = bars // step_size
    keys = jr.split(key, count)

    def one(path_key, start, regime):
        x0 = jnp.concatenate([jnp.zeros(assets, model.dtype), start.astype(model.dtype)])
        path = simulate(model, path_key, x0, regime[None], steps=steps, step_size=float(step_size))
        return view(jnp.diff(path.log_price, axis=0))

    simulated = jax.vmap(one)(keys, windows.log_volatility, windows.regime)
    real = jax.vmap(view)(windows.returns)[:, ::step_size]
    return signature_mmd(real, simulated, depth=depth, kernel=kernel)
