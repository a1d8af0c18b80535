r"""The law of what location and scale leave unexplained: a normal variance mixture, one mixing variable for all assets.

$$\varepsilon = \sqrt w\, n, \qquad n \sim N(0, C), \qquad w \text{ one number for all assets}$$

Because w is shared, an extreme of one asset makes an extreme of another likely, be they correlated or not.
"""

import abc
import math

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import scipy.stats
from flax import nnx
from jax.scipy.special import logsumexp, ndtr
from jaxtyping import Array, Float

from ..core import PRNGKey, lenient, student_t_quantile
from ..stochastic.gamma import standard_gamma

DEGREES_OF_FREEDOM_MIN = 2.05
DEGREES_OF_FREEDOM_MAX = 60.0
_LOG_SCALE_BOUND = 3.0  # scales of components stay within a factor of 20 of 1
_HALVINGS = 60
_TAIL_LEVEL, _BODY_LEVEL = 0.99, 0.75


class AbstractEmission(nnx.Module):
    """The standard law: location 0, scale 1 and correlation C = I."""

    @property
    @abc.abstractmethod
    def degrees_of_freedom(self) -> Float[Array, ""]:
        """Return nu in (2, 60] of the Student-t law that this is, or whose tail is most like this one's."""

    @abc.abstractmethod
    def joint_log_density(self, white: Float[Array, "*batch assets"]) -> Float[Array, "*batch"]:
        """Return the log density of all assets together, their correlation taken out."""

    @abc.abstractmethod
    def log_density(self, residual: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
        """Return the log density of each asset alone."""

    @abc.abstractmethod
    def mixing(self, key: PRNGKey, bars: int, dtype: jnp.dtype) -> Float[Array, " bars"]:
        """Draw w of each bar."""

    @abc.abstractmethod
    def quantile(self, levels: Float[Array, " levels"]) -> Float[Array, " levels"]:
        """Return quantiles of one asset, in double precision."""


class StudentTEmission(AbstractEmission):
    r"""$w \sim \mathrm{InvGamma}(\nu/2, \nu/2)$: a multivariate Student-t, nu learnt in (2, 60].

    Args:
        degrees_of_freedom: nu at the start.
    """

    def __init__(self, degrees_of_freedom: float):
        self.raw_degrees_of_freedom = nnx.Param(jnp.asarray(_raw(degrees_of_freedom), jnp.float32))

    @property
    def degrees_of_freedom(self) -> Float[Array, ""]:
        share = jax.nn.sigmoid(self.raw_degrees_of_freedom[...])
        return DEGREES_OF_FREEDOM_MIN + (DEGREES_OF_FREEDOM_MAX - DEGREES_OF_FREEDOM_MIN) * share

    def joint_log_density(self, white: Float[Array, "*batch assets"]) -> Float[Array, "*batch"]:
        assets = white.shape[-1]
        with lenient():
            origin, identity = jnp.zeros(assets, white.dtype), jnp.eye(assets, dtype=white.dtype)
            return dist.MultivariateStudentT(self.degrees_of_freedom, origin, identity).log_prob(white)

    def log_density(self, residual: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
        with lenient():
            return dist.StudentT(self.degrees_of_freedom).log_prob(residual)

    def mixing(self, key: PRNGKey, bars: int, dtype: jnp.dtype) -> Float[Array, " bars"]:
        half = 0.5 * self.degrees_of_freedom.astype(dtype)
        return half / standard_gamma(key, half, bars)

    def quantile(self, levels: Float[Array, " levels"]) -> Float[Array, " levels"]:
        return student_t_quantile(levels, self.degrees_of_freedom.astype(levels.dtype))


class GaussianMixtureEmission(AbstractEmission):
    r"""$P(w = s_k^2) = \pi_k$: a mixture of normals around one centre, weights and scales learnt.

    It starts from a Student-t law: its mixing variable is cut into bins of probability 1/2, 1/4, ... (the last two are
    the same), and each bin is a component at its mean, so that the variance is that law's.

    Args:
        components: K, at least 2.
        degrees_of_freedom: nu > 2 of that Student-t law.

    Raises:
        ValueError: if there are fewer than 2 components.
    """

    def __init__(self, components: int, degrees_of_freedom: float):
        if components < 2:
            raise ValueError(f"a mixture needs at least 2 components, was {components}.")
        weights, variances = _bins(components, degrees_of_freedom)
        self.logits = nnx.Param(jnp.asarray(np.log(weights), jnp.float32))
        scaled = np.clip(0.5 * np.log(variances) / _LOG_SCALE_BOUND, -0.999, 0.999)
        self.raw_log_scales = nnx.Param(jnp.asarray(_LOG_SCALE_BOUND * np.arctanh(scaled), jnp.float32))

    @property
    def weights(self) -> Float[Array, " components"]:
        """Return pi."""
        return jax.nn.softmax(self.logits[...])

    @property
    def scales(self) -> Float[Array, " components"]:
        """Return s."""
        return jnp.exp(_LOG_SCALE_BOUND * jnp.tanh(self.raw_log_scales[...] / _LOG_SCALE_BOUND))

    @property
    def degrees_of_freedom(self) -> Float[Array, ""]:
        """Return nu of the law whose 99 % quantile is as many times its 75 % quantile as here."""
        tail, body = self.quantile(jnp.asarray([_TAIL_LEVEL, _BODY_LEVEL]))
        ratio = tail / body

        def halve(_, bracket):
            low, high = bracket
            middle = jnp.sqrt(low * high)
            quantiles = student_t_quantile(jnp.asarray([_TAIL_LEVEL, _BODY_LEVEL]), middle)
            heavier = quantiles[0] / quantiles[1] > ratio
            return jnp.where(heavier, middle, low), jnp.where(heavier, high, middle)

        ends = (jnp.full_like(ratio, DEGREES_OF_FREEDOM_MIN), jnp.full_like(ratio, DEGREES_OF_FREEDOM_MAX))
        low, high = jax.lax.fori_loop(0, 40, halve, ends)
        return jnp.sqrt(low * high)

    def joint_log_density(self, white: Float[Array, "*batch assets"]) -> Float[Array, "*batch"]:
        return self._log_mixture(jnp.sum(white**2, axis=-1), white.shape[-1])

    def log_density(self, residual: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
        return self._log_mixture(residual**2, 1)

    def _log_mixture(self, square: Float[Array, "*batch"], size: int) -> Float[Array, "*batch"]:
        scales = self.scales
        each = jax.nn.log_softmax(self.logits[...]) - size * (jnp.log(scales) + 0.5 * math.log(2.0 * math.pi))
        shape = (1,) * square.ndim + (-1,)
        return logsumexp(each.reshape(shape) - 0.5 * square[..., None] / (scales**2).reshape(shape), axis=-1)

    def mixing(self, key: PRNGKey, bars: int, dtype: jnp.dtype) -> Float[Array, " bars"]:
        picked = jax.random.categorical(key, self.logits[...], shape=(bars,))
        return (self.scales**2).astype(dtype)[picked]

    def quantile(self, levels: Float[Array, " levels"]) -> Float[Array, " levels"]:
        levels = jnp.asarray(levels, float)
        weights, scales = self.weights.astype(float), self.scales.astype(float)
        weights = weights / jnp.sum(weights)  # they sum to 1 in single precision only

        def halve(_, bracket):
            low, high = bracket
            middle = 0.5 * (low + high)
            below = ndtr(middle[:, None] / scales[None, :]) @ weights < levels
            return jnp.where(below, middle, low), jnp.where(below, high, middle)

        far = jnp.full_like(levels, 40.0) * jnp.max(scales)
        low, high = jax.lax.fori_loop(0, _HALVINGS, halve, (-far, far))
        return 0.5 * (low + high)


def _bins(components: int, degrees_of_freedom: float) -> tuple[np.ndarray, np.ndarray]:
    r"""Return probability and mean of each bin of $w = \nu / X$, X of a chi-square law with nu degrees of freedom.

    $E[w; X \in B] = \frac{\nu}{\nu - 2} P(X' \in B)$ with X' of nu - 2 degrees of freedom.
    """
    nu = max(degrees_of_freedom, DEGREES_OF_FREEDOM_MIN)
    weights = 0.5 ** np.arange(1, components + 1)
    weights[-1] *= 2.0
    edges = scipy.stats.chi2.isf(np.concatenate([[0.0], np.cumsum(weights)]), nu)
    edges[-1] = 0.0  # rounding of the sum
    share = -np.diff(scipy.stats.chi2.cdf(edges, nu - 2.0))
    return weights, nu / (nu - 2.0) * share / weights


def _raw(start: float) -> float:
    """Return what the sigmoid in `degrees_of_freedom` turns into `start`, kept off both of its ends."""
    share = (start - DEGREES_OF_FREEDOM_MIN) / (DEGREES_OF_FREEDOM_MAX - DEGREES_OF_FREEDOM_MIN)
    share = min(max(share, 1e-3), 1.0 - 1e-3)
    return math.log(share / (1.0 - share))
