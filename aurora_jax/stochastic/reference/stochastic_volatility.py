"""What every model of a price with stochastic variance here can do."""

from abc import abstractmethod
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from aurora_jax.core import Number, PRNGKey, stream


class Drive(NamedTuple):
    """A path of the variance, and what it (with the jumps) tells about the price's steps.

    Given the drive, the steps of the log price are independent normals.

    Attributes:
        variance: per unit time, averaged over each step by the model's own quadrature.
        mean: of each step of the log price, given the drive.
        spread: variance of each step of the log price, given the drive.
    """

    variance: Float[Array, "*batch steps"]
    mean: Float[Array, "*batch steps"]
    spread: Float[Array, "*batch steps"]


class PricePath(NamedTuple):
    """One path of the log price at the times 0, h, ..., horizon, and the variance per unit time between them."""

    times: Float[Array, "*batch points"]
    log_price: Float[Array, "*batch points"]
    variance: Float[Array, "*batch steps"]


class ConditionalLaw(NamedTuple):
    """The terminal price is lognormal given the drive: its mean, and the variance of its logarithm."""

    forward: Float[Array, "*batch"]
    total_variance: Float[Array, "*batch"]


class AbstractStochasticVolatility(eqx.Module):
    """A price under the pricing measure, whose log price is Gaussian given its variance and jumps.

    Attributes:
        spot: price today.
        rate: interest rate per unit time, continuously compounded.
    """

    spot: eqx.AbstractVar[Float[Array, ""]]
    rate: eqx.AbstractVar[Float[Array, ""]]

    @abstractmethod
    def drive(self, key: PRNGKey, *, horizon: Number, steps: int) -> Drive:
        """Draw one path of what drives the price; the discounted price it gives is a martingale, step by step.

        Args:
            key: parent of the path's streams.
            horizon: > 0.
            steps: of equal length, at least 1.

        Raises:
            ValueError: if an argument is out of range.
        """

    def simulate(self, key: PRNGKey, *, horizon: Number, steps: int) -> PricePath:
        """Draw one path of price and variance; the caller vmaps over keys.

        Args:
            key: parent of the path's streams.
            horizon: > 0.
            steps: of equal length, at least 1.

        Raises:
            ValueError: if an argument is out of range.
        """
        drive = self.drive(stream(key, "drive"), horizon=horizon, steps=steps)
        moves = drive.mean + jnp.sqrt(drive.spread) * jr.normal(stream(key, "price"), (steps,))
        log_price = jnp.log(self.spot) + jnp.concatenate([jnp.zeros((1,), moves.dtype), jnp.cumsum(moves)])
        times = jnp.asarray(horizon, moves.dtype) * jnp.linspace(0.0, 1.0, steps + 1, dtype=moves.dtype)
        return PricePath(times, log_price, drive.variance)

    def conditional(self, key: PRNGKey, *, horizon: Number, steps: int) -> ConditionalLaw:
        """Return the law of the terminal price given one draw of its drive; the caller vmaps over keys.

        Averaging Black's formula over it prices without the noise of the price's own normals.

        References:
            Romano and Touzi (1997), Contingent claims and market completeness in a stochastic volatility model,
            Mathematical Finance 7(4), 399-412; McCrickerd and Pakkanen (2018), Turbocharging Monte Carlo pricing for
            the rough Bergomi model, Quantitative Finance 18(11), section 3.
        """
        drive = self.drive(stream(key, "drive"), horizon=horizon, steps=steps)
        total_variance = jnp.sum(drive.spread)
        return ConditionalLaw(self.spot * jnp.exp(jnp.sum(drive.mean) + 0.5 * total_variance), total_variance)


def finite(mean: Float[Array, " steps"]) -> Float[Array, " steps"]:
    """Return `mean`, refusing steps so long that the scheme's price has no mean (possible if correlation > 0)."""
    return eqx.error_if(mean, ~jnp.all(jnp.isfinite(mean)), "the price of a step has no mean: take more steps.")
