"""Simulation of the teacher: diffrax's solver between jumps, in one scan."""

from typing import NamedTuple

import diffrax
import jax
import jax.numpy as jnp
import lineax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ..core import Number, PRNGKey, Trajectories
from ..stochastic import FractionalChannel, ItoChannel, choose_solver
from .diffusion import log_scale
from .excitation import StepJumps, jumps_in_step
from .model import NFSDE, RegimeParameters
from .noise import Noise, along_path, draw_noise


class PathState(NamedTuple):
    """What the next step needs: log prices and factors, and the excitation that past jumps have left, per bar."""

    values: Float[Array, " state"]
    excess: Float[Array, ""]


class StepInputs(NamedTuple):
    """What a step is given from outside: its start and end, its regime's parameters, its noise."""

    start: Float[Array, ""]
    end: Float[Array, ""]
    embedding: Float[Array, " embedding"]
    parameters: RegimeParameters
    noise: Noise


class StepInfo(NamedTuple):
    """What a reader wants of a step: the state after it, its jumps and how many were expected, places that ran out."""

    values: Float[Array, " state"]
    jumps: Int[Array, ""]
    expected: Float[Array, ""]
    overflowed: Bool[Array, ""]


def simulate(
    model: NFSDE,
    key: PRNGKey,
    x0: Float[Array, " state"],
    regime_path: Int[Array, " blocks"],
    *,
    steps: int,
    step_size: float = 1.0,
) -> Trajectories:
    """Simulate one path; the caller vmaps over keys.

    Brownian price channels with jumps are integrated at the left point, and fractional factors are additive, whatever
    their Hurst exponent: `choose_solver` gives Euler. Jumps, whose intensity depends on the state, apply between the
    solver's steps. Reverse-mode gradients hold the jump counts as they fell and recompute each step.

    Args:
        model: the teacher.
        key: parent of the path's streams.
        x0: log prices, then log-volatility factors.
        regime_path: `Regime` code of each block; blocks are of equal length.
        steps: solver steps, a multiple of the number of blocks.
        step_size: bars per step.

    Raises:
        ValueError: if `steps` is not a positive multiple of the number of blocks, or `x0` has the wrong length.
    """
    return simulate_tilted(model, key, x0, regime_path, steps=steps, step_size=step_size, tilt=1.0)[0]


