"""The exact way from one event to the next while an intensity decays exponentially to its baseline."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def next_event(
    first: Float[Array, ""],
    second: Float[Array, ""],
    *,
    excess: Float[Array, ""],
    baseline: Float[Array, ""],
    decay: Float[Array, ""],
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    r"""Return the waiting time and what it leaves of the excess intensity, $w$ and $e^{-\beta w}$.

    The waiting time is the smaller of one caused by the baseline, $E_2/\mu$, and one caused by the excess intensity x,
    $-\log(1 - \beta E_1/x)/\beta$, infinite when the logarithm has no argument ($E_i$ standard exponential).

    Args:
        first: uniform in [0, 1), on a grid of steps of 2^-23 or 2^-52, for E_1.
        second: the same for E_2.
        excess: x >= 0, intensity above the baseline.
        baseline: mu > 0.
        decay: beta > 0.

    References:
        Dassios and Zhao (2013), Electron. Commun. Probab. 18(62), Algorithm 3.1.
    """
    # On the grid 1 - u is exact, so its logarithm is as good as log1p(-u), and cheaper.
    own, base = -decay * jnp.log(1.0 - first), -decay / baseline * jnp.log(1.0 - second)
    # The excess is 0 at the start and may underflow later: then only the baseline can cause the next event.
    causes = excess > own
    left = jnp.where(causes, 1.0 - own / jnp.where(causes, excess, 1.0), 0.0)
    faded = jnp.exp(-base)
    sooner = left > faded
    wait = jnp.where(sooner, -jnp.log(jnp.where(sooner, left, 1.0)), base) / decay
    return wait, jnp.maximum(left, faded)
