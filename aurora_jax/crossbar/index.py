"""The crossbar index: how far two linear readings of one window disagree."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from aurora_jax.core import Number, Outcome

from ..timeseries import Autoregression, HannanRissanen, fit_ar, hannan_rissanen


class CrossbarIndex(NamedTuple):
    """The index of one window.

    Attributes:
        value: >= 0; 0 where the outcome is not OK.
        outcome: `Outcome` code: CONSTANT where the window does not vary or is predicted without error, TOO_SHORT,
            NON_FINITE.
    """

    value: Float[Array, "*batch"]
    outcome: Int[Array, "*batch"]


@partial(jax.jit, static_argnames=("order", "long_order"))
def crossbar_index(
    window: Float[Array | np.ndarray, " bars"],
    *,
    order: tuple[int, int] = (1, 1),
    long_order: int | None = None,
    softening: Number = 1e-6,
) -> CrossbarIndex:
    r"""Compare the autoregressive coefficients of AR(p) and ARMA(p, q) on one window of returns.

    $$c = \frac{\lVert \phi_{AR} - \phi_{ARMA} \rVert_2}{\sigma_\phi + \varepsilon}, \qquad
      \sigma_\phi^2 = \frac{1}{p} \sum_{i=1}^p \bigl( s_{AR,i}^2 + s_{ARMA,i}^2 \bigr)$$

    where $s$ are the standard errors of the coefficients: with p = 1, the difference in units of the standard error
    that it would have if the two estimates were independent. AR by least squares, ARMA by Hannan and Rissanen.

    Args:
        window: returns, oldest first; the caller vmaps. Neither unit nor mean matters.
        order: (p, q), both at least 1.
        long_order: lags of the long autoregression; by default it grows as the cube root of the window.
        softening: epsilon, far below the standard error of any window that serves.

    Raises:
        ValueError: if an order is out of range.
    """
    p, _ = order
    if p < 1:
        raise ValueError(f"order must be (p >= 1, q >= 1), was {order}.")
    simple = fit_ar(window, order=p, initial_values=p)
    full = hannan_rissanen(window, order=order, long_order=long_order)
    ar = Autoregression(simple.parameters[1 : p + 1], simple.standard_errors[1 : p + 1], simple.outcome)
    return disagreement(ar, full, softening=softening)


def disagreement(simple: Autoregression, full: HannanRissanen, *, softening: Number = 1e-6) -> CrossbarIndex:
    """Return the index of an AR(p) and an ARMA(p, q), wherever they were fitted."""
    outcome = jnp.where(full.outcome == Outcome.OK, simple.outcome, full.outcome)
    usable = outcome == Outcome.OK
    # Without a fit the parameters are no estimates; they are replaced before, not after, the arithmetic.
    difference = jnp.where(usable, simple.coefficients - full.ar_coefficients, 0.0)
    squares = jnp.where(usable, simple.standard_errors**2 + full.ar_standard_errors**2, 1.0)
    value = jnp.sqrt(jnp.sum(difference**2)) / (jnp.sqrt(jnp.mean(squares)) + softening)
    return CrossbarIndex(value, outcome)
