r"""Windows whose family is known, and the best that anyone could do on them.

Three families of equal chance with unit innovations and parameters uniform in

* AR(1): $|\phi| \in [.3, .8]$;
* ARMA(1,1): $|\phi| \in [.3, .8]$ and $|\theta| \in [.4, .9]$ of the same sign, so that they do not cancel;
* GARCH(1,1): $\alpha \in [.2, .4]$, $\alpha + \beta \in [.85, .97]$, long-run variance 1.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from ..core import PRNGKey, stream
from .families import FAMILIES

PHI, THETA, ALPHA, PERSISTENCE = (0.3, 0.8), (0.4, 0.9), (0.2, 0.4), (0.85, 0.97)
_BURN_IN_BARS = 256
_GRID = 7


class KnownWindows(NamedTuple):
    """Simulated returns and the family that each row was drawn from."""

    returns: Float[Array, "windows bars"]
    family: Int[Array, " windows"]


class Laws(NamedTuple):
    """Parameters of laws that embrace all three families; those that a family does not have are 0."""

    phi: Float[Array, "*laws"]
    theta: Float[Array, "*laws"]
    alpha: Float[Array, "*laws"]
    beta: Float[Array, "*laws"]


def draw_known(key: PRNGKey, *, windows: int, bars: int) -> KnownWindows:
    """Draw as many windows of each family, family after family, each with parameters of its own."""
    family = jnp.repeat(jnp.arange(len(FAMILIES)), windows)
    count = family.size
    uniform = jr.uniform(stream(key, "parameters"), (4, count))
    laws = _laws(family, uniform[0], uniform[1], jnp.where(uniform[2] < 0.5, -1.0, 1.0))
    noise = jr.normal(stream(key, "noise"), (_BURN_IN_BARS + bars, count))

    def advance(carry, shock):
        value, before, variance = carry
        variance = _next_variance(laws, variance, before)
        now = jnp.sqrt(variance) * shock
        value = laws.phi * value + now + laws.theta * before
        return (value, now, variance), value

    start = jnp.zeros(count), jnp.zeros(count), jnp.ones(count)
    return KnownWindows(lax.scan(advance, start, noise)[1][_BURN_IN_BARS:].T, family)


def bayes_family(windows: Float[Array | np.ndarray, "windows bars"]) -> Int[Array, " windows"]:
    r"""Return the family of the largest marginal likelihood of each window, who knows the laws and averages parameters.

    $$p(x \mid k) = \int p(x \mid \vartheta, k)\, \pi(\vartheta \mid k)\, d\vartheta$$

    by the midpoint rule on 7 x 7 points and both signs. What went before the window counts as its mean: innovations and
    returns 0, variance 1. It errs no more often than any other rule, but for those two.
    """
    middle = jnp.asarray((np.arange(_GRID) + 0.5) / _GRID)
    first, second = (part.ravel() for part in jnp.meshgrid(middle, middle))
    return jnp.argmax(_marginal(jnp.asarray(windows), first, second), axis=1)


@jax.jit
def _marginal(windows, first, second) -> Float[Array, "windows families"]:
    parts = []
    for family in range(len(FAMILIES)):
        code = jnp.full(first.size, family)
        laws = jax.tree.map(
            lambda *signs: jnp.concatenate(signs),
            *(_laws(code, first, second, jnp.full(first.size, s)) for s in (-1.0, 1.0)),
        )
        found = lax.map(lambda window, laws=laws: _log_likelihoods(laws, window), windows, batch_size=64)
        parts.append(jax.nn.logsumexp(found, axis=1))
    return jnp.stack(parts, axis=1)


def _laws(
    family: Int[Array, " n"], first: Float[Array, " n"], second: Float[Array, " n"], sign: Float[Array, " n"]
) -> Laws:
    """Return laws at places in [0, 1] of their families' ranges."""

    def within(place, bounds):
        return bounds[0] + place * (bounds[1] - bounds[0])

    linear, moving, clustered = family != 2, family == 1, family == 2
    alpha = jnp.where(clustered, within(first, ALPHA), 0.0)
    return Laws(
        jnp.where(linear, sign * within(first, PHI), 0.0),
        jnp.where(moving, sign * within(second, THETA), 0.0),
        alpha,
        jnp.where(clustered, within(second, PERSISTENCE) - alpha, 0.0),
    )


def _next_variance(laws: Laws, variance: Float[Array, " n"], innovation: Float[Array, " n"]) -> Float[Array, " n"]:
    return 1.0 - laws.alpha - laws.beta + laws.alpha * innovation**2 + laws.beta * variance


def _log_likelihoods(laws: Laws, window: Float[Array, " bars"]) -> Float[Array, " laws"]:
    def advance(carry, value):
        total, before, innovation, variance = carry
        variance = _next_variance(laws, variance, innovation)
        innovation = value - laws.phi * before - laws.theta * innovation
        total = total - 0.5 * (jnp.log(variance) + innovation**2 / variance)
        return (total, value, innovation, variance), None

    zero = jnp.zeros_like(laws.phi)
    return lax.scan(advance, (zero, jnp.zeros(()), zero, zero + 1.0), window)[0][0]