def simulate_tilted(
    model: NFSDE,
    key: PRNGKey,
    x0: Float[Array, " state"],
    regime_path: Int[Array, " blocks"],
    *,
    steps: int,
    step_size: float = 1.0,
    tilt: Number,
) -> tuple[Trajectories, Float[Array, ""]]:
    r"""Simulate one path with jumps $\theta$ times as frequent, and the logarithm of its likelihood ratio.

    $$\log \frac{dP}{dQ} = -N \log \theta + (\theta - 1) \int \lambda_s\, ds, \qquad \lambda^Q = \theta \lambda,$$

    with $\lambda$ the whole intensity given the path, self-excitation included, and N the number of jumps. Weighted by
    the ratio, such paths follow the teacher's own law: importance sampling of its tail. Prices are compensated by
    $\lambda$, not by $\lambda^Q$.

    Args:
        model: the teacher.
        key: parent of the path's streams; with the same key, `tilt` changes jumps alone.
        x0: as for `simulate`, like `regime_path`, `steps` and `step_size`.
        regime_path: see `x0`.
        steps: see `x0`.
        step_size: see `x0`.
        tilt: theta > 0.

    Raises:
        ValueError: as `simulate`.

    References:
        Brémaud (1981), Point Processes and Queues, chapter VI, theorem T3.
    """
    blocks = regime_path.shape[0]
    if steps < 1 or steps % blocks:
        raise ValueError(f"steps must be a positive multiple of the {blocks} blocks of regime_path, was {steps}.")
    if x0.shape[0] != model.assets + model.factors:
        raise ValueError(f"x0 must have {model.assets} + {model.factors} entries, had {x0.shape[0]}.")
    regime = jnp.repeat(regime_path, steps // blocks, total_repeat_length=steps)
    parameters = along_path(model, regime_path, regime, steps // blocks)
    noise = draw_noise(model, key, parameters, regime_path, step_size=step_size)
    grid = (step_size * np.arange(steps + 1)).astype(model.dtype)  # diffrax would widen a state to the times' precision
    inputs = StepInputs(jnp.asarray(grid[:-1]), jnp.asarray(grid[1:]), model.embedding[regime], parameters, noise)
    ratio = jnp.asarray(tilt, model.dtype)
    step = jax.checkpoint(lambda state, given: advance(model, state, given, step_size=step_size, tilt=ratio))
    start = PathState(x0.astype(model.dtype), initial_excess(model, parameters, x0))
    _, info = jax.lax.scan(step, start, inputs)
    states = jnp.concatenate([start.values[None], info.values])
    log_weight = (ratio - 1.0) * jnp.sum(info.expected) - jnp.sum(info.jumps).astype(model.dtype) * jnp.log(ratio)
    paths = Trajectories(
        jnp.asarray(grid),
        states[:, : model.assets],
        states[:, model.assets :],
        regime,
        info.jumps,
        jnp.any(info.overflowed),
    )
    return paths, log_weight


def initial_excess(model: NFSDE, parameters: RegimeParameters, x0: Float[Array, " state"]) -> Float[Array, ""]:
    """Return the excitation that jumps before the start are expected to have left, a n / (1 - n) per bar."""
    first = jax.tree.map(lambda leaf: leaf[0], parameters.jump_law)
    ratio = model.branching_ratio
    return first.baseline(x0[model.assets :].astype(model.dtype)) * ratio / (1.0 - ratio)


def advance(
    model: NFSDE, state: PathState, given: StepInputs, *, step_size: float, tilt: Number = 1.0
) -> tuple[PathState, StepInfo]:
    """Take one step: the solver's, then the jumps', whose intensity is `tilt` times the model's."""
    assets = model.assets
    volatility = state.values[assets:]
    # Fractional prices take no scale from the state (the solver rule); neither then do their jumps.
    scale = jnp.exp(log_scale(volatility)) if model.price_roughness is None else jnp.ones((), model.dtype)
    continuous = _solver_step(model, state.values, given, scale)
    if model.ablation.no_jumps:
        nothing = StepInfo(continuous, jnp.zeros((), int), jnp.zeros((), model.dtype), jnp.asarray(False))
        return PathState(continuous, state.excess), nothing
    law = given.parameters.jump_law
    happened = jumps_in_step(
        given.noise.jump_uniforms,
        baseline=tilt * law.baseline(volatility),
        excess=tilt * state.excess,
        branching_ratio=tilt * model.branching_ratio,
        decay=model.jumps.excitation.decay,
        step_size=step_size,
    )
    happened = happened._replace(expected=happened.expected / tilt, excess=happened.excess / tilt)
    values = continuous.at[:assets].add(scale * _price_jump(given, happened))
    info = StepInfo(values, happened.count, happened.expected, happened.overflowed)
    return PathState(values, happened.excess), info


def _price_jump(given: StepInputs, happened: StepJumps) -> Float[Array, " assets"]:
    """Return L u for the step's jumps, less what they add on average along this path of the intensity."""
    parameters, count = given.parameters, happened.count.astype(happened.expected.dtype)
    # The sum of k centred marks that share their scale is one of them times the root of k. A root has no slope at 0.
    spread = jnp.where(count > 0, jnp.sqrt(jnp.maximum(count, 1.0)), 0.0)
    mean = (count - happened.expected) * parameters.jump_law.mean
    return parameters.price_factor @ (spread * given.noise.mark + mean * parameters.market_direction)


class _Increment(diffrax.AbstractPath):
    """A control over the one step whose increment is known."""

    t0: Float[Array, ""]
    t1: Float[Array, ""]
    value: Float[Array, " state"]

    def evaluate(self, t0, t1=None, left: bool = True):
        return self.value


def _solver_step(model: NFSDE, values, given: StepInputs, scale) -> Float[Array, " state"]:
    assets, factors = model.assets, model.factors
    parameters = given.parameters
    increment = jnp.concatenate(
        [parameters.price_factor @ given.noise.price, parameters.volatility_of_volatility * given.noise.volatility]
    )

    def drift(t, x, args):
        return model.drift(x[assets:], given.embedding)

    def size(t, x, args):
        return lineax.DiagonalLinearOperator(
            jnp.concatenate([jnp.broadcast_to(scale, (assets,)), jnp.ones(factors, model.dtype)])
        )

    terms = diffrax.MultiTerm(
        diffrax.ODETerm(drift), diffrax.ControlTerm(size, _Increment(given.start, given.end, increment))
    )
    fractional = FractionalChannel(model.volatility.hurst_min, state_dependent=False)
    prices = ItoChannel(state_dependent=True) if model.price_roughness is None else fractional
    solver = choose_solver((prices, fractional))
    after, *_ = solver.step(terms, given.start, given.end, values, None, None, made_jump=False)
    return after
