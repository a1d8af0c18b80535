"""Leave out of a hinge program the rows whose side is settled: surely in the tail, or surely not."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from .hinge_program import HingePoint, HingeProgram
from .interior_point import Cone


class Screened(NamedTuple):
    """A smaller program with the iterate that belongs to it.

    Attributes:
        program: of the rows kept; the settled ones are folded into its linear costs.
        x: the iterate on those rows; `dual` likewise.
        kept: which rows they are.
        settled: multipliers of the others, 0 or their cost; 0 at the rows kept.
    """

    program: HingeProgram
    x: HingePoint
    dual: Cone
    kept: Int[Array, " kept"]
    settled: Float[Array, " rows"]

    def multipliers(self, dual: Cone) -> tuple[Float[Array, " rows"], Cone]:
        """Return the multipliers of all rows and of the norm, given those of the smaller program."""
        row_dual, norm_dual = self.program.multipliers(dual)
        return self.settled.at[self.kept].set(row_dual), norm_dual


def screen(program: HingeProgram, x: HingePoint, dual: Cone, *, rows_kept: int) -> Screened:
    """Keep the rows that matter most to the next Newton step, those least sure of their side.

    A row well outside the tail costs nothing, one well inside costs cost x (offset - A w - b t) with no hinge. That
    is a guess until the answer is certified on the full program.

    Args:
        program: the full program.
        x: an iterate of the interior-point method on it; `dual` likewise.
        dual: see above.
        rows_kept: how many rows to keep.
    """
    above, excess, *_ = program.split(program.slack(x).orthant)
    row_dual, excess_dual, lower, upper, norm = program.split(dual.orthant)
    stiffness = 1.0 / (above / row_dual + excess / excess_dual)
    _, kept = lax.top_k(stiffness, rows_kept)
    settled = jnp.where(2.0 * row_dual > program.cost, program.cost, 0.0).at[kept].set(0.0)
    folded = program.columns @ settled
    smaller = eqx.tree_at(
        lambda p: (p.columns, p.offset, p.cost, p.linear, p.threshold_cost),
        program,
        (
            program.columns[:, kept],
            program.offset[kept],
            program.cost[kept],
            program.linear - folded[:-1],
            program.threshold_cost - folded[-1],
        ),
    )
    orthant = jnp.concatenate([row_dual[kept], excess_dual[kept], lower, upper, norm])
    return Screened(smaller, x._replace(excess=x.excess[kept]), Cone(orthant, dual.second_order), kept, settled)
