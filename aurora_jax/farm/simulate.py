"""Paths and their invariants, in one jitted call each per shape."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int

from ..core import Estimate, Invariants, Regime, Trajectories, require_x64, root_key, stream
from ..invariants import measure
from ..scenarios import AbstractLaw, Severity
from ..teacher import NFSDE, initial_state, shocked, simulate
from .jump_counts import jump_dispersion, jump_rate
from .plan import MEASURED_AT, STEP_SIZE_BARS, ChunkSpec
from .stress import contrasted, stresses


def simulate_chunk(spec: ChunkSpec, teacher: NFSDE | None) -> tuple[Trajectories, dict[str, Estimate]]:
    """Draw a chunk's paths, in single precision as they will be stored, and measure them as stored.

    Each path has a key of its own, so a path does not depend on how many others share its chunk.

    Returns:
        The paths, and each path's estimates by name: the invariants of its log returns, the rate and dispersion of its
        jumps where it can have any, and what families of cells stress where a teacher made it.

    Raises:
        RuntimeError: if double precision is off, in which the invariants are measured.
        ValueError: if the cell needs a teacher and there is none.
    """
    require_x64("simulate_chunk")
    shard_key = stream(root_key(spec.seed), *spec.seed_path)
    keys = jax.vmap(lambda path: jr.fold_in(shard_key, path))(jnp.arange(spec.paths))
    regime_path = jnp.asarray([int(regime) for regime in spec.cell.regimes])
    if spec.cell.law is not None:
        paths = _follow_law(spec.cell.law, keys, regime_path, spec.cell.steps)
    elif teacher is None:
        raise ValueError(f"cell {spec.cell.name!r} of family {spec.cell.family} needs a teacher, was None.")
    else:
        shock = _shocked(teacher, spec.cell.severity)
        paths = _follow_teacher(shock, keys, regime_path, spec.cell.steps)
    found = _measure(paths.log_price)._asdict()
    if spec.cell.law is None:
        return paths, {**found, **_count(paths.jumps), **_stressed(paths, spec.cell.regimes)}
    return paths, {**found, **(_count(paths.jumps) if "jump_rate" in spec.cell.law.truth() else {})}


def _shocked(teacher: NFSDE, severity: Severity) -> NFSDE:
    return shocked(teacher, **severity.description())  # pyright: ignore[reportArgumentType]


@eqx.filter_jit
def _follow_teacher(model: NFSDE, keys, regime_path: Int[Array, " blocks"], steps: int) -> Trajectories:
    start = initial_state(model)
    paths = jax.vmap(lambda key: simulate(model, key, start, regime_path, steps=steps, step_size=STEP_SIZE_BARS))(keys)
    return _as_stored(paths)


@eqx.filter_jit
def _follow_law(law: AbstractLaw, keys, regime_path: Int[Array, " blocks"], steps: int) -> Trajectories:
    returns, jumps = jax.vmap(lambda key: law.counted(key, steps=steps))(keys)
    paths = returns.shape[0]
    regime = jnp.repeat(regime_path, steps // regime_path.shape[0], total_repeat_length=steps)
    return _as_stored(
        Trajectories(
            times=jnp.broadcast_to(STEP_SIZE_BARS * jnp.arange(steps + 1, dtype=float), (paths, steps + 1)),
            log_price=jnp.pad(jnp.cumsum(returns, axis=1), ((0, 0), (1, 0), (0, 0))),
            log_volatility=jnp.zeros((paths, steps + 1, 0), returns.dtype),
            regime=jnp.broadcast_to(regime, (paths, steps)),
            jumps=jumps,
        )
    )


def _as_stored(paths: Trajectories) -> Trajectories:
    return paths._replace(
        log_price=paths.log_price.astype(jnp.float32), log_volatility=paths.log_volatility.astype(jnp.float32)
    )


@jax.jit
def _count(jumps: Int[Array, "paths steps"]) -> dict[str, Estimate]:
    return {"jump_rate": jax.vmap(jump_rate)(jumps), "jump_dispersion": jax.vmap(jump_dispersion)(jumps)}


def _stressed(paths: Trajectories, regimes: tuple[Regime, ...]) -> dict[str, Estimate]:
    calm, wild = contrasted(regimes)
    found = _stresses(paths, jnp.asarray(calm), jnp.asarray(wild))
    return {name: estimate for name, estimate in found.items() if name != "regime_contrast" or wild != calm}


@jax.jit
def _stresses(paths: Trajectories, calm: Int[Array, ""], wild: Int[Array, ""]) -> dict[str, Estimate]:
    return jax.vmap(lambda path: stresses(path, calm, wild))(paths)


@jax.jit
def _measure(log_price: Float[Array, "paths points assets"]) -> Invariants:
    returns = jnp.diff(log_price.astype(jnp.float64), axis=1)
    return jax.vmap(functools.partial(measure, **MEASURED_AT))(returns)
