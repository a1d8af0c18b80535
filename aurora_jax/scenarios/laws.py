"""Laws of returns whose invariants are known in closed form: the estimators' standing exam."""

import math
from collections.abc import Callable, Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import scipy.integrate
import scipy.special  # not scipy.stats, whose import takes as long as that of jax
from jaxtyping import Array, Float

from ..core import PRNGKey, stream
from ..stochastic import fractional_gaussian_noise
from .law import AbstractLaw, check_common
from .law_arch import ConditionalHeteroskedastic
from .law_hawkes import HawkesJumps


class FractionalGaussian(AbstractLaw):
    """Independent fractional Gaussian noises of one Hurst exponent; `scale` is the standard deviation per bar."""

    hurst: float = eqx.field(static=True)
    assets: int = eqx.field(static=True, default=2)
    scale: float = eqx.field(static=True, default=0.01)

    def __check_init__(self):
        check_common(self)
        if not 0.0 < self.hurst < 1.0:
            raise ValueError(f"hurst must lie in (0, 1), was {self.hurst}.")

    def returns(self, key: PRNGKey, *, steps: int) -> Float[Array, "steps assets"]:
        keys = jr.split(key, self.assets)
        noise = jax.vmap(lambda k: fractional_gaussian_noise(k, hurst=self.hurst, steps=steps), out_axes=1)(keys)
        return self.scale * noise

    def truth(self) -> dict[str, float]:
        # Gaussian tails have xi = 0 and lambda_U = 0, but no estimator at a finite level can show it: H is the exam.
        return {"hurst": self.hurst}


class StudentTCopula(AbstractLaw):
    r"""Independent draws of a multivariate Student t with one shared mixing variable and equal correlations.

    $$X = \sqrt{\nu / W}\, L Z, \qquad W \sim \chi^2_\nu,$$

    so that $\xi = 1/\nu$ and $\lambda_U = 2\, \bar F_{\nu+1}\bigl(\sqrt{(\nu+1)(1-\rho)/(1+\rho)}\bigr)$.

    References:
        McNeil, Frey and Embrechts (2015), Quantitative Risk Management, eq. 7.38.
    """

    degrees_of_freedom: float = eqx.field(static=True)
    correlation: float = eqx.field(static=True)
    assets: int = eqx.field(static=True, default=2)
    scale: float = eqx.field(static=True, default=0.01)

    def __check_init__(self):
        check_common(self)
        if not 0.0 < self.degrees_of_freedom < math.inf:
            raise ValueError(f"degrees_of_freedom must be positive, was {self.degrees_of_freedom}.")
        if not -1.0 / max(self.assets - 1, 1) < self.correlation < 1.0:
            raise ValueError(f"correlation must make a positive definite matrix, was {self.correlation}.")

    def returns(self, key: PRNGKey, *, steps: int) -> Float[Array, "steps assets"]:
        shape = jnp.full((self.assets, self.assets), self.correlation) + (1.0 - self.correlation) * jnp.eye(self.assets)
        normals = jr.normal(stream(key, "normal"), (steps, self.assets)) @ jnp.linalg.cholesky(shape).T
        nu = self.degrees_of_freedom
        mixing = 2.0 * jr.gamma(stream(key, "mixing"), nu / 2.0, (steps, 1)) / nu
        return self.scale * normals / jnp.sqrt(mixing)

    def truth(self) -> dict[str, float]:
        nu, rho = self.degrees_of_freedom, self.correlation
        known = {"hurst": 0.5, "tail_index": 1.0 / nu, "extremal_index": 1.0}
        if self.assets > 1:
            edge = math.sqrt((nu + 1.0) * (1.0 - rho) / (1.0 + rho))
            known["tail_dependence"] = float(2.0 * scipy.special.stdtr(nu + 1.0, -edge))
        return known

    def at_level(self, *, tail_share: float, extreme_quantile: float) -> dict[str, float]:
        nu = self.degrees_of_freedom
        threshold = -float(scipy.special.stdtrit(nu, tail_share))
        found = {"tail_index": hill_limit(lambda x: float(scipy.special.stdtr(nu, -x)), threshold)}
        if self.assets > 1:
            level = -float(scipy.special.stdtrit(nu, 1.0 - extreme_quantile))
            found["tail_dependence"] = self._joint_exceedance(level) / (1.0 - extreme_quantile)
        return {**self.truth(), **found}

    def _joint_exceedance(self, level: float) -> float:
        r"""Return $P(X_1 > x, X_2 > x)$: given the mixing variable, two normals; given one of them, a normal."""
        nu, rho = self.degrees_of_freedom, self.correlation

        def given_first(z: float, x: float) -> float:
            rest = (x - rho * z) / math.sqrt(1.0 - rho**2)
            return math.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi) * float(scipy.special.ndtr(-rest))

        def given_mixing(share: float) -> float:  # quantiles of the chi-square law, so that the weight is uniform
            x = level * math.sqrt(float(scipy.special.chdtri(nu, 1.0 - share)) / nu)
            return scipy.integrate.quad(given_first, x, x + 12.0, args=(x,))[0]

        return scipy.integrate.quad(given_mixing, 0.0, 1.0, limit=200)[0]


