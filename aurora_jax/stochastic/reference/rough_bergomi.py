"""The rough Bergomi model: variance is the exponential of Volterra noise."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from aurora_jax.core import Number, PRNGKey, stream

from ..domain import at_least, within
from ..volterra import volterra_noise
from .stochastic_volatility import AbstractStochasticVolatility, Drive


class RoughBergomi(AbstractStochasticVolatility):
    r"""A lognormal rough variance, flat in expectation, with leverage through the Brownian motion that drives it.

    $$v_t = \xi \exp\bigl(\eta V_t - \tfrac12 \eta^2 t^{2H}\bigr), \qquad
      V_t = \sqrt{2H} \int_0^t (t-s)^{H-1/2}\,dW_s, \qquad dS = r S\,dt + \sqrt v S\,dB, \qquad dB\,dW = \rho\,dt$$

    The variance is exact on the grid; the price's integrals take its value at the left point of each step.

    References:
        Bayer, Friz and Gatheral (2016), Pricing under rough volatility, Quantitative Finance 16(6), 887-904;
        McCrickerd and Pakkanen (2018), Turbocharging Monte Carlo pricing for the rough Bergomi model, eq. 1-3.
    """

    spot: Float[Array, ""]
    rate: Float[Array, ""]
    forward_variance: Float[Array, ""]
    hurst: Float[Array, ""]
    volatility_of_volatility: Float[Array, ""]
    correlation: Float[Array, ""]
    noise: Callable = eqx.field(static=True)

    def __init__(
        self,
        *,
        spot: Number,
        rate: Number,
        forward_variance: Number,
        hurst: Number,
        volatility_of_volatility: Number,
        correlation: Number,
        noise: Callable = volterra_noise,
    ):
        """Set the model, per unit time.

        Args:
            spot: > 0.
            rate: continuously compounded.
            forward_variance: xi > 0, the expected variance at every time.
            hurst: H in (0, 1).
            volatility_of_volatility: eta > 0.
            correlation: rho in (-1, 1).
            noise: draws W's increments and V; `hybrid_volterra_noise` for many steps.

        Raises:
            ValueError: if they are out of range.
        """
        self.spot = within("spot", spot, 0.0)
        self.rate = within("rate", rate, -jnp.inf)
        self.forward_variance = within("forward_variance", forward_variance, 0.0)
        self.hurst = within("hurst", hurst, 0.0, 1.0)
        self.volatility_of_volatility = within("volatility_of_volatility", volatility_of_volatility, 0.0)
        self.correlation = within("correlation", correlation, -1.0, 1.0)
        self.noise = noise

    def drive(self, key: PRNGKey, *, horizon: Number, steps: int) -> Drive:
        step = within("horizon", horizon, 0.0) / at_least("steps", steps, 1)
        brownian, rough = self.noise(stream(key, "volterra"), hurst=self.hurst, steps=steps, step_size=step)
        times = step * jnp.asarray(np.arange(1, steps + 1), step.dtype)
        eta = self.volatility_of_volatility
        later = self.forward_variance * jnp.exp(eta * rough - 0.5 * eta**2 * times ** (2.0 * self.hurst))
        left = jnp.concatenate([self.forward_variance[None], later[:-1]])
        leveraged = self.correlation * jnp.sqrt(left) * brownian
        return Drive(
            variance=left,
            mean=(self.rate - 0.5 * left) * step + leveraged,
            spread=(1.0 - self.correlation**2) * left * step,
        )
