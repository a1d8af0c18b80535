"""Jumps whose intensity depends on the state that they move: drawn ahead, thinned where the state is known."""

from typing import NamedTuple

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Number, PRNGKey, stream

from .domain import at_least, within


class JumpCandidates(NamedTuple):
    """Candidate jumps of each step, from a Poisson process at the bound of the intensity.

    Attributes:
        height: uniform in [0, 1) for each candidate: it is a jump where height x bound lies below the intensity.
        count: candidates in the step; the first `count` heights are theirs.
        bound: of the intensity during the step, per unit time.
        overflowed: True where a step had more candidates than places; the excess is lost.
    """

    height: Float[Array, "*batch places"]
    count: Int[Array, "*batch"]
    bound: Float[Array, "*batch"]
    overflowed: Bool[Array, "*batch"]


class ThinnedJumps(NamedTuple):
    """What became of a step's candidates.

    Attributes:
        kept: True for each place that holds a jump.
        exceeded: True if the intensity was negative, not a number or above the bound, so that the law is wrong here.
    """

    kept: Bool[Array, "*batch places"]
    exceeded: Bool[Array, "*batch"]


def jump_candidates(key: PRNGKey, *, bound: Float[Array, " steps"], step_size: Number, places: int) -> JumpCandidates:
    """Draw the candidates of all steps before a solver runs.

    Args:
        key: spent here.
        bound: >= 0, of the intensity in each step; known before the state is.
        step_size: > 0.
        places: for the candidates of one step; take bound x step_size + 6 times its root, and look at `overflowed`.

    Raises:
        ValueError: if an argument is out of range.
    """
    at_least("places", places, 1)
    bound = within("bound", bound, 0.0, low_included=True)
    step_size = within("step_size", step_size, 0.0)
    drawn = jr.poisson(stream(key, "count"), bound * step_size).astype(int)
    height = jr.uniform(stream(key, "height"), (*bound.shape, places), bound.dtype)
    return JumpCandidates(height, jnp.minimum(drawn, places), bound, drawn > places)


def thinned(candidates: JumpCandidates, intensity: Float[Array, ""]) -> ThinnedJumps:
    r"""Keep each candidate of one step with probability intensity / bound.

    The number kept is Poisson with mean intensity x step_size, whatever the bound: for
    $\lambda(x, t, z) = \lambda_0(z) + \alpha(z)^\top \phi(x, t)$ held at its value at the start of the step.

    Args:
        candidates: of one step, i.e. one entry of what `jump_candidates` drew.
        intensity: >= 0 and at most the step's bound, per unit time.

    References:
        Lewis and Shedler (1979), Naval Research Logistics Quarterly 26(3), theorem 1.
    """
    place = jnp.arange(candidates.height.shape[-1])
    kept = (candidates.height * candidates.bound < intensity) & (place < candidates.count)
    allowed = (intensity >= 0.0) & (intensity <= candidates.bound)
    return ThinnedJumps(kept & allowed, ~allowed)
