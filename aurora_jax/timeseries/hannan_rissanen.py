"""ARMA coefficients in closed form: two regressions, no iteration."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from aurora_jax.core import Outcome

from ._least_squares import LeastSquares, least_squares
from ._window import Series, lagged, standardise


class HannanRissanen(NamedTuple):
    """ARMA coefficients of one window with their standard errors, free of the units of the window.

    Attributes:
        ar_coefficients: phi_1, ..., phi_p.
        ma_coefficients: theta_1, ..., theta_q, entering with a plus sign.
        ar_standard_errors: of the second regression.
        ma_standard_errors: likewise.
        outcome: `Outcome` code; unless OK all numbers are 0.
    """

    ar_coefficients: Float[Array, "*batch p"]
    ma_coefficients: Float[Array, "*batch q"]
    ar_standard_errors: Float[Array, "*batch p"]
    ma_standard_errors: Float[Array, "*batch q"]
    outcome: Int[Array, "*batch"]


def default_long_order(bars: int, order: tuple[int, int]) -> int:
    """Return the order of the long autoregression: 4 (n / 100)^(1/3), at least 2 max(p, q) and 4."""
    return max(2 * max(order), 4, round(4.0 * (bars / 100.0) ** (1.0 / 3.0)))


@partial(jax.jit, static_argnames=("order", "long_order"))
def hannan_rissanen(x: Series, *, order: tuple[int, int], long_order: int | None = None) -> HannanRissanen:
    r"""Estimate an ARMA(p, q) by Hannan and Rissanen's first two stages.

    A long autoregression of the demeaned window gives residuals $\hat e_t$; then least squares of

    $$x_t = \sum_{i=1}^p \phi_i x_{t-i} + \sum_{j=1}^q \theta_j \hat e_{t-j} + e_t$$

    Args:
        x: one window; the caller vmaps.
        order: (p, q) with p >= 0, q >= 1.
        long_order: lags of the long autoregression; by default it grows as the cube root of the window.

    Raises:
        ValueError: if an order is out of range.

    References:
        Hannan and Rissanen (1982), Biometrika 69(1), 81-94; Brockwell and Davis (2016), section 5.1.4.
    """
    p, q = order
    if p < 0 or q < 1:
        raise ValueError(f"order must be (p >= 0, q >= 1), was {order}.")
    long_order = default_long_order(x.size, order) if long_order is None else long_order
    if long_order < 1:
        raise ValueError(f"long_order must be at least 1, was {long_order}.")
    if x.size - long_order - max(p, q) <= max(p + q, long_order):
        zeros_p, zeros_q = jnp.zeros(p), jnp.zeros(q)
        return HannanRissanen(zeros_p, zeros_q, zeros_p, zeros_q, jnp.array(int(Outcome.TOO_SHORT)))
    window = standardise(x)
    _, fitted = regressions(window.values, order=order, long_order=long_order)
    usable = window.outcome == Outcome.OK
    coefficients = jnp.where(usable, fitted.coefficients, 0.0)
    errors = jnp.where(usable, fitted.standard_errors, 0.0)
    return HannanRissanen(coefficients[:p], coefficients[p:], errors[:p], errors[p:], window.outcome)


def regressions(
    values: Float[Array, " bars"], *, order: tuple[int, int], long_order: int
) -> tuple[LeastSquares, LeastSquares]:
    """Return the long autoregression of a standardised window and the regression on its own and the shocks' past."""
    p, q = order
    long = least_squares(lagged(values, lags=long_order, start=long_order), values[long_order:])
    # Shock number i belongs to bar long_order + i, so the second regression starts where both pasts are known.
    start = max(p, q)
    own = lagged(values, lags=p, start=long_order + start)
    shocks = lagged(long.residuals, lags=q, start=start)
    return long, least_squares(jnp.concatenate([own, shocks], axis=1), values[long_order + start :])
