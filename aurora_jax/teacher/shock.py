"""Shocked copies of a teacher: the same market under stress."""

import equinox as eqx
import jax.numpy as jnp

from .model import NFSDE
from .regime_map import inverse_softplus, unbounded


def shocked(
    model: NFSDE,
    *,
    volatility: float = 1.0,
    jump_intensity: float = 1.0,
    hurst: float | None = None,
    drift: float = 0.0,
) -> NFSDE:
    """Return `model` under a shock; the defaults change nothing.

    Args:
        model: the teacher.
        volatility: multiplies every asset's volatility: the diffusion, and with it the jumps; factors stay as they are.
        jump_intensity: multiplies the expected number of jumps per bar.
        hurst: Hurst exponent of every volatility factor in every regime; None keeps the fitted ones.
        drift: added to every asset's log return per bar.

    Raises:
        ValueError: if a multiplier is not positive or `hurst` leaves the model's range; names the value.
    """
    for name, value in (("volatility", volatility), ("jump_intensity", jump_intensity)):
        if not value > 0.0:
            raise ValueError(f"{name} must be positive, was {value}.")
    low, high = model.volatility.hurst_min, model.volatility.hurst_max
    if hurst is not None and not low < hurst < high:
        raise ValueError(f"hurst must lie in ({low}, {high}), was {hurst}.")
    if volatility != 1.0:
        model = _with_volatility(model, volatility)
    if jump_intensity != 1.0:
        model = _with_intensity(model, jump_intensity)
    if hurst is not None:
        roughness = model.volatility.roughness
        flat = jnp.full_like(roughness.offset, float(unbounded(jnp.asarray(hurst), low, high)))
        replacement = (jnp.zeros_like(roughness.weight), flat)
        model = eqx.tree_at(
            lambda m: (m.volatility.roughness.weight, m.volatility.roughness.offset), model, replacement
        )
    if drift != 0.0:
        level = model.drift.level.offset
        model = eqx.tree_at(lambda m: m.drift.level.offset, model, level.at[: model.assets].add(drift))
    return model


def _with_volatility(model: NFSDE, multiplier: float) -> NFSDE:
    """Scale L(z) exactly, in every regime: its raw parameters are relative to floor and ceiling, so scale those."""
    diffusion = model.diffusion
    scaled = type(diffusion)(
        diffusion.factor, diffusion.floor * multiplier, diffusion.ceiling * multiplier, diffusion.assets
    )
    return eqx.tree_at(lambda m: m.diffusion, model, scaled)


def _with_intensity(model: NFSDE, multiplier: float) -> NFSDE:
    """Scale the intensity exactly in every regime by solving for the map that gives the scaled values."""
    embedding = model.embedding
    intensity = jnp.logaddexp(embedding @ model.jumps.intensity.weight[0] + model.jumps.intensity.offset[0], 0.0)
    raw = inverse_softplus(multiplier * intensity)
    # As many regimes as equations: with the offset free, the least-norm solution reproduces `raw` exactly.
    design = jnp.concatenate([embedding, jnp.ones((embedding.shape[0], 1), embedding.dtype)], axis=1)
    solution = jnp.linalg.lstsq(design, raw)[0]
    target = (solution[None, :-1], solution[-1:])
    return eqx.tree_at(lambda m: (m.jumps.intensity.weight, m.jumps.intensity.offset), model, target)
