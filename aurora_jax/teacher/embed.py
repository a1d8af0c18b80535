"""What a window of returns tells of the teacher's latent factors at its end, without a filter."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float

from ..core import PRNGKey

_SIGNALS = 4
_LARGEST = 6.0  # of a signal: e^6 typical deviations


class Latent(NamedTuple):
    """Gaussian law of the latent factors."""

    mean: Float[Array, " factors"]
    covariance: Float[Array, "factors factors"]


class TeacherEmbedder(eqx.Module):
    r"""A map from a window of returns to mean and covariance of the teacher's log-volatility factors at its end.

    Amortised: trained once on windows that the teacher simulated, it then costs one small network a window, whether
    the window is simulated or real. It knows neither regime nor state. Each bar is reduced to four bounded signals:
    the logarithms of $\tfrac1d r^\top \Sigma^{-1} r$, of the mean over assets of $r_i^2 / \Sigma_{ii}$ and of each
    $r_i^2 / \Sigma_{ii}$, averaged, and the signed move of the basket. None depends on the order of assets, and a jump
    moves none by more than the logarithm of its size. The network sees their means over the window's last bars, with
    weights that halve every 1, 2, 4, ... bars: sums of such kernels follow the power law of a rough factor's memory.

    Attributes:
        mean_return: of each asset, per bar.
        covariance: Sigma, the unit of returns.
        centre: of the network's inputs, and likewise `scale`.
        scale: see `centre`.
        prior_mean: of the factors.
        prior_factor: Cholesky factor of their covariance.
        network: from normalised inputs to a mean and a Cholesky factor, both in units of the prior.
        bars: of a window; of a longer one the last bars are looked at.
    """

    mean_return: Float[Array, " assets"]
    covariance: Float[Array, "assets assets"]
    centre: Float[Array, " inputs"]
    scale: Float[Array, " inputs"]
    prior_mean: Float[Array, " factors"]
    prior_factor: Float[Array, "factors factors"]
    network: eqx.nn.MLP
    bars: int = eqx.field(static=True)

    def __check_init__(self):
        if self.bars < 2:
            raise ValueError(f"bars must be at least 2, was {self.bars}.")

    @property
    def factors(self) -> int:
        """Return the number of latent factors."""
        return self.prior_mean.shape[0]

    def __call__(self, window: Float[Array, "bars_of_window assets"]) -> Latent:
        """Return the law of the factors at the end of the window's last bar, those that drive the bar after it.

        Args:
            window: log returns, oldest first; the caller vmaps over windows.

        Raises:
            ValueError: if the window is shorter than those it was trained on.
            RuntimeError: at run time, if a return is not finite.
        """
        mean, factor = self.read(self.inputs(window))
        return Latent(mean, factor @ factor.T)

    def inputs(self, window: Float[Array, "bars_of_window assets"]) -> Float[Array, " inputs"]:
        """Return the window's signals averaged over its end, with each half-life."""
        if window.shape[0] < self.bars:
            raise ValueError(f"a window needs at least the {self.bars} bars of training, had {window.shape[0]}.")
        last = window[-self.bars :].astype(self.prior_mean.dtype)
        last = eqx.error_if(last, ~jnp.all(jnp.isfinite(last)), "returns must be finite.")
        weights = jnp.asarray(_weights(self.bars), last.dtype)
        return (weights @ self._signals(last)).reshape(-1)

    def read(self, inputs: Float[Array, " inputs"]) -> tuple[Float[Array, " factors"], Float[Array, "factors factors"]]:
        """Return mean and Cholesky factor for the inputs of one window."""
        out = self.network((inputs - self.centre) / self.scale)
        lower = jnp.zeros_like(self.prior_factor).at[np.tril_indices(self.factors)].set(out[self.factors :])
        diagonal = jax.nn.softplus(jnp.diag(lower)) + 1e-3
        lower = lower - jnp.diag(jnp.diag(lower)) + jnp.diag(diagonal)
        return self.prior_mean + self.prior_factor @ out[: self.factors], self.prior_factor @ lower

    def _signals(self, returns: Float[Array, "bars assets"]) -> Float[Array, "bars signals"]:
        deviation = jnp.sqrt(jnp.diag(self.covariance))
        # Beyond any return; but its square stays finite in single precision.
        unit = jnp.clip((returns - self.mean_return[None, :]) / deviation[None, :], -1e6, 1e6)
        correlation = self.covariance / (deviation[:, None] * deviation[None, :])
        white = solve_triangular(jnp.linalg.cholesky(correlation), unit.T, lower=True)
        basket = unit @ deviation / jnp.sqrt(jnp.sum(self.covariance))
        signals = (
            _log_size(jnp.mean(white**2, axis=0)),
            _log_size(jnp.mean(unit**2, axis=1)),
            jnp.mean(_log_size(unit**2), axis=1),
            jnp.arcsinh(basket),
        )
        return _LARGEST * jnp.tanh(jnp.stack(signals, axis=1) / _LARGEST)


def _log_size(square: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    return 0.5 * jnp.log(square + 1e-6)


def _weights(bars: int) -> Float[np.ndarray, "kernels bars"]:
    """Return the weights of the last bar alone, and those that halve every 1, 2, 4, ... bars; each sums to 1."""
    half_lives = 2.0 ** np.arange(int(np.log2(bars)) + 1)
    age = np.arange(bars)[::-1]
    kernels = np.concatenate([(age == 0)[None].astype(float), 0.5 ** (age[None] / half_lives[:, None])])
    return kernels / kernels.sum(axis=1, keepdims=True)


def teacher_embed(embedder: TeacherEmbedder, windows: Float[Array, "windows bars assets"]) -> Latent:
    """Return the law of the teacher's latent factors at the end of each window, real or simulated.

    Args:
        embedder: trained with the teacher; `aurora_jax.engine.load_embedder` reads it from the teacher's folder.
        windows: log returns, oldest first, one window a row.

    Raises:
        ValueError: if the windows are shorter than those it was trained on.
        RuntimeError: at run time, if a return is not finite.
    """
    return jax.vmap(embedder)(windows)


def initial_embedder(
    key: PRNGKey,
    *,
    mean_return: Float[Array, " assets"],
    covariance: Float[Array, "assets assets"],
    factors: int,
    bars: int,
    width: int = 32,
) -> TeacherEmbedder:
    """Return an untrained embedder of two hidden layers; its prior is standard normal."""
    dtype = covariance.dtype
    inputs = _SIGNALS * _weights(bars).shape[0]
    outputs = factors + factors * (factors + 1) // 2
    network = eqx.nn.MLP(inputs, outputs, width, 2, activation=jax.nn.silu, dtype=dtype, key=key)
    one, none = jnp.ones(inputs, dtype), jnp.zeros(inputs, dtype)
    prior = jnp.zeros(factors, dtype), jnp.eye(factors, dtype=dtype)
    return TeacherEmbedder(mean_return, covariance, none, one, *prior, network, bars)
