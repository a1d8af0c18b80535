"""Simulated series whose law changes at a known bar, and series whose law never does."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, PRNGKeyArray

from ..core import stream

_SETTLING_BARS = 500


class Law(NamedTuple):
    r"""A stationary law of returns: ARMA(1,1) with GARCH(1,1) shocks, any part of which may be absent.

    $$x_t = \phi x_{t-1} + e_t + \theta e_{t-1}, \quad e_t = \sqrt{h_t} z_t, \quad
      h_t = (1 - \alpha - \beta) \bar h + \alpha e_{t-1}^2 + \beta h_{t-1}, \quad z_t \sim N(0, 1)$$

    with $\bar h$ such that $x$ has the standard deviation asked for.

    Attributes:
        name: e.g. "AR".
        phi: of the autoregression, below 1 in size.
        theta: of the moving average.
        alpha: of the variance, alpha + beta < 1.
        beta: likewise.
        deviation: unconditional standard deviation.
    """

    name: str
    phi: float = 0.0
    theta: float = 0.0
    alpha: float = 0.0
    beta: float = 0.0
    deviation: float = 1.0


class Scenario(NamedTuple):
    """A change of law.

    Attributes:
        name: what changes.
        before: the law up to the flip.
        after: the law from the flip on.
    """

    name: str
    before: Law
    after: Law


AR = Law("AR(1)", phi=0.6)
GARCH = Law("GARCH(1,1)", alpha=0.1, beta=0.85)
ARMA = Law("ARMA(1,1)", phi=0.2, theta=0.6)
SCENARIOS = (
    Scenario("AR to GARCH", AR, GARCH),
    Scenario("AR to GARCH, twice the deviation", AR, GARCH._replace(deviation=2.0)),
    Scenario("GARCH to AR", GARCH, AR),
    Scenario("ARMA to AR", ARMA, AR),
)
"""The changes that the study reports; all but the second keep the unconditional variance."""


def simulate(law: Law, key: PRNGKeyArray, *, series: int, bars: int) -> Float[Array, "series bars"]:
    """Simulate independent stationary series of a law."""
    return _paths(law[1:], key, series=series, bars=bars)


@partial(jax.jit, static_argnames=("series", "bars"))
def _paths(numbers: tuple, key: PRNGKeyArray, *, series: int, bars: int) -> Float[Array, "series bars"]:
    phi, theta, alpha, beta, deviation = numbers
    level = deviation**2 * (1.0 - phi**2) / (1.0 + 2.0 * phi * theta + theta**2)

    def advance(state, normal):
        value, shock, variance = state
        variance = (1.0 - alpha - beta) * level + alpha * shock**2 + beta * variance
        new = jnp.sqrt(variance) * normal
        value = phi * value + new + theta * shock
        return (value, new, variance), value

    normals = jr.normal(key, (_SETTLING_BARS + bars, series))
    start = jnp.zeros(series), jnp.zeros(series), jnp.full(series, level)
    return jax.lax.scan(advance, start, normals)[1][_SETTLING_BARS:].T


def simulate_flips(
    scenario: Scenario, key: PRNGKeyArray, *, series: int, flip_bar: int, bars: int
) -> Float[Array, "series bars"]:
    """Simulate series that are cut over, at `flip_bar`, to an independent stationary path of the law after."""
    before = simulate(scenario.before, stream(key, "before"), series=series, bars=flip_bar)
    after = simulate(scenario.after, stream(key, "after"), series=series, bars=bars - flip_bar)
    return jnp.concatenate([before, after], axis=1)
