"""The rough Heston model by the inverse Gaussian scheme of its integrated variance."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from aurora_jax.core import Number, PRNGKey, require_x64, stream

from ..domain import at_least, refuse_if, within
from ..normal_inverse_gaussian import inverse_gaussian
from .mittag_leffler import mittag_leffler
from .stochastic_volatility import AbstractStochasticVolatility, Drive, finite


class RoughHeston(AbstractStochasticVolatility):
    r"""A square-root variance with a fractional kernel, $\alpha = H + 1/2$.

    $$v_t = v_0 + \frac1{\Gamma(\alpha)} \int_0^t (t-s)^{\alpha-1}
            \bigl(\kappa(\theta - v_s)\,ds + \sigma \sqrt{v_s}\,dW_s\bigr), \qquad
      dS = r S\,dt + \sqrt v S\,dB, \qquad dB\,dW = \rho\,dt$$

    Equivalently $v_t = \xi_0(t) + \int_0^t K(t-s)\,dZ_s$, $dZ = \sqrt v\,dW$, with
    $K(t) = \sigma t^{\alpha-1} E_{\alpha,\alpha}(-\kappa t^\alpha)$ and
    $\xi_0(t) = \theta + (v_0 - \theta) E_{\alpha,1}(-\kappa t^\alpha)$. Over a step, with the kernel taken as its mean
    $\bar K_j$ over the steps between, the integrated variance is $U_i = a_i + h \bar K_0 Z_i$ with
    $a_i = \int \xi_0 + h \sum_{j<i} \bar K_{i-j} Z_j$. As Z is a Brownian motion at the time U, $U_i$ is its first
    passage of a line: inverse Gaussian of mean $a_i$ and shape $(a_i / h \bar K_0)^2$. The discounted price is an exact
    martingale. Costs steps^2 a path.

    References:
        El Euch and Rosenbaum (2019), The characteristic function of rough Heston models, Mathematical Finance 29(1),
        eq. 1-2; Abi Jaber and Attal (2025), Simulating integrated Volterra square-root processes and Volterra Heston
        models via inverse Gaussian, arXiv 2504.19885.
    """

    spot: Float[Array, ""]
    rate: Float[Array, ""]
    initial_variance: Float[Array, ""]
    long_run_variance: Float[Array, ""]
    reversion: Float[Array, ""]
    volatility_of_variance: Float[Array, ""]
    hurst: Float[Array, ""]
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
        hurst: Number,
        correlation: Number,
    ):
        """Set the model, per unit time.

        Args:
            spot: > 0.
            rate: continuously compounded.
            initial_variance: v_0 > 0.
            long_run_variance: theta > 0.
            reversion: kappa > 0, per time^(H + 1/2).
            volatility_of_variance: sigma > 0.
            hurst: H in (0, 1/2]; 1/2 is Heston's model.
            correlation: rho in (-1, 1).

        Raises:
            ValueError: if they are out of range.
        """
        self.spot = within("spot", spot, 0.0)
        self.rate = within("rate", rate, -jnp.inf)
        self.initial_variance = within("initial_variance", initial_variance, 0.0)
        self.long_run_variance = within("long_run_variance", long_run_variance, 0.0)
        self.reversion = within("reversion", reversion, 0.0)
        self.volatility_of_variance = within("volatility_of_variance", volatility_of_variance, 0.0)
        hurst = within("hurst", hurst, 0.0, 1.0)
        self.hurst = refuse_if(hurst, hurst > 0.5, "hurst must lie in (0, 1/2]")
        self.correlation = within("correlation", correlation, -1.0, 1.0)

    def drive(self, key: PRNGKey, *, horizon: Number, steps: int) -> Drive:
        """Draw as the interface says; the horizon may be at most 10 reversion times, kappa^(-1 / (H + 1/2))."""
        require_x64("RoughHeston.drive")
        step = within("horizon", horizon, 0.0) / at_least("steps", steps, 1)
        kernel, curve = self._integrals(step, steps)
        # Reversed and padded: the weights of all steps before step n are a window of it.
        weights = jnp.concatenate([kernel[:0:-1], jnp.zeros((steps,), kernel.dtype)])

        def advance(martingale, inputs):
            n, expected, key = inputs
            past = lax.dynamic_slice_in_dim(weights, steps - 1 - n, steps) @ martingale
            # Not negative in exact arithmetic for a kernel that falls as this one does; rounding may make it so.
            forward = jnp.maximum(expected + past, jnp.finfo(curve.dtype).eps * expected)
            integrated = inverse_gaussian(key, mean=forward, shape=(forward / kernel[0]) ** 2, count=1)[0]
            own = (integrated - forward) / kernel[0]
            return martingale.at[n].set(own), (integrated, own)

        inputs = (jnp.arange(steps), curve, jr.split(stream(key, "variance"), steps))
        _, (integrated, martingale) = lax.scan(advance, jnp.zeros((steps,), kernel.dtype), inputs)
        # exp(rho Z - rho^2 U / 2) has mean 1 at a first passage of Z - U / K only if rho <= 1 / K.
        bounded = jnp.where(self.correlation * kernel[0] <= 1.0, 0.0, jnp.inf)
        mean = self.rate * step - 0.5 * integrated + self.correlation * martingale + bounded
        return Drive(integrated / step, finite(mean), (1.0 - self.correlation**2) * integrated)

    def _integrals(self, step: Float[Array, ""], steps: int) -> tuple[Float[Array, " steps"], Float[Array, " steps"]]:
        r"""Return the integrals of K and of the forward variance over each step."""
        order = self.hurst + 0.5
        times = step * jnp.asarray(np.arange(steps + 1), step.dtype)
        argument = -self.reversion * times**order
        # int_0^t s^{alpha-1} E_{alpha,alpha} = t^alpha E_{alpha,alpha+1}, int_0^t E_{alpha,1} = t E_{alpha,2}
        kernel = self.volatility_of_variance * times**order * mittag_leffler(argument, order=order, second=order + 1.0)
        remaining = times * mittag_leffler(argument, order=order, second=jnp.full_like(order, 2.0))
        distance = self.initial_variance - self.long_run_variance
        return jnp.diff(kernel), self.long_run_variance * step + distance * jnp.diff(remaining)
