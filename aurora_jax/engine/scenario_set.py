"""The scenarios that weights are chosen against: recent history beside the teacher's extremes."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..core import Number
from .history import ReturnHistory


class ScenarioSet(eqx.Module):
    """Simulated one-bar simple returns for each regime, with probabilities that keep tails in proportion.

    Attributes:
        returns: scenarios per family; none (n = 0) if no teacher knows this stream.
        probabilities: sum to 1 within each family.
        simulated_share: probability given to simulated scenarios as a whole, in [0, 1).
    """

    returns: Float[Array, "families n assets"]
    probabilities: Float[Array, "families n"]
    simulated_share: Float[Array, ""]

    def __check_init__(self):
        if self.returns.shape[:2] != self.probabilities.shape:
            raise ValueError(f"probabilities must have shape {self.returns.shape[:2]}, had {self.probabilities.shape}.")


def join(
    scenarios: ScenarioSet, history: ReturnHistory, families: Float[Array, " families"]
) -> tuple[Float[Array, "m assets"], Float[Array, " m"]]:
    """Join history and the likeliest family's simulated scenarios into one law.

    Args:
        scenarios: simulated.
        history: the stream's own; rows not yet filled get probability 0.
        families: probabilities of the regimes now.
    """
    family = jnp.argmax(families)
    simulated = scenarios.simulated_share if scenarios.returns.shape[1] else jnp.zeros(())
    held = history.held.astype(float)
    own = (1.0 - simulated) * held / jnp.maximum(jnp.sum(held), 1.0)
    rows = jnp.concatenate([history.rows, scenarios.returns[family]])
    return rows, jnp.concatenate([own, simulated * scenarios.probabilities[family]])


def expected_shortfall(
    losses: Float[Array, " n"], probabilities: Float[Array, " n"], *, tail_probability: Number
) -> Float[Array, ""]:
    r"""Return the mean of the worst `tail_probability` share of a discrete law, its boundary atom split.

    $$ES_p = \frac1p \sum_i \min\bigl(\pi_{(i)},\ (p - \textstyle\sum_{j<i} \pi_{(j)})_+\bigr)\, l_{(i)}$$

    with losses in descending order.

    References:
        Rockafellar and Uryasev (2002), J. Banking and Finance 26(7), prop. 8.
    """
    order = jnp.argsort(-losses)
    weights = probabilities[order]
    before = jnp.cumsum(weights) - weights
    taken = jnp.clip(tail_probability - before, 0.0, weights)
    return jnp.sum(taken * losses[order]) / tail_probability


def scenario_set(
    returns: Float[Array, "families paths assets"],
    *,
    tail_probability: float,
    tail_rows: int,
    body_rows: int,
    simulated_share: float,
) -> ScenarioSet:
    """Thin simulated one-bar returns to the worst rows and an even sample of the rest, each with its own mass.

    The worst `tail_probability` share by equal-weight loss keeps that mass on `tail_rows` rows; the other rows share
    the remainder. So extremes are dense where the shortfall looks, and not more probable than simulated.

    Args:
        returns: simple returns of one bar, per family.
        tail_probability: share of rows that counts as tail.
        tail_rows: rows kept from the tail.
        body_rows: rows kept from the rest.
        simulated_share: probability of the simulated part in the joint law.

    Raises:
        ValueError: if there are fewer simulated rows than asked for.
    """
    paths = returns.shape[1]
    tail = round(tail_probability * paths)
    if tail < tail_rows or paths - tail < body_rows:
        raise ValueError(
            f"{paths} simulated rows give {tail} in the tail, {tail_rows} + {body_rows} were asked for: simulate more."
        )
    worst_first = jnp.argsort(jnp.mean(returns, axis=2), axis=1)
    tail_pick = jnp.linspace(0, tail - 1, tail_rows).astype(int)
    body_pick = jnp.linspace(tail, paths - 1, body_rows).astype(int)
    picked = worst_first[:, jnp.concatenate([tail_pick, body_pick])]
    rows = jnp.take_along_axis(returns, picked[:, :, None], axis=1)
    mass = jnp.concatenate(
        [jnp.full(tail_rows, tail_probability / tail_rows), jnp.full(body_rows, (1 - tail_probability) / body_rows)]
    )
    probabilities = jnp.broadcast_to(mass, (returns.shape[0], mass.size))
    return ScenarioSet(rows.astype(float), probabilities, jnp.asarray(simulated_share))
