"""What a fitted family reports, and the convention under which families are compared."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Outcome

from ._window import Window

INITIAL_VALUES = 8
"""Observations at the start of a window that no family's BIC counts, unless an order asks for more."""


class Fit(NamedTuple):
    """A family fitted to one window by conditional Gaussian maximum likelihood.

    Attributes:
        parameters: in the order that the fitting function states, in the units of the window.
        standard_errors: of the parameters; +inf where the likelihood is flat.
        log_likelihood: its maximum, over all observations that the family does not condition on.
        bic: over the observations after the first `initial_values`, the same for every family; +inf without a fit.
        outcome: `Outcome` code; with TOO_SHORT, CONSTANT or NON_FINITE the parameters are NaN and must not be used,
            with NOT_CONVERGED they are the best point found.
    """

    parameters: Float[Array, "*batch parameters"]
    standard_errors: Float[Array, "*batch parameters"]
    log_likelihood: Float[Array, "*batch"]
    bic: Float[Array, "*batch"]
    outcome: Int[Array, "*batch"]


def counted_from(initial_values: int | None, order: int) -> int:
    """Return the first observation that the BIC counts.

    Raises:
        ValueError: if the family conditions on more values than that.
    """
    if initial_values is None:
        return max(INITIAL_VALUES, order)
    if initial_values < order:
        raise ValueError(f"initial_values must be at least the order {order}, was {initial_values}.")
    return initial_values


def gaussian_log_density(
    residuals: Float[Array, " counted"], variances: Float[Array, " counted"]
) -> Float[Array, " counted"]:
    """Return the log density of each residual under N(0, variance)."""
    return -0.5 * (jnp.log(2.0 * jnp.pi * variances) + residuals**2 / variances)


def report(
    window: Window,
    parameters: Float[Array, " parameters"],
    standard_errors: Float[Array, " parameters"],
    log_densities: Float[Array, " counted"],
    *,
    initial_values: int,
    vanished: Bool[Array, ""],
    converged: Bool[Array, ""] | bool = True,
) -> Fit:
    r"""Turn the fit of a standardised window into a record in the units of the window.

    With $N = n - m$ observations after the first $m$ = `initial_values` and $k$ parameters,

    $$BIC = -2 \sum_{t > m} \log f(x_t \mid x_{t-1}, \dots; \hat\theta) + k \log N$$

    The estimate uses every observation it can, so its likelihood on the $N$ common ones is $O(1/n)$ below the maximum
    there.

    Args:
        window: the standardised window.
        parameters: already in the units of the window, as are the standard errors.
        standard_errors: not finite where the information is singular.
        log_densities: of the standardised observations that the family does not condition on.
        initial_values: m.
        vanished: True where the residual variance is zero, so that the likelihood has no maximum.
        converged: True where the maximum was found.
    """
    bars, counted = window.values.size, log_densities.size
    log_densities = log_densities - jnp.log(window.scale)
    common = log_densities[counted - (bars - initial_values) :]
    penalty = parameters.size * jnp.log(float(bars - initial_values))
    reason = jnp.where((window.outcome == Outcome.OK) & vanished, int(Outcome.CONSTANT), window.outcome)
    usable = reason == Outcome.OK
    standard_errors = jnp.where(jnp.isfinite(standard_errors), standard_errors, jnp.inf)
    return Fit(
        parameters=jnp.where(usable, parameters, jnp.nan),
        standard_errors=jnp.where(usable, standard_errors, jnp.nan),
        log_likelihood=jnp.where(usable, jnp.sum(log_densities), -jnp.inf),
        bic=jnp.where(usable, penalty - 2.0 * jnp.sum(common), jnp.inf),
        outcome=jnp.where(usable & ~jnp.asarray(converged), int(Outcome.NOT_CONVERGED), reason),
    )


def too_short(parameters: int) -> Fit:
    """Return the record of a window that has fewer observations than the family needs."""
    nothing = jnp.full(parameters, jnp.nan)
    return Fit(nothing, nothing, jnp.array(-jnp.inf), jnp.array(jnp.inf), jnp.array(int(Outcome.TOO_SHORT), int))
