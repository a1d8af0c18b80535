"""Heston's model by Andersen's quadratic-exponential scheme."""

import jax.numpy as jnp
import jax.random as jr
from jax import lax
from jaxtyping import Array, Float

from aurora_jax.core import Number, PRNGKey, stream

from ..domain import at_least, within
from .quadratic_exponential import log_moment, quadratic_exponential
from .stochastic_volatility import AbstractStochasticVolatility, Drive, finite


class Heston(AbstractStochasticVolatility):
    r"""A square-root variance with a correlated price.

    $$dS = r S\,dt + \sqrt v S\,dB, \qquad dv = \kappa(\theta - v)\,dt + \sigma \sqrt v\,dW, \qquad dB\,dW = \rho\,dt$$

    The variance may reach 0 ($2\kappa\theta < \sigma^2$). Its steps have the exact conditional mean and variance, the
    integrated variance is taken by trapezoids, and the discounted price is an exact martingale.

    References:
        Heston (1993), Review of Financial Studies 6(2), 327-343; Andersen (2008), Simple and efficient simulation of
        the Heston stochastic volatility model, J. Computational Finance 11(3), eq. 17-18, 33 and section 4.2.
    """

    spot: Float[Array, ""]
    rate: Float[Array, ""]
    initial_variance: Float[Array, ""]
    long_run_variance: Float[Array, ""]
    reversion: Float[Array, ""]
    volatility_of_variance: Float[Array, ""]
    correlation: Float[Array, ""]

    def __init__(
        self,
        *,
        spot: Number,
        rate: Number,
        initial_variance: Number,
        long_run_variance: Number,
        reversion: Number,
        volatility_of_variance: Number,
        correlation: Number,
    ):
        """Set the model, per unit time; all but `rate` and `correlation` (in (-1, 1)) must be positive."""
        self.spot = within("spot", spot, 0.0)
        self.rate = within("rate", rate, -jnp.inf)
        self.initial_variance = within("initial_variance", initial_variance, 0.0)
        self.long_run_variance = within("long_run_variance", long_run_variance, 0.0)
        self.reversion = within("reversion", reversion, 0.0)
        self.volatility_of_variance = within("volatility_of_variance", volatility_of_variance, 0.0)
        self.correlation = within("correlation", correlation, -1.0, 1.0)

    def drive(self, key: PRNGKey, *, horizon: Number, steps: int) -> Drive:
        step = within("horizon", horizon, 0.0) / at_least("steps", steps, 1)
        decay = jnp.exp(-self.reversion * step)
        noise = self.volatility_of_variance**2 * (1.0 - decay) / self.reversion
        # int sqrt(v) dW, eliminated through dv, leaves the price v' - v times `load`, and v + v' times `slope`.
        load = self.correlation / self.volatility_of_variance
        slope = 0.5 * step * (self.reversion * load - 0.5)
        own = 0.5 * step * (1.0 - self.correlation**2)

        def advance(before, normal):
            mean = self.long_run_variance + (before - self.long_run_variance) * decay
            variance = noise * (before * decay + 0.5 * self.long_run_variance * (1.0 - decay))
            after = quadratic_exponential(normal, mean, variance)
            # E exp(mean + own (v + v') / 2) = 1: what depends on v cancels, save for half of its own variance.
            martingale = -log_moment(slope + load + 0.5 * own, mean, variance) - 0.5 * own * before
            return after, (0.5 * (before + after), martingale + (slope + load) * after, own * (before + after))

        normals = jr.normal(stream(key, "variance"), (steps,))
        _, (variance, mean, spread) = lax.scan(advance, self.initial_variance, normals)
        return Drive(variance, self.rate * step + finite(mean), spread)
