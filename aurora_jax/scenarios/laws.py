"""Laws of returns whose invariants are known in closed form: the estimators' standing exam."""

import abc
import math
from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import scipy.special  # not scipy.stats, whose import takes as long as that of jax
from jaxtyping import Array, Float

from ..core import PRNGKey, stream
from ..stochastic import fractional_gaussian_noise


class AbstractLaw(eqx.Module):
    """A stationary law of log returns."""

    assets: eqx.AbstractVar[int]
    scale: eqx.AbstractVar[float]

    @abc.abstractmethod
    def returns(self, key: PRNGKey, *, steps: int) -> Float[Array, "steps assets"]:
        """Draw one path of log returns; the caller vmaps over keys."""

    @abc.abstractmethod
    def truth(self) -> dict[str, float]:
        """Return the invariants that the law has in closed form, by name; one it has not is absent."""

    def parameters(self) -> dict[str, float]:
        """Return the law's parameters by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def _check_common(law: AbstractLaw) -> None:
    if not isinstance(law.assets, int) or law.assets < 1:
        raise ValueError(f"assets must be a whole number of at least 1, was {law.assets}.")
    if not 0.0 < law.scale < math.inf:
        raise ValueError(f"scale must be positive, was {law.scale}.")


class FractionalGaussian(AbstractLaw):
    """Independent fractional Gaussian noises of one Hurst exponent; `scale` is the standard deviation per bar."""

    hurst: float = eqx.field(static=True)
    assets: int = eqx.field(static=True, default=2)
    scale: float = eqx.field(static=True, default=0.01)

    def __check_init__(self):
        _check_common(self)
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
        _check_common(self)
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
        _check_common(self)
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


LAWS: Mapping[str, type[AbstractLaw]] = {
    "ground_truth_fgn": FractionalGaussian,
    "ground_truth_student_t": StudentTCopula,
    "ground_truth_max_autoregression": MaxAutoregression,
}
"""The law of each ground-truth family."""
