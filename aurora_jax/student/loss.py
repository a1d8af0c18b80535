"""What the student is trained on: evidence lower bound, one-step prediction, smooth transitions."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Bool, Float

from ..core import PRNGKey
from .encoder import ParallelEncoder
from .model import DSSM, CellOutput, Gaussian
from .trailing import Trailing
from .usable import check_shapes


class Windows(NamedTuple):
    """Training windows, real or simulated.

    Attributes:
        features: standardised features, known at the end of each bar.
        standard_returns: each bar's return in units of the scale that was expected of it (`Trailing.scale`).
        whitening: inverse of the Cholesky factor of the trailing correlation before the bar.
        observed: False where an asset has no bar; None if all have one.
    """

    features: Float[Array | np.ndarray, "windows bars assets features"]
    standard_returns: Float[Array | np.ndarray, "windows bars assets"]
    whitening: Float[Array | np.ndarray, "windows bars assets assets"]
    observed: Bool[Array | np.ndarray, "windows bars assets"] | None = None


class LossParts(NamedTuple):
    """The loss per bar and asset, and what it is made of before weighting; what is not part of it is 0.

    Attributes:
        total: weighted.
        reconstruction: minus the log density of a return given the state.
        divergence: of the posterior from the prior.
        prediction: minus the joint log density of the next returns.
        single: minus the log density of the next return of each asset alone, whatever the others do.
        jacobian: squared norm of the transition's.
        latent: divergence from the teacher's latent state.
        overlap: of the regimes' states.
        tail: distance of tails and memory from the teacher's.
        signature: distance of paths from the teacher's.
    """

    total: Float[Array, ""]
    reconstruction: Float[Array, ""]
    divergence: Float[Array, ""]
    prediction: Float[Array, ""]
    single: Float[Array, ""]
    jacobian: Float[Array, ""]
    latent: Float[Array, ""] | float = 0.0
    overlap: Float[Array, ""] | float = 0.0
    tail: Float[Array, ""] | float = 0.0
    signature: Float[Array, ""] | float = 0.0

    @property
    def forecast(self) -> Float[Array, ""]:
        """Return what the next bar's forecast is judged by: the mean of its joint and its single densities."""
        return jnp.asarray(0.5 * (self.prediction + self.single))


def standardise_returns(
    trailing: Trailing, returns: Float[Array, "bars assets"], observed: Bool[Array, "bars assets"] | None = None
) -> tuple[Float[Array, "bars assets"], Float[Array, "bars assets assets"]]:
    """Express each return in the scale that was expected of it, beside that time's whitening matrix.

    Raises:
        ValueError: if the returns are of another number of assets than `trailing`; names both shapes.
    """
    told = (returns.shape[0], *trailing.base_variance.shape)
    check_shapes({"returns": returns, "observed": observed}, {"returns": told, "observed": told})
    identity = jnp.eye(returns.shape[1], dtype=returns.dtype)

    def advance(state, bar):
        now, seen = bar
        factor = jnp.linalg.cholesky(trailing.correlation(state))
        out = now / trailing.scale(state), solve_triangular(factor, identity, lower=True)
        return trailing.step(state, now, seen), out

    return lax.scan(advance, trailing.init(), (returns, observed))[1]


def student_loss(
    network: DSSM, key: PRNGKey | None, windows: Windows, *, jacobian_weight: float, divergence_weight: float
) -> tuple[Float[Array, ""], LossParts]:
    r"""Return the negative of ELBO plus one-step predictive log-likelihood, per bar and asset.

    $$-\sum_t \mathbb E_q[\log p(x_t|z_t)] + \beta\, KL(q \| p) + \lambda_J \|J_t\|_F^2
      - \tfrac12 \sum_t \Bigl(\log p(x_{t+1} | \bar z_{t+1}) + \sum_i \log p(x_{t+1, i} | \bar z_{t+1})\Bigr)$$

    with $J_t$ the Jacobian of the mean transition and $\bar z$ its mean: the last term is the forecast that is
    served, so it is trained on as well; by the joint law, which a portfolio needs, and by each asset's own, which its
    interval needs: the joint density alone improves while single ones become worse. One posterior sample per bar. A bar
    on which an asset is missing has no part in the joint densities; the missing asset is predicted through it.

    Args:
        network: the model.
        key: spent on the posterior samples; None takes the posterior's mean, as the student is served.
        windows: a batch.
        jacobian_weight: lambda_J.
        divergence_weight: beta.

    Raises:
        ValueError: if a window has fewer than two bars, so that there is no next bar to predict.
    """
    return evidence_loss(
        network,
        filter_windows(network, key, windows),
        windows,
        jacobian_weight=jacobian_weight,
        divergence_weight=divergence_weight,
    )


def filter_windows(network: DSSM, key: PRNGKey | None, windows: Windows) -> CellOutput:
    """Run the filter over each window, with one posterior sample a bar, or as it is served if there is no key."""
    noise = None
    if key is not None:
        noise = jax.random.normal(key, (*windows.standard_returns.shape, network.latent), jnp.float32)
    return jax.vmap(lambda *bars: filter_window(network, *bars))(windows.features, noise, windows.observed)


