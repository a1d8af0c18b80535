"""Densities of a block's returns, with what past bars tell of the hidden heavy scale and of the excitation."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float

from .diffusion import LARGEST_LOG_VOLATILITY
from .excitation import expected_count
from .jumps import JumpLaw

MAXIMUM_JUMPS = 2
MIXING_NODES = np.exp(np.linspace(-2.0, 7.0, 19))
"""Values of the heavy scale: a grid in its logarithm, whose weights follow the law. On equally probable values the
largest would be a few times the mean, and the degrees of freedom be fitted far too low to make up for it."""
_GAUSS_NODES = 5


class Bar(NamedTuple):
    """A bar's return reduced to what its density depends on, and the predictive law of its log-volatility.

    Attributes:
        squared: squared length of the return less its drift, whitened by L(z).
        along: its component along the market direction.
        mean: predicted sum of the factors.
        variance: of that prediction.
        baseline: intensity without excitation, per bar.
    """

    squared: Float[Array, "*bars"]
    along: Float[Array, "*bars"]
    mean: Float[Array, "*bars"]
    variance: Float[Array, "*bars"]
    baseline: Float[Array, "*bars"]


class HiddenState(NamedTuple):
    """What is known of the hidden part at the start of a bar.

    Attributes:
        log_weight: log probability of each node of the heavy scale.
        excess: expected excitation, per bar.
    """

    log_weight: Float[Array, " nodes"]
    excess: Float[Array, ""]


class JumpDynamics(NamedTuple):
    """What carries over from bar to bar.

    Attributes:
        degrees_of_freedom: nu of the marks.
        held: probability that the heavy scale outlives a bar.
        branching_ratio: n.
        decay: beta per bar.
    """

    degrees_of_freedom: Float[Array, ""]
    held: Float[Array, ""]
    branching_ratio: Float[Array, ""]
    decay: Float[Array, ""]


def log_density_of_returns(
    law: JumpLaw, dynamics: JumpDynamics, bars: Bar, *, assets: int, without_jumps: bool = False
) -> Float[Array, ""]:
    r"""Return the sum over bars of the log predictive density of the whitened returns.

    Each bar is a mixture over 0, 1, 2 jumps (Poisson with the mean of a Hawkes process over the bar), over a grid of
    values of the heavy scale w, and over quadrature nodes of the bar's log-volatility. Which w holds is a
    hidden Markov chain, filtered exactly on its nodes: held with probability $e^{-\kappa}$, else drawn anew. The
    excitation is carried as its expectation, fed by the expected number of jumps given the returns so far.

    Args:
        law: of the block's regime.
        dynamics: of scale and excitation.
        bars: of one block, in order.
        assets: number of assets.
        without_jumps: leave all jumps out.
    """
    dtype = bars.squared.dtype
    if without_jumps:
        nothing = jnp.zeros((), dtype)
        one = jax.vmap(lambda bar: _component(law, bar, 0, jnp.ones(1, dtype), nothing, assets)[0])
        return jnp.sum(one(bars))
    scale = jnp.asarray(MIXING_NODES, dtype)
    fresh = inverse_gamma_log_weights(jnp.asarray(dynamics.degrees_of_freedom, dtype))
    numbers = jnp.arange(MAXIMUM_JUMPS + 1, dtype=dtype)

    def step(state: HiddenState, bar: Bar):
        mean_count = expected_count(
            bar.baseline, state.excess, branching_ratio=dynamics.branching_ratio, decay=dynamics.decay
        )
        density = jnp.stack([_component(law, bar, n, scale, mean_count, assets) for n in range(MAXIMUM_JUMPS + 1)])
        poisson = numbers * jnp.log(mean_count + 1e-30) - mean_count - jnp.log(jnp.asarray([1.0, 1.0, 2.0], dtype))
        joint = density + poisson[:, None] + state.log_weight[None, :]
        total = logsumexp(joint)
        weight = logsumexp(joint, axis=0) - total
        kept, renewed = jnp.log(dynamics.held), jnp.log1p(-dynamics.held)
        jumps = jnp.sum(numbers * jnp.exp(logsumexp(joint, axis=1) - total))
        faded = jnp.exp(-dynamics.decay)
        # A jump at a time uniform in the bar has left n (1 - e^-beta) of its kernel's rate at the bar's end.
        excess = faded * state.excess + dynamics.branching_ratio * (1.0 - faded) * jumps
        return HiddenState(jnp.logaddexp(kept + weight, renewed + fresh), excess), total

    ratio = dynamics.branching_ratio
    start = HiddenState(fresh, bars.baseline[0] * ratio / (1.0 - ratio))
    return jnp.sum(lax.scan(step, start, bars)[1])


def _component(law: JumpLaw, bar: Bar, jumps: int, scale, mean_count, assets: int) -> Float[Array, " nodes"]:
    """Log density of one bar's whitened return given the number of jumps, for each node of the heavy scale."""
    dtype = bar.squared.dtype
    nodes, weights = np.polynomial.hermite_e.hermegauss(_GAUSS_NODES)
    log_weight = jnp.asarray(np.log(weights / weights.sum()), dtype)
    centre = bar.mean + jnp.sqrt(bar.variance + 1e-12) * jnp.asarray(nodes, dtype)
    centre = jnp.clip(centre, -LARGEST_LOG_VOLATILITY, LARGEST_LOG_VOLATILITY)
    shrink = jnp.exp(-centre)
    spread = jumps * law.scale**2 * scale
    across = 1.0 + spread * (1.0 - law.contagion)
    along = across + spread * law.contagion * assets
    shifted = bar.along * shrink - (jumps - mean_count) * law.mean
    rest = jnp.maximum(bar.squared - bar.along**2, 0.0) * shrink**2
    distance = shifted[:, None] ** 2 / along[None, :] + rest[:, None] / across[None, :]
    volume = jnp.log(along) + (assets - 1) * jnp.log(across) + assets * math.log(2.0 * math.pi)
    return logsumexp(-0.5 * (distance + volume[None, :]) + (log_weight - assets * centre)[:, None], axis=0)


def inverse_gamma_log_weights(degrees_of_freedom: Float[Array, ""]) -> Float[Array, " nodes"]:
    r"""Return the log probability of each of `MIXING_NODES` under $w \sim \mathrm{InvGamma}(\nu/2, \nu/2)$.

    The trapezoidal rule in $\log w$, where the density is proportional to $w^{-\nu/2} e^{-\nu / (2 w)}$: its error
    falls exponentially in the spacing.
    """
    nodes = jnp.asarray(MIXING_NODES, degrees_of_freedom.dtype)
    density = -0.5 * degrees_of_freedom * (jnp.log(nodes) + 1.0 / nodes)
    return density - logsumexp(density)
