"""Simulation of the teacher against the matrix products it cannot do without, and against torchsde."""

import dataclasses
from collections.abc import Iterator

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr

from aurora_jax.stochastic.counter_random import normal_pair, normals, uniform_pair
from aurora_jax.teacher import NFSDE, Ablation, initial_model, initial_state, simulate
from aurora_jax.teacher.excitation import jumps_in_step
from aurora_jax.teacher.noise import along_path, draw_noise

from .record import Contest, Timing, peer, timed

ASSETS, FACTORS, WIDTH, DEPTH = 12, 4, 256, 5
PATHS, STEPS, BLOCKS = 2048, 256, 4


def contests() -> Iterator[Contest]:
    """Simulate 2048 paths of 256 steps with everything on, and without jumps for torchsde."""
    model = _model()
    regimes = jnp.asarray([0, 2, 1, 2])
    keys = jr.split(jr.key(0), PATHS)
    floor = _matmul_roofline(model)
    parameters = sum(leaf.size for leaf in jax.tree.leaves(model.drift.network) if eqx.is_array(leaf))
    size = f"{PATHS} paths x {STEPS} steps, {ASSETS + FACTORS} states, {parameters:,} parameters"
    yield Contest(
        what=f"NFSDE, {size}, everything on",
        unit="path-steps",
        work=float(PATHS * STEPS),
        ours=timed(lambda: _simulate(model, keys, regimes), answer=_deviation, repeats=5),
        peers={"its matrix products alone": floor, "its noise alone": _noise(model, keys, regimes)},
        target="products >= 0.65 of ours; noise <= 0.15",
        note="the answer is the standard deviation of a log return; of the products, a checksum; of the noise, its "
        "standard deviation",
    )
    quiet = dataclasses.replace(model, ablation=Ablation(no_jumps=True))
    yield Contest(
        what=f"NFSDE, {size}, without jumps",
        unit="path-steps",
        work=float(PATHS * STEPS),
        ours=timed(lambda: _simulate(quiet, keys, regimes), answer=_deviation, repeats=5),
        peers={"its matrix products alone": floor, "torchsde, Euler, same network": peer(_torchsde)},
        target=">= 2.5 x torchsde",
        note="torchsde draws Brownian noise for all 16 states; ours draws fractional noise for 4 of them",
    )
    yield Contest(
        what=f"profile: NFSDE, {size}",
        unit="path-steps",
        work=float(PATHS * STEPS),
        ours=timed(lambda: _simulate(model, keys, regimes), answer=_deviation, repeats=5),
        peers=_parts(model, keys, regimes, floor),
        note="each part alone, on the simulation's shapes: a peer / ours is its share; parts of the network and of the "
        "noise are indented, and what the three others leave is the solver's arithmetic and copies",
    )


def _model() -> NFSDE:
    dtype = jnp.float32
    covariance = 0.015**2 * (0.35 * jnp.ones((ASSETS, ASSETS), dtype) + 0.65 * jnp.eye(ASSETS, dtype=dtype))
    return initial_model(
        jr.key(0),
        mean_return=jnp.full(ASSETS, 3e-4, dtype),
        covariance=covariance,
        factors=FACTORS,
        width=WIDTH,
        depth=DEPTH,
        hurst=0.1,
        volatility_of_volatility=0.08,
    )


@eqx.filter_jit
def _simulate(model, keys, regimes):
    start = initial_state(model)
    return jax.vmap(lambda key: simulate(model, key, start, regimes, steps=STEPS))(keys)


def _deviation(paths) -> float:
    return float(jnp.std(jnp.diff(paths.log_price, axis=1)))


