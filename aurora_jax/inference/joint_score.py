"""A score by which value at risk and expected shortfall can be compared together."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Number, require_x64

from .forecasts import Days, check_tail_probability, screened


def fz0_loss(
    returns: Days, value_at_risk: Days, expected_shortfall: Days, *, tail_probability: Number
) -> Float[Array, " days"]:
    r"""Return each day's Fissler-Ziegel loss of degree 0, lower being better.

    $$L_t = \frac{(-VaR_t - X_t)\, 1[X_t \le -VaR_t]}{p\, ES_t} + \frac{VaR_t}{ES_t} + \log ES_t - 1$$

    On average it is smallest at the true pair, where it is $\log ES$. Changing the unit of money adds the same constant
    to every forecast's loss, so differences (`diebold_mariano`) do not depend on it.

    Args:
        returns: X, a loss being negative.
        value_at_risk: forecast for each day, as a positive loss.
        expected_shortfall: likewise, > 0.
        tail_probability: p of both forecasts, in (0, 1).

    Raises:
        ValueError: if p is out of range, there is no day, or the series differ in length.
        RuntimeError: at run time, if something is not finite, an expected shortfall is not positive or is below its
            value at risk, or the value at risk is negative on every day.

    References:
        Patton, Ziegel and Chen (2019), J. Econometrics 211(2), 388-413, eq. 6;
        Fissler and Ziegel (2016), Annals of Statistics 44(4), theorem 5.2.
    """
    require_x64("fz0_loss")
    check_tail_probability(tail_probability)
    x, bound, shortfall = screened(returns, value_at_risk, expected_shortfall)
    beyond = jnp.maximum(-bound - x, 0.0)
    return beyond / (tail_probability * shortfall) + bound / shortfall + jnp.log(shortfall) - 1.0
