"""Autoregression and Hannan-Rissanen from sums of lagged products: no pass over the window."""

from typing import NamedTuple

import jax.numpy as jnp
from jax.scipy.linalg import cho_factor, cho_solve
from jaxtyping import Array, Float, Int

from aurora_jax.core import Outcome

from ._window import lagged
from .hannan_rissanen import HannanRissanen
from .sliding_products import LaggedSums

NO_VARIATION = 1e-12
"""Variance, as a share of the mean square, below which sums of products cannot tell a window from a constant."""

_RIDGE = 1e-12  # of the rows, as in the regressions over the window


class Autoregression(NamedTuple):
    """Coefficients of an AR(p) of one window with their standard errors, free of the units of the window.

    Attributes:
        coefficients: phi_1, ..., phi_p.
        standard_errors: of the coefficients.
        outcome: `Outcome` code; unless OK all numbers are 0.
    """

    coefficients: Float[Array, "*batch p"]
    standard_errors: Float[Array, "*batch p"]
    outcome: Int[Array, "*batch"]


class _Standard(NamedTuple):
    """Mean and deviation that standardise a window, and whether it varies."""

    mean: Float[Array, ""]
    deviation: Float[Array, ""]
    varies: Array


class _Regression(NamedTuple):
    """A regression known by its sums of products."""

    coefficients: Float[Array, " columns"]
    standard_errors: Float[Array, " columns"]
    variance: Float[Array, ""]


def ar_from_sums(sums: LaggedSums, *, window_bars: int, order: int) -> Autoregression:
    """Fit an AR(p) with intercept by least squares, as `fit_ar` does on the window itself.

    A window predicted to a millionth of its deviation is CONSTANT: sums of products see no finer.

    Args:
        sums: of the window.
        window_bars: values in it.
        order: p, at least 1 and at most the lags of the sums.

    Raises:
        ValueError: if the sums have too few lags or rows.
    """
    standard = _standard(sums, window_bars)
    values, products = _from(sums, standard, window_bars=window_bars, start=order, lags=order)
    rows = window_bars - order
    if order < 1 or rows <= order + 2:
        raise ValueError(f"order must lie in [1, {(window_bars - 3) // 2}] for {window_bars} bars, was {order}.")
    gram = jnp.block([[jnp.full((1, 1), float(rows)), values[None, 1:]], [values[1:, None], products[1:, 1:]]])
    target = jnp.concatenate([values[:1], products[0, 1:]])
    fitted = _regress(gram, target, products[0, 0], rows)
    outcome = jnp.where(standard.varies & (fitted.variance > NO_VARIATION), int(Outcome.OK), int(Outcome.CONSTANT))
    usable = outcome == Outcome.OK
    return Autoregression(
        jnp.where(usable, fitted.coefficients[1:], 0.0),
        jnp.where(usable, fitted.standard_errors[1:], 0.0),
        jnp.asarray(outcome, int),
    )


def hannan_rissanen_from_sums(
    sums: LaggedSums, *, window_bars: int, order: tuple[int, int], long_order: int
) -> HannanRissanen:
    r"""Estimate an ARMA(p, q) as `hannan_rissanen` does on the window itself.

    The shocks are a filter of the values, $\hat e_t = x_t - \sum_k a_k x_{t-k}$, so with $c_j$ that filter moved back j
    bars and $u_i$ the unit vector of lag i, all products of the second regression are quadratic forms in the matrix of
    lagged products $G$: those of its columns $C = (u_1, \dots, u_p, c_1, \dots, c_q)$ are $C^\top G C$.

    Args:
        sums: of the window, with long_order + max(p, q) lags.
        window_bars: values in it.
        order: (p, q), both at least 1.
        long_order: lags of the long autoregression.

    Raises:
        ValueError: if the sums have other lags.

    References:
        Hannan and Rissanen (1982), Biometrika 69(1), 81-94.
    """
    p, q = order
    lags = long_order + max(p, q)
    if sums.first.size != lags:
        raise ValueError(f"sums must have long_order + max(p, q) = {lags} lags, had {sums.first.size}.")
    standard = _standard(sums, window_bars)
    _, products = _from(sums, standard, window_bars=window_bars, start=long_order, lags=long_order)
    long = _regress(products[1:, 1:], products[0, 1:], products[0, 0], window_bars - long_order)
    shock = jnp.concatenate([jnp.ones(1), -long.coefficients])
    own = [jnp.eye(lags + 1)[i] for i in range(p + 1)]
    shocks = [jnp.pad(shock, (j, lags - long_order - j)) for j in range(1, q + 1)]
    columns = jnp.stack(own + shocks, axis=1)
    _, products = _from(sums, standard, window_bars=window_bars, start=lags, lags=lags)
    gram = columns.T @ products @ columns
    fitted = _regress(gram[1:, 1:], gram[0, 1:], gram[0, 0], window_bars - lags)
    coefficients = jnp.where(standard.varies, fitted.coefficients, 0.0)
    errors = jnp.where(standard.varies, fitted.standard_errors, 0.0)
    outcome = jnp.asarray(jnp.where(standard.varies, int(Outcome.OK), int(Outcome.CONSTANT)), int)
    return HannanRissanen(coefficients[:p], coefficients[p:], errors[:p], errors[p:], outcome)


def _standard(sums: LaggedSums, window_bars: int) -> _Standard:
    mean = (sums.values[0] + jnp.sum(sums.first)) / window_bars
    square = (sums.products[0, 0] + jnp.sum(sums.first**2)) / window_bars
    variance = square - mean**2
    varies = variance > NO_VARIATION * square
    return _Standard(mean, jnp.sqrt(jnp.where(varies, variance, 1.0)), varies)


def _from(
    sums: LaggedSums, standard: _Standard, *, window_bars: int, start: int, lags: int
) -> tuple[Float[Array, " offsets"], Float[Array, "offsets offsets"]]:
    """Return the sums over t = start, ..., of the standardised values; of a window without variation, those of noise.

    Raises:
        ValueError: if the sums have fewer lags.
    """
    if start > sums.first.size:
        raise ValueError(f"sums must have at least {start} lags, had {sums.first.size}.")
    more = jnp.concatenate([sums.first[start:, None], lagged(sums.first, lags=lags, start=start)], axis=1)
    values = sums.values[: lags + 1] + jnp.sum(more, axis=0)
    products = sums.products[: lags + 1, : lags + 1] + more.T @ more
    rows = window_bars - start
    mean, deviation = standard.mean, standard.deviation
    centred = products - mean * (values[:, None] + values[None, :]) + rows * mean**2
    still = float(rows) * jnp.eye(lags + 1)
    return (
        jnp.where(standard.varies, (values - rows * mean) / deviation, 0.0),
        jnp.where(standard.varies, centred / deviation**2, still),
    )


def _regress(
    gram: Float[Array, "columns columns"], target: Float[Array, " columns"], square: Float[Array, ""], rows: int
) -> _Regression:
    """Return the regression whose columns have products `gram` with each other and `target` with what is explained."""
    width = target.size
    factor = cho_factor(gram + _RIDGE * rows * jnp.eye(width))
    coefficients = cho_solve(factor, target)
    inverse = cho_solve(factor, jnp.eye(width))
    squares = square - 2.0 * coefficients @ target + coefficients @ gram @ coefficients
    variance = jnp.maximum(squares, 0.0) / rows
    return _Regression(coefficients, jnp.sqrt(variance * jnp.diagonal(inverse)), variance)
