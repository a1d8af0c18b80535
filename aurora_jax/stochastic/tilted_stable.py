"""Positive stable variables tilted by an exponential, drawn exactly whatever the tilt."""

import math

import jax.numpy as jnp
import jax.random as jr
from jax import lax
from jaxtyping import Array, Bool, Float

from aurora_jax.core import PRNGKey, stream

# The constants of Devroye's bounds.
HALF_NORMAL = math.sqrt(0.5 * math.pi)
SHOULDER = 2.0 + HALF_NORMAL


def log_tilted_stable(
    key: PRNGKey, *, alpha: Float[Array, ""], tilt: Float[Array, ""], count: int
) -> Float[Array, " count"]:
    r"""Draw logarithms of positive variables S, exactly, by double rejection.

    $$E e^{-sS} = \exp\bigl(\lambda^\alpha - (\lambda + s)^\alpha\bigr)$$

    A round accepts with a probability that is bounded away from 0 in every parameter, so the loop is short: about
    log(count) rounds. A draw is not a smooth function of the parameters, and no derivative is passed through it.

    Args:
        key: spent here.
        alpha: in (0, 1).
        tilt: lambda^alpha, not lambda, which may overflow; > 0.
        count: how many.

    References:
        Devroye (2009), ACM Transactions on Modeling and Computer Simulation 19(4), article 18, section 5; in the
        arrangement of Hofert (2011), same journal 22(1), article 3.
    """
    alpha, tilt = lax.stop_gradient(alpha), lax.stop_gradient(tilt)

    def unfinished(carry):
        return ~jnp.all(carry[1])

    def again(carry):
        index, done, log_size = carry
        proposal, accepted = _propose(jr.fold_in(key, index), alpha, tilt, count)
        return index + 1, done | accepted, jnp.where(done, log_size, proposal)

    start = (jnp.zeros((), int), jnp.zeros(count, bool), jnp.zeros(count, alpha.dtype))
    return lax.while_loop(unfinished, again, start)[2]


def _propose(key, alpha, tilt, count) -> tuple[Float[Array, " count"], Bool[Array, " count"]]:
    """Propose log S and say whether both rejections let it pass: first of the angle U, then of X = S^(-1/b)."""
    spread = tilt * alpha * (1.0 - alpha)  # gamma
    angle, log_height, stretch = _propose_angle(key, alpha, tilt, spread, count)
    inside = (angle > 0.0) & (angle < math.pi)
    angle = jnp.where(inside, angle, 1.0)

    b = (1.0 - alpha) / alpha
    a = jnp.exp(_log_zolotarev(angle, alpha) / (1.0 - alpha))
    mode = (b / a) ** alpha * tilt
    width = jnp.sqrt(mode * alpha / a)
    tail = stretch / a
    place = jr.uniform(stream(key, "place"), (count,)) * (width * (1.0 + HALF_NORMAL) + tail)
    normal = jnp.abs(jr.normal(stream(key, "below"), (count,)))
    exponential = jr.exponential(stream(key, "above"), (count,))
    is_below, is_above = place < width * HALF_NORMAL, place >= width * (1.0 + HALF_NORMAL)
    middle = mode + width * jr.uniform(stream(key, "middle"), (count,))
    x = jnp.where(is_below, mode - width * normal, jnp.where(is_above, mode + width + exponential * tail, middle))
    proposed = jnp.where(is_below, 0.5 * normal**2, jnp.where(is_above, exponential, 0.0))

    positive = x > 0.0
    x = jnp.where(positive, x, mode)
    # lambda (x^-b - mode^-b), with lambda mode^-b written through lambda^alpha alone.
    log_tilt_at_mode = jnp.log(tilt) + (1.0 - alpha) * jnp.log(a / b)
    cost = a * (x - mode) + jnp.exp(log_tilt_at_mode) * jnp.expm1(b * jnp.log(mode / x)) - proposed
    accepted = inside & (log_height <= 0.0) & positive & (cost <= -log_height)
    return -b * jnp.log(x), accepted


def _propose_angle(key, alpha, tilt, spread, count):
    """Draw the angle U from its envelope; return it, the logarithm of Z, and the stretch z of the right tail."""
    root = jnp.sqrt(spread)
    narrow = spread >= 1.0
    corner = SHOULDER * root * jnp.exp(-spread * math.pi**2 / 8.0) / math.sqrt(math.pi)  # psi
    level = (1.0 + math.sqrt(2.0) * SHOULDER * root) / math.pi  # xi
    main = level * jnp.where(narrow, HALF_NORMAL / root, math.pi)
    pick_main = jr.uniform(stream(key, "piece"), (count,)) * (main + 2.0 * math.sqrt(math.pi) * corner) < main
    uniform = jr.uniform(stream(key, "angle"), (count,), minval=jnp.finfo(alpha.dtype).tiny)
    half_normal = jnp.abs(jr.normal(stream(key, "narrow"), (count,))) / root
    near = jnp.where(narrow, half_normal, math.pi * uniform)
    angle = jnp.where(pick_main, near, math.pi * (1.0 - uniform**2))

    safe = jnp.clip(angle, jnp.finfo(alpha.dtype).tiny, math.pi * (1.0 - jnp.finfo(alpha.dtype).eps))
    log_start = -(alpha * jnp.log(alpha) + (1.0 - alpha) * jnp.log1p(-alpha))
    log_zeta = -0.5 * (_log_zolotarev(safe, alpha) + log_start)  # of the root of B(U) / B(0)
    zeta = jnp.exp(log_zeta)
    stretch = -1.0 / jnp.expm1(-jnp.log1p(alpha * zeta / root) / alpha)
    envelope = level * jnp.where(narrow, jnp.exp(-0.5 * spread * safe**2), 1.0) + corner / jnp.sqrt(math.pi - safe)
    log_ratio = (
        math.log(math.pi)
        + tilt * jnp.expm1(-2.0 * log_zeta)
        + jnp.log(envelope)
        - jnp.log((1.0 + HALF_NORMAL) * root / zeta + stretch)
    )
    height = jr.uniform(stream(key, "height"), (count,), minval=jnp.finfo(alpha.dtype).tiny)
    return angle, log_ratio + jnp.log(height), stretch


def _log_zolotarev(angle, alpha):
    """Return the logarithm of sin(alpha u)^alpha sin((1 - alpha) u)^(1 - alpha) / sin(u)."""
    powers = alpha * jnp.log(jnp.sin(alpha * angle)) + (1.0 - alpha) * jnp.log(jnp.sin((1.0 - alpha) * angle))
    return powers - jnp.log(jnp.sin(angle))
