"""Chains of the no-U-turn sampler, advanced in pieces so that one sees how far they are."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Bool, Float
from numpyro.infer import NUTS, init_to_median

from aurora_jax.core import PRNGKey, lenient

_STEPS_IN_PIECE = 20


class Progress(NamedTuple):
    """How far the chains are; all take their steps together.

    Attributes:
        step: steps that each chain has done, warm-up and draws.
        steps: that it will have done in the end.
        warm_up: how many of these are warm-up.
        divergences: among the draws of all chains so far.
    """

    step: int
    steps: int
    warm_up: int
    divergences: int


class Chains:
    """Chains of one model, compiled for data of one shape; what was compiled for one market serves the next.

    numpyro's own runner shows either nothing or one chain at a time, and traces every market anew. Here the chains go
    on `_STEPS_IN_PIECE` steps in one compiled call, whether someone looks or not, so that looking changes no bit.
    """

    def __init__(
        self, model: Callable, example: tuple, *, chains: int, warm_up: int, draws: int, target_acceptance: float
    ):
        """Compile.

        Args:
            model: of numpyro, called with the data.
            example: data of the shapes that will come.
            chains: how many.
            warm_up: steps of each chain that adapt and are thrown away.
            draws: of each chain.
            target_acceptance: of the step size.
        """
        self.chains, self.warm_up, self.draws = chains, warm_up, draws
        kernel = NUTS(
            model,
            dense_mass=True,
            target_accept_prob=target_acceptance,
            # Started at the priors' medians: numpyro's wide random start lies where exp() has no likelihood.
            init_strategy=init_to_median(num_samples=15),
        )

        def start(key, data):
            return kernel.init(jax.random.split(key, chains), warm_up, None, model_args=data, model_kwargs={})

        def advance(state, data, steps):
            def step(place, carry):
                before, kept = carry
                after = kernel.sample(before, data, {})
                new = after.z, after.diverging
                return after, jax.tree.map(lambda rows, row: rows.at[place].set(row), kept, new)

            room = jax.tree.map(
                lambda row: jnp.zeros((_STEPS_IN_PIECE, *row.shape), row.dtype), (state.z, state.diverging)
            )
            return lax.fori_loop(0, steps, step, (state, room))

        with lenient():
            # Compiled here and now: numpyro's kernel is changed by its first trace, and must not be traced again.
            started = jax.jit(start).lower(jax.random.key(0), example)
            self._start = started.compile()
            self._advance = jax.jit(advance).lower(started.out_info, example, 0).compile()

    def __call__(
        self, key: PRNGKey, data: tuple, on_progress: Callable[[Progress], None]
    ) -> tuple[dict[str, Float[np.ndarray, "chains draws"]], Bool[np.ndarray, "chains draws"]]:
        """Run all chains.

        Args:
            key: parent of each chain's.
            data: of the shapes of the example.
            on_progress: called after each piece.

        Returns:
            Draws of each parameter on the unconstrained scale, and which transitions diverged.
        """
        total, divergences, pieces = self.warm_up + self.draws, 0, []
        state = self._start(key, data)
        for first in range(0, total, _STEPS_IN_PIECE):
            steps = min(_STEPS_IN_PIECE, total - first)
            state, kept = self._advance(state, data, steps)
            drawn, diverging = jax.tree.map(lambda rows, count=steps: np.asarray(rows)[:count], kept)
            divergences += int(np.sum(diverging[max(self.warm_up - first, 0) :]))
            pieces.append((drawn, diverging))
            on_progress(Progress(first + steps, total, self.warm_up, divergences))
        whole = jax.tree.map(lambda *rows: np.concatenate(rows)[self.warm_up :].T, *pieces)
        return whole
