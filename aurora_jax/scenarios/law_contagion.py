"""Jumps that one asset passes on to another: who excites whom is known."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ..core import PRNGKey, stream
from ..stochastic import MarkedEvents, MultivariateHawkes, fractional_gaussian_noise
from .law import AbstractLaw, check_common

_WARM_UP_RELAXATIONS = 16.0  # a tree of assets forgets its start once the last of a few generations has


class ContagionJumps(AbstractLaw):
    r"""Jumps of mutually exciting point processes along a tree, with Pareto sizes, over fractional Gaussian noise.

    $$r_{it} = s \Bigl(Z_{it} + \sum_{k:\, t_k \in (t-1, t],\, c_k = i} \pm a P_k\Bigr),
      \qquad P(P_k > x) = x^{-1/\xi},\ x \ge 1$$

    Each asset but the first has one parent, drawn among those before it: a jump of the parent causes `branching` jumps
    of the child on average, after exponential delays of mean 1 / `decay` bars. Baselines are such that every asset has
    the same rate. Z is fractional Gaussian noise of unit variance, white by default. Tail index $\xi$.

    References:
        Hawkes (1971), Biometrika 58(1), 83-90, section 4; Aït-Sahalia, Cacho-Diaz and Laeven (2015), Journal of
        Financial Economics 117(3), 585-606, for markets.
    """

    assets: int = eqx.field(static=True, default=8)
    branching: float = eqx.field(static=True, default=0.8)
    rate: float = eqx.field(static=True, default=0.04)
    decay: float = eqx.field(static=True, default=1.0)
    tail_index: float = eqx.field(static=True, default=0.3)
    jump_size: float = eqx.field(static=True, default=4.0)
    hurst: float = eqx.field(static=True, default=0.5)
    graph_seed: int = eqx.field(static=True, default=0)
    scale: float = eqx.field(static=True, default=0.01)

    def __check_init__(self):
        check_common(self)
        if not 0.0 <= self.branching < 1.0:
            raise ValueError(f"branching must lie in [0, 1), was {self.branching}.")
        for name in ("rate", "decay", "jump_size"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive, was {getattr(self, name)}.")
        for name in ("tail_index", "hurst"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ValueError(f"{name} must lie in (0, 1), was {getattr(self, name)}.")
        if self.graph_seed < 0:
            raise ValueError(f"graph_seed must be at least 0, was {self.graph_seed}.")

    def graph(self) -> Bool[np.ndarray, "sources targets"]:
        """Return which asset excites which; the same seed gives the same tree."""
        generator = np.random.default_rng(self.graph_seed)
        order = generator.permutation(self.assets)
        edges = np.zeros((self.assets, self.assets), bool)
        for place in range(1, self.assets):
            edges[order[generator.integers(place)], order[place]] = self.branching > 0.0
        return edges

    def process(self) -> MultivariateHawkes:
        """Return the point process of the jumps."""
        edges = self.graph()
        baseline = self.rate * np.where(edges.any(axis=0), 1.0 - self.branching, 1.0)
        return MultivariateHawkes(jnp.asarray(baseline), jnp.asarray(self.branching * edges.T), self.decay)

    def returns(self, key: PRNGKey, *, steps: int) -> Float[Array, "steps assets"]:
        return self.counted(key, steps=steps)[0]

    def counted(self, key: PRNGKey, *, steps: int) -> tuple[Float[Array, "steps assets"], Int[Array, " steps"]]:
        warm_up = math.ceil(_WARM_UP_RELAXATIONS / self.decay)
        expected = self.assets * self.rate * (warm_up + steps)
        # Families along a tree are larger than one event, but far from as large as branching near 1 would make them.
        places = math.ceil(expected + 8.0 * self.assets * math.sqrt(expected) + 16.0)
        events = _events(self.process(), stream(key, "events"), jnp.asarray(float(warm_up + steps)), places)
        times = eqx.error_if(events.times, events.overflowed, "a contagion path had more events than places.")
        bar = jnp.where(jnp.isfinite(times), jnp.ceil(times) - 1 - warm_up, -1.0).astype(int)
        # One segment for each bar and asset; events of the warm-up and padding fall into the last.
        segment = jnp.where(bar >= 0, bar * self.assets + events.component, steps * self.assets)
        sign = jr.rademacher(stream(key, "signs"), (places,), times.dtype)
        uniform = jr.uniform(stream(key, "sizes"), (places,), times.dtype, minval=jnp.finfo(times.dtype).tiny)
        size = self.jump_size * uniform**-self.tail_index
        summed = jax.ops.segment_sum(sign * size, segment, num_segments=steps * self.assets + 1)
        counts = jax.ops.segment_sum(jnp.ones(places, int), segment, num_segments=steps * self.assets + 1)
        keys = jr.split(stream(key, "noise"), self.assets)
        noise = jax.vmap(lambda one: fractional_gaussian_noise(one, hurst=self.hurst, steps=steps), out_axes=1)(keys)
        shape = (steps, self.assets)
        return self.scale * (noise + summed[:-1].reshape(shape)), jnp.sum(counts[:-1].reshape(shape), axis=1)

    def truth(self) -> dict[str, float]:
        return {"tail_index": self.tail_index, "jump_rate": self.assets * self.rate}


@eqx.filter_jit
def _events(process: MultivariateHawkes, key: PRNGKey, horizon: Float[Array, ""], places: int) -> MarkedEvents:
    """Draw the events; compiled once for all graphs of a size."""
    return process.events(key, horizon=horizon, max_events=places)
