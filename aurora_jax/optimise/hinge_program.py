"""Minimise hinges, a norm and a linear cost over a budget and a box: the shape of CVaR and its robust versions."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import jax.scipy.linalg as jsl
from jaxtyping import Array, Float

from . import budget_box
from .interior_point import AbstractConicProgram, Cone, Scaling
from .norm_penalty import AbstractNorm, Curvature


class HingePoint(NamedTuple):
    """Variables: weights and threshold stacked, the norm's epigraph, and one excess a row."""

    stacked: Float[Array, " columns"]
    norm: Float[Array, ""]
    excess: Float[Array, " rows"]


class HingeFactor(NamedTuple):
    """The dense matrix of one Newton system, factored, and the diagonals that were eliminated to get it.

    Attributes:
        cholesky: factor of the matrix scaled to a unit diagonal by `unit`.
        unit: that scaling.
        budget: the solution whose right-hand side is the budget's row.
        above: scaling of the slacks of excess >= residual; `excess` that of excess >= 0.
        stiffness: what is left of a row once its excess is eliminated.
        weights: the part of the matrix that is not the rows'.
        curvature: of the norm's epigraph.
    """

    cholesky: Float[Array, "columns columns"]
    unit: Float[Array, " columns"]
    budget: Float[Array, " columns"]
    above: Float[Array, " rows"]
    excess: Float[Array, " rows"]
    stiffness: Float[Array, " rows"]
    weights: Float[Array, "d d"]
    curvature: Curvature