def _noise(model, keys, regimes) -> Timing:
    @eqx.filter_jit
    def draw(model, keys, regimes):
        regime = jnp.repeat(regimes, STEPS // BLOCKS, total_repeat_length=STEPS)
        parameters = along_path(model, regimes, regime, STEPS // BLOCKS)
        return jax.vmap(lambda key: draw_noise(model, key, parameters, regimes, step_size=1.0))(keys)

    return timed(lambda: draw(model, keys, regimes), answer=lambda noise: jnp.std(noise.price), repeats=5)


def _matmul_roofline(model) -> Timing:
    """Time the network's products alone, chained so that none can be left out."""
    network = model.drift.network
    weights = [network.enter.weight, *(block.weight for block in network.blocks), network.leave.weight]
    inputs = weights[0].shape[1]

    @jax.jit
    def run(x):
        def step(x, _):
            hidden = x
            for weight in weights:
                hidden = hidden @ weight.T
            return 1e-3 * hidden[:, :inputs] + x, None

        return jax.lax.scan(step, x, None, length=STEPS)[0]

    start = jr.normal(jr.key(1), (PATHS, inputs), jnp.float32)
    return timed(lambda: run(start), answer=jnp.sum, repeats=5)


def _parts(model, keys, regimes, products: Timing) -> dict[str, Timing | str]:
    """Time what a simulation is made of, each part alone."""
    places = model.jumps_per_step

    def drawn(draw) -> Timing:
        run = jax.jit(jax.vmap(draw))
        return timed(lambda: run(keys), answer=lambda rows: jnp.std(jax.tree.leaves(rows)[0]), repeats=5)

    def pair_and_factors(key):
        return normal_pair(key, STEPS * ASSETS, dtype=jnp.float32), normals(key, STEPS * FACTORS, dtype=jnp.float32)

    def uniforms(key):
        return jnp.stack(uniform_pair(key, STEPS * places, dtype=jnp.float32), axis=-1)

    return {
        "network in the solver's loop": _network(model, regimes),
        "  of it the matrix products": products,
        "noise": _noise(model, keys, regimes),
        "  of it normals, 28 a step": drawn(pair_and_factors),
        "  of it uniforms, 16 a step": drawn(uniforms),
        "  of it the held gamma scale": drawn(lambda key: model.jumps.mixing.draw(key, steps=STEPS, step_size=1.0)),
        "jump times": _jump_times(model),
    }


def _network(model, regimes) -> Timing:
    embeddings = jnp.repeat(model.embedding[regimes], STEPS // BLOCKS, axis=0)

    @eqx.filter_jit
    def run(model, volatility):
        def step(volatility, embedding):
            moved = jax.vmap(lambda v: model.drift(v, embedding))(volatility)
            return 0.9 * volatility + moved[:, ASSETS:], jnp.sum(moved[:, :ASSETS])

        return jax.lax.scan(step, volatility, embeddings)

    start = 0.1 * jr.normal(jr.key(2), (PATHS, FACTORS), jnp.float32)
    return timed(lambda: run(model, start), answer=lambda out: jnp.std(out[0]), repeats=5)


def _jump_times(model) -> Timing:
    uniforms = jr.uniform(jr.key(3), (STEPS, PATHS, model.jumps_per_step, 2), jnp.float32)
    ratio, decay = model.branching_ratio, model.jumps.excitation.decay

    @jax.jit
    def run(uniforms):
        def one(excess, drawn):
            baseline = jnp.full((), 0.06, jnp.float32)
            out = jumps_in_step(
                drawn, baseline=baseline, excess=excess, branching_ratio=ratio, decay=decay, step_size=1.0
            )
            return out.excess, out.count

        return jax.lax.scan(jax.vmap(one), jnp.full(PATHS, 0.02, jnp.float32), uniforms)

    return timed(lambda: run(uniforms), answer=lambda out: jnp.mean(out[1]), repeats=5)


def _torchsde() -> Timing:
    import torch
    import torchsde

    states = ASSETS + FACTORS
    torch.manual_seed(0)

    class Residual(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(WIDTH, WIDTH)

        def forward(self, x):
            return x + torch.tanh(self.layer(x))

    class Market(torch.nn.Module):
        noise_type, sde_type = "diagonal", "ito"

        def __init__(self):
            super().__init__()
            blocks = [Residual() for _ in range(DEPTH)]
            enter, leave = torch.nn.Linear(FACTORS + 4, WIDTH), torch.nn.Linear(WIDTH, states)
            self.network = torch.nn.Sequential(enter, torch.nn.Tanh(), *blocks, leave, torch.nn.Tanh())
            self.embedding = torch.nn.Parameter(torch.randn(4))

        def f(self, t, x):
            factors = x[:, ASSETS:]
            given = self.embedding.expand(x.shape[0], 4)
            return 1e-3 * self.network(torch.cat([factors, given], dim=1))

        def g(self, t, x):
            scale = 0.015 * torch.exp(0.1 * x[:, ASSETS:].sum(dim=1, keepdim=True))
            return torch.cat([scale.expand(-1, ASSETS), torch.full((x.shape[0], FACTORS), 0.08)], dim=1)

    market = Market()
    times = torch.arange(STEPS + 1, dtype=torch.float32)

    def run():
        with torch.no_grad():
            return torchsde.sdeint(market, torch.zeros(PATHS, states), times, method="euler", dt=1.0)

    return timed(run, answer=lambda path: float(path[:, :, :ASSETS].diff(dim=0).std()), repeats=3)
