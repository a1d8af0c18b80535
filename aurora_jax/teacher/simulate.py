"""Simulation of the teacher on diffrax, by the solver rule of its channels."""

from typing import NamedTuple

import diffrax
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int

from ..core import PRNGKey, Trajectories, stream
from ..stochastic import FractionalChannel, IncrementPath, ItoChannel, causal_factor, choose_solver, step_index
from .jumps import whitened_jumps
from .model import NFSDE, RegimeParameters


class Noise(NamedTuple):
    """Every random input of one path, drawn before the solver runs."""

    price: Float[Array, "steps assets"]
    volatility: Float[Array, "steps factors"]
    jumps: Float[Array, "steps assets"]
    jump_count: Int[Array, " steps"]


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
    their Hurst exponent: `choose_solver` gives Euler.

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
    blocks = regime_path.shape[0]
    if steps < 1 or steps % blocks:
        raise ValueError(f"steps must be a positive multiple of the {blocks} blocks of regime_path, was {steps}.")
    if x0.shape[0] != model.assets + model.factors:
        raise ValueError(f"x0 must have {model.assets} + {model.factors} entries, had {x0.shape[0]}.")
    regime = jnp.repeat(regime_path, steps // blocks, total_repeat_length=steps)
    parameters = along_path(model, regime_path, regime, steps // blocks)
    noise = draw_noise(model, key, parameters, step_size=step_size)
    states = _solve(model, x0.astype(model.dtype), regime, parameters, noise, step_size)
    times = step_size * jnp.arange(steps + 1, dtype=model.dtype)
    return Trajectories(
        times, states[:, : model.assets], states[:, model.assets :], regime, noise.jump_count.astype(int)
    )


def along_path(
    model: NFSDE, regime_path: Int[Array, " blocks"], regime: Int[Array, " steps"], block_steps: int
) -> RegimeParameters:
    """Gather the regimes' parameters along a path, limiting the Hurst exponent's moves between blocks."""
    table = model.by_regime()
    hurst = model.volatility.hurst_path(table.hurst[regime_path])
    gathered = jax.tree.map(lambda leaf: leaf[regime], table)
    return gathered._replace(hurst=jnp.repeat(hurst, block_steps, axis=0, total_repeat_length=regime.shape[0]))


def draw_noise(model: NFSDE, key: PRNGKey, parameters: RegimeParameters, *, step_size: float) -> Noise:
    """Draw the noise of one path.

    The fractional noise is built causally from its own innovations, which the price's market direction shares in part:
    that is leverage, and it leaves prices unpredictable from past noise.
    """
    steps, assets = parameters.market_direction.shape
    innovations = jr.normal(stream(key, "volatility"), (steps, model.factors), model.dtype)
    # The factor depends on the regimes alone: under a vmap over keys it is worked out once for all paths, in double.
    hurst = parameters.hurst.astype(float)
    factor = jax.vmap(lambda h: causal_factor(h, step_size=step_size), in_axes=1)(hurst).astype(model.dtype)
    fractional = jnp.einsum("fij,jf->if", factor, innovations)
    own = jr.normal(stream(key, "price"), (steps, assets), model.dtype)
    rho = parameters.leverage
    along = jnp.sum(own * parameters.market_direction, axis=1)
    shared = rho * innovations[:, 0] + (jnp.sqrt(1.0 - rho**2) - 1.0) * along
    price = step_size**0.5 * (own + shared[:, None] * parameters.market_direction)
    jumps, count = whitened_jumps(
        stream(key, "jumps"),
        parameters.jump_law,
        parameters.market_direction,
        model.jumps.degrees_of_freedom,
        step_size=step_size,
    )
    return Noise(price, fractional, jumps, count)


def _solve(model, x0, regime, parameters, noise, step_size) -> Float[Array, "points state"]:
    steps, assets = noise.price.shape
    factors = model.factors
    embedding = model.embedding[regime]
    dtype = model.dtype

    def drift(t, x, args):
        return model.drift(x[assets:], embedding[step_index(t, step_size)])

    def price_field(t, x, args):
        lower = jnp.exp(jnp.sum(x[assets:])) * parameters.price_factor[step_index(t, step_size)]
        return jnp.concatenate([lower, jnp.zeros((factors, assets), dtype)])

    def volatility_field(t, x, args):
        size = jnp.diag(parameters.volatility_of_volatility[step_index(t, step_size)])
        return jnp.concatenate([jnp.zeros((assets, factors), dtype), size])

    price_path = IncrementPath(noise.price + noise.jumps, step_size)
    terms = diffrax.MultiTerm(
        diffrax.ODETerm(drift),
        diffrax.ControlTerm(price_field, price_path),
        diffrax.ControlTerm(volatility_field, IncrementPath(noise.volatility, step_size)),
    )
    channels = (
        ItoChannel(state_dependent=True),
        FractionalChannel(model.volatility.hurst_min, state_dependent=False),
    )
    grid = price_path.grid
    solution = diffrax.diffeqsolve(
        terms,
        choose_solver(channels),
        t0=price_path.t0,
        t1=price_path.t1,
        dt0=None,
        y0=x0,
        saveat=diffrax.SaveAt(ts=jnp.asarray(grid)),
        stepsize_controller=diffrax.StepTo(ts=jnp.asarray(grid)),
        max_steps=steps,
        adjoint=diffrax.ForwardMode(),
    )
    assert solution.ys is not None
    return solution.ys
