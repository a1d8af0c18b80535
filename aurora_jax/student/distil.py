"""What a student is taught besides the market: its teacher's latent state, regimes, tails and paths."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float, Int

from ..core import PRNGKey, stream
from ..signatures import SignatureKernel, signature_mmd
from .generate import generate
from .model import DSSM, Gaussian
from .tail_surrogates import surrogate_distance, surrogate_estimates
from .trailing import Trailing

NO_REGIME = -1
"""Regime code of a window whose regime is not known."""
_COVARIANCE_FLOOR = 1e-4


class Targets(NamedTuple):
    """What the teacher says of windows.

    Attributes:
        mean: of its latent factors at the end of the window's last bar.
        covariance: of those.
        regime: that drove the last bar; `NO_REGIME` where it is not known.
    """

    mean: Float[Array | np.ndarray, "windows factors"]
    covariance: Float[Array | np.ndarray, "windows factors factors"]
    regime: Int[Array | np.ndarray, " windows"]


class LatentMap(NamedTuple):
    """The learnt linear map from the student's latent state to the teacher's factors."""

    matrix: Float[Array, "factors latent"]
    offset: Float[Array, " factors"]


class Imitation(NamedTuple):
    """Paths of the teacher, and how the student's own are compared with them.

    Attributes:
        returns: the teacher's log returns.
        deviation: typical, of each asset.
        view: from a path's returns to the path that the signature sees.
        kernel: of the signatures, held.
        trailing: start and scale law of the student's paths, in single precision.
    """

    returns: Float[Array, "paths bars assets"]
    deviation: Float[Array, " assets"]
    view: Callable[[Array], Array]
    kernel: SignatureKernel
    trailing: Trailing


def initial_map(factors: int, latent: int) -> LatentMap:
    """Start from a map to 0: the teacher's factors have their mean there."""
    return LatentMap(jnp.zeros((factors, latent), jnp.float32), jnp.zeros(factors, jnp.float32))


def latent_divergence(latent_map: LatentMap, posterior: Gaussian, targets: Targets) -> Float[Array, ""]:
    r"""Return the mean over windows of $KL\bigl(N(A \bar z + b, A \bar S A^\top) \,\|\, N(\mu_T, S_T)\bigr)$, nats.

    The teacher's factors are the market's: $\bar z$ is the mean of the assets' states, whose posteriors are independent
    given what was seen, so $\bar S$ is the mean of their variances over the number of assets. Both covariances have
    1e-4 added to their diagonals.

    Args:
        latent_map: A and b.
        posterior: of each asset's state at the window's last bar; windows, assets, latent.
        targets: mu_T and S_T.
    """
    assets = posterior.mean.shape[1]
    mean = jnp.mean(posterior.mean, axis=1) @ latent_map.matrix.T + latent_map.offset[None, :]
    variance = jnp.mean(jnp.exp(posterior.log_variance), axis=1) / assets
    covariance = jnp.einsum("fl,wl,gl->wfg", latent_map.matrix, variance, latent_map.matrix)
    floor = _COVARIANCE_FLOOR * jnp.eye(latent_map.offset.shape[0], dtype=covariance.dtype)[None]
    return jnp.mean(jax.vmap(_gaussian_divergence)(mean, covariance + floor, targets.mean, targets.covariance + floor))


def regime_overlap(
    latent: Float[Array, "windows latent"], regime: Int[Array, " windows"], *, regimes: int
) -> Float[Array, ""]:
    r"""Return $\mathrm{mean}_{z < z'} \exp(-\tfrac14 D_{zz'}^2)$, D the distance of two regimes' mean states.

    D is in deviations of a state around its regime's mean, so that 1 says that regimes cannot be told apart and 0 that
    they can. A regime with fewer than two windows takes no part; 0 if there is no pair. Of few windows it is noisy, and
    too small by the noise of the means: it wants ten windows and more of a regime.

    Args:
        latent: mean state over assets at the window's last bar.
        regime: code, or `NO_REGIME`, of windows that take no part.
        regimes: number of codes.
    """
    member = (regime[:, None] == jnp.arange(regimes, dtype=regime.dtype)[None, :]).astype(latent.dtype)
    count = jnp.sum(member, axis=0)
    means = (member.T @ latent) / jnp.maximum(count, 1.0)[:, None]
    around = latent - member @ means
    there = count > 1.0
    told = member @ there.astype(latent.dtype)
    freedom = jnp.maximum(jnp.sum(told) - jnp.sum(there.astype(latent.dtype)), 1.0)
    variance = jnp.sum(told[:, None] * around**2, axis=0) / freedom + 1e-4
    apart = jnp.sum((means[:, None] - means[None, :]) ** 2 / variance[None, None, :], axis=-1)
    pair = jnp.triu(there[:, None] & there[None, :], k=1).astype(latent.dtype)
    return jnp.sum(pair * jnp.exp(-0.25 * apart)) / jnp.maximum(jnp.sum(pair), 1.0)


def imitate(
    network: DSSM, key: PRNGKey, imitation: Imitation, *, paths: int, burn_in_bars: int = 32
) -> tuple[Float[Array, "paths bars assets"], Float[Array, "paths bars assets"]]:
    """Return paths of the student and as many of the teacher, drawn without replacement, of the same length.

    The student starts with its state at rest and the market's typical volatility; its first bars are left out.

    Raises:
        ValueError: if the teacher has fewer paths.
    """
    held, bars, assets = imitation.returns.shape
    if not 2 <= paths <= held:
        raise ValueError(f"paths must lie in [2, {held}], those of the teacher, was {paths}.")
    rest = jnp.zeros((assets, network.latent), jnp.float32)
    keys = jr.split(stream(key, "student"), paths)
    own = jax.vmap(
        lambda one: generate(network, imitation.trailing, one, rest, bars=burn_in_bars + bars)[burn_in_bars:]
    )(keys)
    return own, imitation.returns[jr.choice(stream(key, "teacher"), held, (paths,), replace=False)]


def tail_loss(
    own: Float[Array, "paths bars assets"], teachers: Float[Array, "paths bars assets"], imitation: Imitation
) -> Float[Array, ""]:
    """Return the distance of the paths' tails and memory; see `surrogate_distance`."""
    unit = imitation.deviation[None, None, :]
    return surrogate_distance(surrogate_estimates(own / unit), surrogate_estimates(teachers / unit))


def signature_loss(
    own: Float[Array, "paths bars assets"],
    teachers: Float[Array, "paths bars assets"],
    imitation: Imitation,
    *,
    depth: int,
) -> Float[Array, ""]:
    """Return the unbiased squared maximum mean discrepancy of the two samples of paths; see `signature_mmd`."""
    seen = (jax.vmap(imitation.view)(paths) for paths in (teachers, own))
    return signature_mmd(*seen, depth=depth, kernel=imitation.kernel)


def _gaussian_divergence(mean, covariance, target, target_covariance) -> Float[Array, ""]:
    ours, theirs = jnp.linalg.cholesky(covariance), jnp.linalg.cholesky(target_covariance)
    ratio = solve_triangular(theirs, ours, lower=True)
    away = solve_triangular(theirs, target - mean, lower=True)
    volume = jnp.sum(jnp.log(jnp.diag(theirs))) - jnp.sum(jnp.log(jnp.diag(ours)))
    return 0.5 * (jnp.sum(ratio**2) + jnp.sum(away**2) - mean.shape[0]) + volume
