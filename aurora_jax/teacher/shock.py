"""Shocked copies of a teacher: the same market under stress."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .model import NFSDE
from .price_roughness import fractional_prices
from .regime_map import RegimeMap, inverse_softplus, unbounded


def shocked(
    model: NFSDE,
    *,
    volatility: float = 1.0,
    jump_intensity: float = 1.0,
    hurst: float | None = None,
    drift: float = 0.0,
    contagion: float | None = None,
    branching_ratio: float | None = None,
    scale_persistence_bars: float | None = None,
    degrees_of_freedom: float | None = None,
    liquidity: float = 1.0,
    price_hurst: float | None = None,
) -> NFSDE:
    r"""Return `model` under a shock; the defaults change nothing, and None keeps what was fitted.

    Args:
        model: the teacher.
        volatility: multiplies every asset's volatility: the diffusion, and with it the jumps; factors stay as they are.
        jump_intensity: multiplies the jumps per bar that no earlier jump caused, state-dependent ones included.
        hurst: Hurst exponent of every volatility factor in every regime.
        drift: added to every asset's log return per bar.
        contagion: share in (0, 0.99) of a mark's variance that moves all assets together.
        branching_ratio: expected direct offspring of a jump, in (0, 0.98).
        scale_persistence_bars: bars for which the heavy scale lasts on average, in (0.2, 1000).
        degrees_of_freedom: of the marks, above 2; the returns' tail index is its reciprocal.
        liquidity: depth of the market relative to normal; marks grow by its power -1/2, the square-root law of impact.
        price_hurst: prices driven by fractional noise of this exponent instead of Brownian motion.

    Raises:
        ValueError: if a value leaves its range; names it. Also if jump_intensity or liquidity is to be changed in a
            teacher whose embeddings are too short to tell its regimes apart.
        RuntimeError: at run time, if they are long enough but dependent.

    References:
        Torre and Ferrari (1999), Market Impact Model Handbook, for the square-root law of impact.
    """
    _positive(volatility=volatility, jump_intensity=jump_intensity, liquidity=liquidity)
    if volatility != 1.0:
        model = _with_volatility(model, volatility)
    if jump_intensity != 1.0:
        model = _with_multiplied(model, "jump_intensity", lambda m: m.jumps.intensity, jump_intensity)
        model = _with_multiplied(model, "jump_intensity", lambda m: m.jumps.response, jump_intensity)
    if hurst is not None:
        low, high = model.volatility.hurst_min, model.volatility.hurst_max
        model = _with_flat(model, "hurst", lambda m: m.volatility.roughness, hurst, low, high)
    if drift != 0.0:
        model = _with_drift(model, drift)
    if contagion is not None:
        model = _with_flat(model, "contagion", lambda m: m.jumps.contagion, contagion, 0.0, 0.99)
    if branching_ratio is not None:
        raw = _raw("branching_ratio", branching_ratio, 0.0, 0.98, model.dtype)
        model = eqx.tree_at(lambda m: m.jumps.excitation.raw_branching_ratio, model, raw)
    if scale_persistence_bars is not None:
        model = _with_persistence(model, scale_persistence_bars)
    if degrees_of_freedom is not None:
        model = _with_degrees_of_freedom(model, degrees_of_freedom)
    if liquidity != 1.0:
        model = _with_liquidity(model, liquidity)
    return model if price_hurst is None else _with_price_hurst(model, price_hurst)


def _positive(**multipliers: float) -> None:
    for name, value in multipliers.items():
        if not value > 0.0:
            raise ValueError(f"{name} must be positive, was {value}.")


def _raw(name: str, value: float, low: float, high: float, dtype) -> Float[Array, ""]:
    if not low < value < high:
        raise ValueError(f"{name} must lie in ({low}, {high}), was {value}.")
    return unbounded(jnp.asarray(value, dtype), low, high)


def _with_flat(model: NFSDE, name: str, where, value: float, low: float, high: float) -> NFSDE:
    """Give a bounded parameter the same value in every regime."""
    raw = _raw(name, value, low, high, model.dtype)
    old: RegimeMap = where(model)
    flat = RegimeMap(jnp.zeros_like(old.weight), jnp.full_like(old.offset, raw))
    return eqx.tree_at(where, model, flat)


def _with_volatility(model: NFSDE, multiplier: float) -> NFSDE:
    """Scale L(z) exactly, in every regime: its raw parameters are relative to its settings, so scale those."""

    def settings(m):
        return m.diffusion.floor, m.diffusion.ceiling, m.diffusion.size

    return eqx.tree_at(settings, model, [multiplier * value for value in settings(model)])


def _with_multiplied(model: NFSDE, name: str, where, multiplier: float) -> NFSDE:
    """Scale a positive parameter exactly in every regime by solving for the map that gives the scaled values."""
    old: RegimeMap = where(model)
    regimes, size = model.embedding.shape
    # A regime is an equation, and each of its embedding's numbers and the offset an unknown: with as many, the
    # least-norm solution gives every regime its value exactly, if their embeddings do not lie in less than a simplex.
    if size + 1 < regimes:
        raise ValueError(
            f"{name} cannot be shocked exactly: {regimes} regimes need embeddings of at least {regimes - 1} numbers, "
            f"this teacher's have {size}; train one with a larger embedding_size."
        )
    raw = model.embedding @ old.weight.T + old.offset[None, :]
    target = inverse_softplus(multiplier * jnp.logaddexp(raw, 0.0))
    design = jnp.concatenate([model.embedding, jnp.ones((regimes, 1), model.embedding.dtype)], axis=1)
    solution = jnp.linalg.lstsq(design, target)[0]
    slack = jnp.finfo(target.dtype).eps ** 0.5
    off = jnp.any(jnp.abs(design @ solution - target) > slack * (1.0 + jnp.abs(target)))
    solution = eqx.error_if(solution, off, f"{name} cannot be shocked exactly: the regimes' embeddings are dependent.")
    return eqx.tree_at(where, model, RegimeMap(solution[:-1].T, solution[-1]))


def _with_drift(model: NFSDE, drift: float) -> NFSDE:
    level, unit = model.drift.level.offset, model.drift.size[: model.assets]
    return eqx.tree_at(lambda m: m.drift.level.offset, model, level.at[: model.assets].add(drift / unit))


def _with_liquidity(model: NFSDE, liquidity: float) -> NFSDE:
    impact = liquidity**-0.5
    model = _with_multiplied(model, "liquidity", lambda m: m.jumps.scale, impact)
    mean = model.jumps.mean
    return eqx.tree_at(lambda m: m.jumps.mean, model, RegimeMap(impact * mean.weight, impact * mean.offset))


def _with_persistence(model: NFSDE, bars: float) -> NFSDE:
    if not 0.2 < bars < 1000.0:
        raise ValueError(f"scale_persistence_bars must lie in (0.2, 1000), was {bars}.")
    mixing = model.jumps.mixing.with_renewal_rate(1.0 / bars)
    return eqx.tree_at(lambda m: m.jumps.mixing, model, mixing)


def _with_degrees_of_freedom(model: NFSDE, value: float) -> NFSDE:
    if not value > 2.0:
        raise ValueError(f"degrees_of_freedom must exceed 2, was {value}.")
    raw = inverse_softplus(jnp.asarray(value - 2.0, model.dtype))
    return eqx.tree_at(lambda m: m.jumps.mixing.raw_degrees_of_freedom, model, raw)


def _with_price_hurst(model: NFSDE, value: float) -> NFSDE:
    prices = fractional_prices(value, embedding_size=model.embedding.shape[1], dtype=model.dtype)
    return eqx.tree_at(lambda m: m.price_roughness, model, prices, is_leaf=lambda leaf: leaf is None)
