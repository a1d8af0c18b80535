"""Proper scores of forecast distributions: what a forecast loses when the observation comes in. Less is better."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import betaln
from jax.scipy.stats import t as student_t
from jaxtyping import Array, Float

from aurora_jax.core import Number, require_x64, student_t_upper_probability

Values = Number | Float[Array | np.ndarray, "..."]


def student_t_ranked_probability_score(
    observed: Values, mean: Values, scale: Values, *, degrees_of_freedom: Values
) -> Float[Array, "..."]:
    r"""Return the continuous ranked probability score of $m + s\,T_\nu$.

    $$\int (F(x) - 1\{x \ge y\})^2 dx = s \Bigl[ z (2 F_\nu(z) - 1) + 2 f_\nu(z) \frac{\nu + z^2}{\nu - 1}
      - \frac{2 \sqrt\nu}{\nu - 1} \frac{B(1/2, \nu - 1/2)}{B(1/2, \nu/2)^2} \Bigr], \qquad z = \frac{y - m}{s}$$

    In the unit of the observation.

    Args:
        observed: y.
        mean: m, the location.
        scale: s > 0; the standard deviation is larger by $\sqrt{\nu / (\nu - 2)}$.
        degrees_of_freedom: nu > 1.

    Raises:
        RuntimeError: at run time, if something is not finite, nu <= 1 (the score is infinite) or a scale is not
            positive.

    References:
        Jordan, Krueger and Lerch (2019), J. Statistical Software 90(12), appendix A (t distribution).
    """
    require_x64("student_t_ranked_probability_score")
    z, s, nu = _standardised(observed, mean, scale, degrees_of_freedom)
    nu = eqx.error_if(nu, jnp.any(nu <= 1.0), "degrees_of_freedom must be > 1: below it the score is infinite.")
    outside = 2.0 * student_t_upper_probability(jnp.abs(z), nu)
    density = jnp.exp(student_t.logpdf(z, nu))
    spread = jnp.exp(betaln(0.5, nu - 0.5) - 2.0 * betaln(0.5, nu / 2.0)) * 2.0 * jnp.sqrt(nu) / (nu - 1.0)
    return s * (jnp.abs(z) * (1.0 - outside) + 2.0 * density * (nu + z * z) / (nu - 1.0) - spread)


def student_t_log_score(
    observed: Values, mean: Values, scale: Values, *, degrees_of_freedom: Values
) -> Float[Array, "..."]:
    r"""Return $-\log f(y)$ of $m + s\,T_\nu$: the negative log-likelihood of the observation.

    Args:
        observed: y.
        mean: m, the location.
        scale: s > 0.
        degrees_of_freedom: nu > 0.

    Raises:
        RuntimeError: at run time, if something is not finite, nu or a scale is not positive.
    """
    require_x64("student_t_log_score")
    z, s, nu = _standardised(observed, mean, scale, degrees_of_freedom)
    return jnp.log(s) - student_t.logpdf(z, nu)


def sample_ranked_probability_score(
    observed: Values, sample: Float[Array | np.ndarray, "... draws"]
) -> Float[Array, "..."]:
    r"""Return the continuous ranked probability score of the empirical law of a sample, e.g. of past returns.

    $$\frac1n \sum_i |x_i - y| - \frac1{2 n^2} \sum_{i, j} |x_i - x_j|$$

    Args:
        observed: y.
        sample: x, at least one draw.

    Raises:
        ValueError: if there is no draw.
        RuntimeError: at run time, if something is not finite.

    References:
        Gneiting and Raftery (2007), J. American Statistical Association 102, eq. 20.
    """
    require_x64("sample_ranked_probability_score")
    count = sample.shape[-1]
    if count < 1:
        raise ValueError("a sample needs at least 1 draw, had 0.")
    x, y = jnp.sort(_finite(sample, "sample"), axis=-1), _finite(observed, "observed")
    # Of sorted values, the i-th (from 0) is the larger one of i pairs and the smaller one of count - 1 - i.
    sign = 2.0 * jnp.arange(count, dtype=x.dtype) - (count - 1.0)
    apart = jnp.sum(x * jnp.expand_dims(sign, range(x.ndim - 1)), axis=-1) / count**2
    return jnp.mean(jnp.abs(x - jnp.broadcast_to(y[..., None], x.shape)), axis=-1) - apart


def pinball_score(observed: Values, quantile: Values, *, level: float) -> Float[Array, "..."]:
    r"""Return what a quantile forecast loses: $(y - q)(\tau - 1\{y < q\})$.

    Args:
        observed: y.
        quantile: q.
        level: tau, in (0, 1).

    Raises:
        ValueError: if the level is out of range.
        RuntimeError: at run time, if something is not finite.

    References:
        Koenker and Bassett (1978), Econometrica 46(1), eq. 2.1.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie in (0, 1), was {level}.")
    gap = _finite(observed, "observed") - _finite(quantile, "quantile")
    return jnp.maximum(level * gap, (level - 1.0) * gap)


def _standardised(observed: Values, mean: Values, scale: Values, degrees_of_freedom: Values) -> tuple[Array, ...]:
    """Return $(y - m) / s$, s and nu in one shape."""
    named = {"observed": observed, "mean": mean, "scale": scale, "degrees_of_freedom": degrees_of_freedom}
    y, m, s, nu = jnp.broadcast_arrays(*(_finite(value, name) for name, value in named.items()))
    s = eqx.error_if(s, jnp.any(s <= 0.0), "scale of a forecast must be > 0.")
    nu = eqx.error_if(nu, jnp.any(nu <= 0.0), "degrees_of_freedom of a forecast must be > 0.")
    return (y - m) / s, s, nu


def _finite(values: Values, name: str) -> Float[Array, "..."]:
    found = jnp.asarray(values, float)
    return eqx.error_if(found, ~jnp.all(jnp.isfinite(found)), f"{name} must be finite: drop the bars without it.")