class MaxAutoregression(AbstractLaw):
    r"""Independent max-autoregressions, whose losses cluster with a known extremal index.

    $$Y_t = \max(a Y_{t-1}, (1 - a) Z_t), \qquad r_t = s\,(\Gamma(1-\xi) - Y_t^{\xi})$$

    With Z unit Fréchet so is Y, and $E\,Y^\xi = \Gamma(1-\xi)$: losses have mean zero, tail index $\xi$ and extremal
    index $1 - a$.

    References:
        Davis and Resnick (1989), Adv. Appl. Probab. 21(4), 781-803.
    """

    persistence: float = eqx.field(static=True)
    tail_index: float = eqx.field(static=True)
    assets: int = eqx.field(static=True, default=2)
    scale: float = eqx.field(static=True, default=0.01)

    def __check_init__(self):
        check_common(self)
        if not 0.0 <= self.persistence < 1.0:
            raise ValueError(f"persistence must lie in [0, 1), was {self.persistence}.")
        if not 0.0 < self.tail_index < 1.0:
            raise ValueError(f"tail_index must lie in (0, 1), was {self.tail_index}.")

    def returns(self, key: PRNGKey, *, steps: int) -> Float[Array, "steps assets"]:
        a, xi = self.persistence, self.tail_index
        frechet = 1.0 / jr.exponential(key, (steps + 1, self.assets))

        def advance(previous, shock):
            present = jnp.maximum(a * previous, (1.0 - a) * shock)
            return present, present

        _, maxima = jax.lax.scan(advance, frechet[0], frechet[1:])  # the start is a draw of the stationary law
        return self.scale * (math.gamma(1.0 - xi) - maxima**xi)

    def truth(self) -> dict[str, float]:
        return {"tail_index": self.tail_index, "extremal_index": 1.0 - self.persistence}

    def at_level(self, *, tail_share: float, extreme_quantile: float) -> dict[str, float]:
        xi, shift = self.tail_index, math.gamma(1.0 - self.tail_index)

        def survival(loss: float) -> float:  # of Y^xi - Gamma(1 - xi), Y unit Frechet
            return -math.expm1(-((loss + shift) ** (-1.0 / xi)))

        threshold = (-math.log1p(-tail_share)) ** -xi - shift
        return {**self.truth(), "tail_index": hill_limit(survival, threshold)}


def hill_limit(survival: Callable[[float], float], threshold: float) -> float:
    r"""Return what Hill's estimator tends to at a fixed threshold.

    $$E[\log(X/u) \mid X > u] = \frac{1}{\bar F(u)} \int_0^\infty \bar F(u e^y)\, dy$$
    """
    above = scipy.integrate.quad(lambda y: survival(threshold * math.exp(y)), 0.0, 60.0, limit=200)[0]
    return above / survival(threshold)


LAWS: Mapping[str, type[AbstractLaw]] = {
    "ground_truth_fgn": FractionalGaussian,
    "ground_truth_student_t": StudentTCopula,
    "ground_truth_max_autoregression": MaxAutoregression,
    "ground_truth_arch": ConditionalHeteroskedastic,
    "ground_truth_hawkes": HawkesJumps,
}
"""The law of each ground-truth family."""