def evidence_loss(
    network: DSSM, cells: CellOutput, windows: Windows, *, jacobian_weight: float, divergence_weight: float
) -> tuple[Float[Array, ""], LossParts]:
    """Return `student_loss` of windows that were filtered already.

    Raises:
        ValueError: if a window has fewer than two bars.
    """
    count, bars, assets = windows.standard_returns.shape
    if bars < 2:
        raise ValueError(f"windows need at least 2 bars, one to predict the next from; had {bars}.")
    reconstruction = _log_density(network, cells.emission, windows.standard_returns, windows.whitening)
    ahead = jax.tree.map(lambda leaf: leaf[:, :-1], cells.forecast)
    prediction = _log_density(network, ahead, windows.standard_returns[:, 1:], windows.whitening[:, 1:])
    whole = jnp.ones((count, bars)) if windows.observed is None else jnp.all(windows.observed, axis=-1)
    reconstruction, prediction = _mean_where(reconstruction, whole), _mean_where(prediction, whole[:, 1:])
    single = _single_log_density(network, ahead, windows.standard_returns[:, 1:])
    single = _mean_where(single, jnp.ones(single.shape) if windows.observed is None else windows.observed[:, 1:])
    divergence = jnp.mean(jnp.sum(_divergence(cells.posterior, cells.prior), axis=-1))
    jacobian = _transition_steepness(network, cells.latent[:, :: max(bars // 4, 1)])
    parts = LossParts(
        total=-reconstruction / assets
        + divergence_weight * divergence
        + jacobian_weight * jacobian
        - 0.5 * (prediction / assets + single),
        reconstruction=-reconstruction / assets,
        divergence=divergence,
        prediction=-prediction / assets,
        single=-single,
        jacobian=jacobian,
    )
    return parts.total, parts


def filter_window(
    network: DSSM,
    features: Float[Array, "bars assets features"],
    noise: Float[Array, "bars assets latent"] | None = None,
    observed: Bool[Array, "bars assets"] | None = None,
) -> CellOutput:
    """Run the filter over a window, from empty memory; without `noise` it is what the online step computes.

    Raises:
        ValueError: if features, noise or observed have another width than the network or each other; names both shapes.
    """
    told = features.shape[:2]
    check_shapes(
        {"features": features, "noise": noise, "observed": observed},
        {"features": (*told, network.features), "noise": (*told, network.latent), "observed": told},
    )
    if noise is None:
        noise = jnp.zeros((*features.shape[:2], network.latent), jnp.float32)
    if isinstance(network.encoder, ParallelEncoder):
        return _filter_in_parallel(network, network.encoder, features, noise, observed)
    return filter_bar_by_bar(network, features, noise, observed)


def filter_bar_by_bar(
    network: DSSM,
    features: Float[Array, "bars assets features"],
    noise: Float[Array, "bars assets latent"],
    observed: Bool[Array, "bars assets"] | None = None,
) -> CellOutput:
    """Run the filter as a loop over the cell, whatever the encoder; `filter_window` may have a faster way."""
    nothing = (jnp.zeros((features.shape[1], size), jnp.float32) for size in (network.hidden, network.latent))

    def advance(carry, bar):
        hidden, cell = network.cell(*carry, *bar)
        return (hidden, cell.latent), cell

    return lax.scan(advance, tuple(nothing), (features, noise, observed))[1]


def _filter_in_parallel(network: DSSM, encoder: ParallelEncoder, features, noise, observed) -> CellOutput:
    """Loop over bars for the latent state alone: memory before it and emissions after it take all bars at once."""
    hidden = encoder.over_bars(network.encoder_inputs(features, observed), observed)

    def advance(latent, bar):
        memory, eps, seen = bar
        prior, posterior, sample = network.infer(memory, latent, eps, seen)
        return sample, (prior, posterior, sample)

    start = jnp.zeros((features.shape[1], network.latent), jnp.float32)
    return network.read(*lax.scan(advance, start, (hidden, noise, observed))[1])


def _log_density(network, emission, returns, whitening) -> Float[Array, "windows bars"]:
    """Log density of all assets together, with one mixing variable: independent tails would have no tail dependence.

    The law is spherical once whitened, and the scale matrix enters by its determinant: no factorisation per step.
    """
    location, log_scale = emission
    residual = (returns - location) * jnp.exp(-log_scale)
    white = jnp.einsum("wbij,wbj->wbi", whitening, residual)
    density = network.emission.joint_log_density(white)
    return density + jnp.sum(jnp.log(jnp.diagonal(whitening, axis1=-2, axis2=-1)) - log_scale, axis=-1)


def _single_log_density(network, emission, returns) -> Float[Array, "windows bars assets"]:
    """Log density of each asset alone: what the joint law says of it, whatever its correlations."""
    location, log_scale = emission
    return network.emission.log_density((returns - location) * jnp.exp(-log_scale)) - log_scale


def _mean_where(values: Float[Array, "*shape"], counted) -> Float[Array, ""]:
    """Return the mean over what counts; 0 if nothing does."""
    weight = counted.astype(values.dtype)
    return jnp.sum(values * weight) / jnp.maximum(jnp.sum(weight), 1.0)


def _divergence(q: Gaussian, p: Gaussian) -> Float[Array, "*batch latent"]:
    ratio = jnp.exp(q.log_variance - p.log_variance)
    shift = (q.mean - p.mean) ** 2 * jnp.exp(-p.log_variance)
    return 0.5 * (ratio + shift - 1.0 - (q.log_variance - p.log_variance))


def _transition_steepness(network: DSSM, latent: Float[Array, "windows bars assets latent"]) -> Float[Array, ""]:
    """Mean squared Frobenius norm of the mean transition's Jacobian, on a subsample of bars and the first asset."""
    points = latent[:, :, 0].reshape(-1, network.latent)
    jacobian = jax.vmap(jax.jacfwd(lambda z: network.transition(z).mean))(points)
    return jnp.mean(jnp.sum(jacobian**2, axis=(1, 2)))
