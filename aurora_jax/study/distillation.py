"""What a student has taken over from its teacher: evidence of held-out bars, paths and tails like the teacher's."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from flax import nnx
from jaxtyping import Array, Float, Int

from ..core import PRNGKey, stream
from ..student import DSSM, Imitation, Windows, filter_windows, imitate, regime_overlap, signature_loss, student_loss

_TAIL_SHARE = 0.05
_DRAWS = 8  # of the posterior, for the evidence
_REGIMES = 3
_NO_PENALTY = {"jacobian_weight": 0.0, "divergence_weight": 0.0}


class Evidence(NamedTuple):
    """Of held-out windows, in nats per return.

    Attributes:
        bound: evidence lower bound, with the whole divergence; more is better.
        forecast: minus the log density of the next return, joint and single, as it is served; less is better.
    """

    bound: float
    forecast: float


class Likeness(NamedTuple):
    """Of the student's own paths to its teacher's.

    Attributes:
        signature_distance: squared maximum mean discrepancy, unbiased: it can be negative.
        signature_error: its standard error, from groups of independent paths.
        exceedances: Kolmogorov-Smirnov distance of the losses beyond the teacher's 95 % loss.
        exceedance_share: how often the student's loss is beyond it; the teacher's is .05.
    """

    signature_distance: float
    signature_error: float
    exceedances: float
    exceedance_share: float


def held_out_evidence(network: DSSM, key: PRNGKey, windows: Windows) -> Evidence:
    """Return what held-out windows say of a student.

    Args:
        network: the student.
        key: parent of the posterior's draws; the same for all students that are compared.
        windows: of bars that nothing was fitted to.
    """
    structure, weights = nnx.split(network)

    @jax.jit
    def parts(weights, key):
        asked = {"jacobian_weight": 0.0, "divergence_weight": 1.0}
        return student_loss(nnx.merge(structure, weights), key, windows, **asked)[1]

    drawn = [parts(weights, stream(key, "posterior", draw)) for draw in range(_DRAWS)]
    bound = -np.mean([float(part.reconstruction) + float(part.divergence) for part in drawn])
    served = jax.jit(lambda weights: student_loss(nnx.merge(structure, weights), None, windows, **_NO_PENALTY)[1])
    return Evidence(float(bound), float(served(weights).forecast))


def likeness(
    network: DSSM, key: PRNGKey, imitation: Imitation, *, groups: int, group_paths: int, depth: int
) -> Likeness:
    """Compare paths that a student simulates with paths of its teacher that it has not seen.

    Args:
        network: the student.
        key: parent of the streams used here.
        imitation: holds the teacher's paths, at least `group_paths`.
        groups: of independent paths; their spread gives the standard error.
        group_paths: in a group.
        depth: of the signatures.

    Raises:
        ValueError: if there are fewer than 2 groups, or too few paths of the teacher.
    """
    if groups < 2:
        raise ValueError(f"groups must be at least 2, or there is no standard error, was {groups}.")
    if imitation.returns.shape[0] < groups * group_paths:
        raise ValueError(
            f"{groups} groups of {group_paths} paths need as many of the teacher's, had {imitation.returns.shape[0]}."
        )
    structure, weights = nnx.split(network)

    @jax.jit
    def group(weights, key, held):
        own, theirs = imitate(nnx.merge(structure, weights), key, imitation._replace(returns=held), paths=group_paths)
        return signature_loss(own, theirs, imitation, depth=depth), own

    distances, paths = [], []
    for number in range(groups):
        held = imitation.returns[number * group_paths : (number + 1) * group_paths]
        distance, own = group(weights, stream(key, "group", number), held)
        distances.append(float(distance))
        paths.append(np.asarray(own))
    unit = np.asarray(imitation.deviation)
    compared = exceedances(np.concatenate(paths) / unit, np.asarray(imitation.returns) / unit)
    return Likeness(float(np.mean(distances)), float(np.std(distances, ddof=1) / groups**0.5), compared[0], compared[1])


def exceedances(
    returns: Float[np.ndarray, "paths bars assets"], reference: Float[np.ndarray, "others bars assets"]
) -> tuple[float, float]:
    """Return the Kolmogorov-Smirnov distance of losses beyond the reference's 95 % loss, and how often there are any.

    Both in the typical deviation of each asset; 1 and 0 where there is no such loss.
    """
    losses, theirs = -np.asarray(returns, float).ravel(), -np.asarray(reference, float).ravel()
    threshold = np.quantile(theirs, 1.0 - _TAIL_SHARE)
    beyond = losses[losses > threshold]
    if beyond.size == 0:
        return 1.0, 0.0
    distance = scipy.stats.ks_2samp(beyond, theirs[theirs > threshold]).statistic
    return float(distance), float(beyond.size / losses.size)


def overlap_of_regimes(network: DSSM, windows: Windows, regime: Int[Array | np.ndarray, " windows"]) -> float:
    """Return how far the student's states of simulated windows of different regimes overlap; see `regime_overlap`."""
    structure, weights = nnx.split(network)

    @jax.jit
    def overlap(weights):
        cells = filter_windows(nnx.merge(structure, weights), None, windows)
        return regime_overlap(jnp.mean(cells.posterior.mean[:, -1], axis=1), jnp.asarray(regime), regimes=_REGIMES)

    return float(overlap(weights))