class HingeProgram(AbstractConicProgram):
    r"""Hinges, a norm and a linear cost of weights $w$ (d) and a threshold $t$, over a budget and a box.

    $$\min_{1^T w = 1,\ l \le w \le u,\ t} g^T w + \theta t + \sum_i c_i (h_i - A_i w - b_i t)_+ + \rho \|w\|.$$

    Carried as excesses $e \ge 0$, $e \ge h - A w - b t$ and a norm variable, all of which are eliminated from each
    Newton system: what is left is one dense system in (w, t) and the budget's multiplier.

    Attributes:
        columns: [A, b] transposed; a variable's constraints lie side by side, which is what the speed depends on.
        offset: h.
        cost: c >= 0.
        linear: g.
        threshold_cost: theta, 1 for a shortfall; b' c must exceed it, else t falls for ever.
        lower: l, below u with an interior on the budget plane where the program is to be solved.
        upper: u.
        norm: which norm.
        norm_cost: rho, > 0 where the program is to be solved.
    """

    columns: Float[Array, "columns rows"]
    offset: Float[Array, " rows"]
    cost: Float[Array, " rows"]
    linear: Float[Array, " d"]
    threshold_cost: Float[Array, ""]
    lower: Float[Array, " d"]
    upper: Float[Array, " d"]
    norm: AbstractNorm
    norm_cost: Float[Array, ""]

    def with_interior(self) -> "HingeProgram":
        """Return the program relaxed, by 1e-10 of its scale, so that a strictly feasible point exists.

        A pinned weight, a budget that only the bounds meet, and a norm or a row without a cost leave no interior to
        start from. Certificates come from the exact program, so the relaxation costs accuracy, never validity.
        """
        return eqx.tree_at(
            lambda program: (program.lower, program.upper, program.norm_cost, program.cost),
            self,
            (
                self.lower - 1e-10,
                self.upper + 1e-10,
                jnp.maximum(self.norm_cost, 1e-11),
                jnp.maximum(self.cost, 1e-13 * jnp.max(self.cost)),
            ),
        )

    def split(self, orthant: Float[Array, " m"]):
        """Undo the layout of the orthant: above, excess, lower, upper, norm."""
        rows, d = self.offset.size, self.linear.size
        return jnp.split(orthant, [rows, 2 * rows, 2 * rows + d, 2 * rows + 2 * d])

    def multipliers(self, dual: Cone) -> tuple[Float[Array, " rows"], Cone]:
        """Return the multipliers of the rows and of the norm's epigraph, which is all that `lower_bound` needs."""
        row_dual, _, _, _, norm = self.split(dual.orthant)
        return row_dual, Cone(norm, dual.second_order)

    def slack(self, x: HingePoint) -> Cone:
        weights = x.stacked[:-1]
        above = x.stacked @ self.columns + x.excess - self.offset
        norm = self.norm.slack(x.norm, weights)
        box = [weights - self.lower, self.upper - weights]
        return Cone(jnp.concatenate([above, x.excess, *box, norm.orthant]), norm.second_order)

    def factor(self, scaling: Scaling) -> HingeFactor:
        above, excess, lower, upper, norm = self.split(scaling.orthant)
        curvature = self.norm.curvature(Scaling(norm, scaling.second_order))
        weights = curvature.weights + jnp.diag(lower + upper)
        # An excess is free to move as well, so that a row resists like two springs in series.
        stiffness = above * excess / (above + excess)
        normal = (self.columns * stiffness[None]) @ self.columns.T
        normal = normal.at[:-1, :-1].add(weights)
        # Tight rows leave (w, t) free to scale, which only the budget forbids: without its share the matrix is near
        # singular. On the budget plane, where all steps lie, the term vanishes.
        normal = normal.at[:-1, :-1].add(jnp.min(jnp.diag(normal)))
        unit = 1.0 / jnp.sqrt(jnp.diag(normal))
        cholesky = jnp.linalg.cholesky(normal * jnp.outer(unit, unit) + 1e-14 * jnp.eye(unit.size))
        budget = unit * jsl.cho_solve((cholesky, True), unit.at[-1].set(0.0))
        return HingeFactor(cholesky, unit, budget, above, excess, stiffness, weights, curvature)

    def direction(self, factor: HingeFactor, shift: Cone, *, refined: bool) -> tuple[HingePoint, Cone]:
        above, excess, lower, upper, norm = self.split(shift.orthant)
        norm_force, weight_force = self.norm.adjoint(Cone(norm, shift.second_order))
        norm_force = norm_force - self.norm_cost
        excess_force = above + excess - self.cost
        total = factor.above + factor.excess

        curvature = factor.curvature
        weight_force = weight_force - self.linear + lower - upper - curvature.cross * (norm_force / curvature.norm)
        force = self.columns @ (above - factor.above / total * excess_force) + jnp.append(
            weight_force, -self.threshold_cost
        )
        stacked, price = _solve(factor, force, jnp.zeros(()))
        moved = stacked @ self.columns
        if refined:
            # By the operators instead of the matrix: near the optimum its entries span twenty orders of magnitude,
            # and without this the multipliers stop being feasible at a gap of 1e-7.
            resisted = self.columns @ (factor.stiffness * moved)
            resisted = resisted + jnp.append(factor.weights @ stacked[:-1] + price, 0.0)
            correction, _ = _solve(factor, force - resisted, -jnp.sum(stacked[:-1]))
            stacked = stacked + correction
            moved = stacked @ self.columns

        weights = stacked[:-1]
        norm_change = (norm_force - curvature.cross @ weights) / curvature.norm
        change = (excess_force - factor.above * moved) / total
        norm_slack = self.norm.slack(norm_change, weights)
        slack = jnp.concatenate([moved + change, change, weights, -weights, norm_slack.orthant])
        return HingePoint(stacked, norm_change, change), Cone(slack, norm_slack.second_order)

    def start(
        self, weights: Float[Array, " d"], threshold: Float[Array, ""], width: Float[Array, ""]
    ) -> tuple[HingePoint, Cone]:
        r"""Return a primal point and multipliers near the central path.

        A row with residual $r = h - A w - b t$ gets the excess and slack $(\sqrt{r^2 + 4 \delta^2} \pm r) / 2$, whose
        product is $\delta^2$, and the multiplier that makes both of its products equal.

        Args:
            weights: strictly inside the box, meeting the budget.
            threshold: about the quantile of the hinges.
            width: delta > 0, about the deviation of the residuals.
        """
        stacked = jnp.append(weights, threshold)
        residual = self.offset - stacked @ self.columns
        root = jnp.sqrt(residual**2 + 4.0 * width**2)
        above = 0.5 * (root + jnp.abs(residual))  # the larger of the two, free of cancellation
        excess = jnp.where(residual > 0.0, above, width**2 / above)
        row_dual = self.cost * excess / root
        complementarity = jnp.mean(row_dual * width**2 / excess)
        norm, norm_dual = self.norm.start(weights, self.norm_cost, complementarity)
        box_dual = complementarity / jnp.concatenate([weights - self.lower, self.upper - weights])
        orthant = jnp.concatenate([row_dual, self.cost - row_dual, box_dual, norm_dual.orthant])
        return HingePoint(stacked, norm, excess), Cone(orthant, norm_dual.second_order)

    def value(self, weights: Float[Array, " d"], threshold: Float[Array, ""]) -> Float[Array, ""]:
        """Return the objective at a point."""
        residual = self.offset - jnp.append(weights, threshold) @ self.columns
        hinges = self.cost @ jnp.maximum(residual, 0.0)
        return (
            self.linear @ weights + self.threshold_cost * threshold + hinges + self.norm_cost * self.norm.value(weights)
        )

    def lower_bound(self, row_dual: Float[Array, " rows"], norm_dual: Cone) -> Float[Array, ""]:
        r"""Return a value that no feasible point can beat, from any multipliers.

        For $0 \le \lambda \le c$ with $b^T \lambda = \theta$ and $v$ in the dual ball of radius $\rho$,

        $$h^T \lambda + \min_{1^T w = 1,\ l \le w \le u} (g + v - A^T \lambda)^T w$$

        is below the objective everywhere. The multipliers are first made to satisfy these conditions exactly, up to
        rounding, so that the bound is a certificate however inexact they are. Rows must have b in {0, 1}.
        """
        ceiling = jnp.where(self.columns[-1] > 0.0, self.cost, 0.0)
        rest = jnp.where(self.columns[-1] > 0.0, 0.0, jnp.clip(row_dual, 0.0, self.cost))
        row_dual = budget_box.restore(row_dual, jnp.zeros_like(ceiling), ceiling, budget=self.threshold_cost) + rest
        # The multipliers of the epigraph are (rho, -v).
        force = self.norm.into_dual_ball(-self.norm.adjoint(norm_dual)[1], self.norm_cost)
        gradient = self.linear + force - self.columns[:-1] @ row_dual
        return self.offset @ row_dual + budget_box.linear_minimum(gradient, self.lower, self.upper)


def _solve(factor: HingeFactor, force: Float[Array, " columns"], surplus: Float[Array, ""]):
    """Solve the dense system for a step whose weights sum to `surplus`, and for the budget's multiplier."""
    free = factor.unit * jsl.cho_solve((factor.cholesky, True), factor.unit * force)
    price = (jnp.sum(free[:-1]) - surplus) / jnp.sum(factor.budget[:-1])
    return free - price * factor.budget, price
