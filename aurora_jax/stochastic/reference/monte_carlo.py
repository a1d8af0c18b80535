"""European calls by conditional Monte Carlo."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
from jax import lax
from jaxtyping import Array, Float

from aurora_jax.core import Number, PRNGKey

from ..domain import at_least, within
from .black import black_call
from .stochastic_volatility import AbstractStochasticVolatility


class CallPrices(NamedTuple):
    """Prices of calls with the standard error of each.

    Attributes:
        value: discounted price for each strike.
        standard_error: of `value`, from sampling alone: the steps' bias is not in it.
        spot: the mean discounted terminal price, which should be the model's spot.
        spot_error: standard error of `spot`.
    """

    value: Float[Array, " strikes"]
    standard_error: Float[Array, " strikes"]
    spot: Float[Array, ""]
    spot_error: Float[Array, ""]


def call_prices(
    model: AbstractStochasticVolatility,
    key: PRNGKey,
    *,
    strikes: Float[Array, " strikes"],
    horizon: Number,
    steps: int,
    batches: int,
    batch_paths: int,
) -> CallPrices:
    r"""Price European calls by averaging Black's formula over draws of the model's drive.

    The conditional forward, whose mean is known, is a control variate with the least-squares coefficient of the sample
    (which biases by the order of 1 / paths). Batches run one after the other, so memory is that of one batch.

    Args:
        model: of the price.
        key: parent of the paths' keys.
        strikes: > 0.
        horizon: time to expiry, > 0.
        steps: of each path.
        batches: at least 1.
        batch_paths: paths in a batch; at least 2 paths in all.

    Raises:
        ValueError: if an argument is out of range.
    """
    at_least("batches", batches, 1)
    at_least("the number of paths", batches * at_least("batch_paths", batch_paths, 1), 2)
    strikes = within("strikes", strikes, 0.0)
    horizon = within("horizon", horizon, 0.0)
    discount = jnp.exp(-model.rate * horizon)

    def one(key):
        law = model.conditional(key, horizon=horizon, steps=steps)
        calls = jax.vmap(black_call, in_axes=(None, 0, None))(law.forward, strikes, law.total_variance)
        return discount * law.forward, discount * calls

    keys = jr.split(key, (batches, batch_paths))
    prices, calls = lax.map(jax.vmap(one), keys)
    prices, calls = prices.ravel(), calls.reshape(-1, strikes.shape[0])
    paths = prices.shape[0]
    centred = prices - jnp.mean(prices)
    power = jnp.sum(centred**2)
    # A model whose forward is certain (no leverage) has nothing to regress on.
    slope = jnp.where(power > 0.0, centred @ calls / jnp.where(power > 0.0, power, 1.0), 0.0)
    controlled = calls - (prices - model.spot)[:, None] * slope[None, :]
    return CallPrices(
        value=jnp.mean(controlled, axis=0),
        standard_error=jnp.std(controlled, axis=0, ddof=1) / jnp.sqrt(1.0 * paths),
        spot=jnp.mean(prices),
        spot_error=jnp.std(prices, ddof=1) / jnp.sqrt(1.0 * paths),
    )
