"""The same program through Clarabel's own interface: an independent solver, slow to set up and outside jit."""

from typing import NamedTuple

import clarabel
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from .hinge_program import HingeProgram
from .interior_point import Cone
from .norm_penalty import EuclideanNorm


class ReferenceSolution(NamedTuple):
    """Clarabel's answer.

    Attributes:
        weights: of the assets.
        threshold: t.
        value: the objective that it reports.
        solved: False where it reports anything but a full solution.
        row_dual: multipliers of the rows; with `norm_dual` what `HingeProgram.lower_bound` needs.
        norm_dual: multipliers of the norm's epigraph.
    """

    weights: np.ndarray
    threshold: float
    value: float
    solved: bool
    row_dual: np.ndarray
    norm_dual: Cone


def clarabel_reference(program: HingeProgram, *, tolerance: float = 1e-10) -> ReferenceSolution:
    """Solve `program` by Clarabel, on concrete arrays.

    Args:
        program: the exact program; pinned weights and a free norm are allowed.
        tolerance: on gap and feasibility, relative and absolute.

    References:
        Goulart and Chen (2024), Clarabel: an interior-point solver for conic programs with quadratic objectives.
    """
    columns = np.asarray(program.columns)
    rows, d = columns.shape[1], columns.shape[0] - 1
    euclidean = isinstance(program.norm, EuclideanNorm)
    eye, one = sp.identity(d), np.ones((d, 1))
    # Variables (w, t, norm, excess); each block is one group of rows of A x + s = b.
    blocks = [
        ([np.ones((1, d)), None, None, None], [1.0], clarabel.ZeroConeT(1)),
        (
            [-columns[:d].T, -columns[d:].T, None, -sp.identity(rows)],
            -np.asarray(program.offset),
            clarabel.NonnegativeConeT(rows),
        ),
        ([None, None, None, -sp.identity(rows)], np.zeros(rows), clarabel.NonnegativeConeT(rows)),
        ([-eye, None, None, None], -np.asarray(program.lower), clarabel.NonnegativeConeT(d)),
        ([eye, None, None, None], np.asarray(program.upper), clarabel.NonnegativeConeT(d)),
    ]
    if euclidean:
        epigraph = sp.vstack([sp.csr_matrix((1, d)), -eye]), sp.vstack([[[-1.0]], sp.csr_matrix((d, 1))])
        blocks.append(([epigraph[0], None, epigraph[1], None], np.zeros(d + 1), clarabel.SecondOrderConeT(d + 1)))
    else:
        for sign in (1.0, -1.0):
            blocks.append(([sign * eye, None, -one, None], np.zeros(d), clarabel.NonnegativeConeT(d)))
    widths = d, 1, 1, rows
    matrix = sp.vstack(
        [
            sp.hstack([_filled(part, len(right), width) for part, width in zip(parts, widths, strict=True)])
            for parts, right, _ in blocks
        ],
        format="csc",
    )
    cost = np.concatenate([program.linear, [float(program.threshold_cost)], [float(program.norm_cost)], program.cost])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    right = np.concatenate([right for _, right, _ in blocks])
    quadratic = sp.csc_matrix((cost.size, cost.size))
    solver = clarabel.DefaultSolver(quadratic, cost, matrix, right, [cone for *_, cone in blocks], settings)
    answer = solver.solve()
    x, z = np.array(answer.x), np.array(answer.z)
    _, row_dual, _, _, _, norm = np.split(z, np.cumsum([1, rows, rows, d, d]))
    nothing = np.zeros(0)
    norm_dual = Cone(jnp.asarray(nothing if euclidean else norm), jnp.asarray(norm if euclidean else nothing))
    solved = str(answer.status) == "Solved"
    return ReferenceSolution(x[:d], float(x[d]), float(answer.obj_val), solved, row_dual, norm_dual)


def _filled(part, rows: int, columns: int):
    return sp.csr_matrix((rows, columns)) if part is None else part
