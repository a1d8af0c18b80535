r"""Arithmetic of the second-order cone $Q = \{(s_0, s_1) : s_0 \ge |s_1|\}$ as interior-point methods need it.

Nesterov-Todd scaling of a pair of interior points (s, z): the one symmetric $W$ with $W z = W^{-1} s$,

$$W = \eta \begin{pmatrix} w_0 & w_1^T \\ w_1 & I + w_1 w_1^T / (1 + w_0) \end{pmatrix}, \qquad w_0^2 - |w_1|^2 = 1.$$

References:
    Vandenberghe (2010), The CVXOPT linear and quadratic cone program solvers, sections 4.1 and 5.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float


class NesterovTodd(NamedTuple):
    """The scaling of one cone: eta and the unit hyperbolic vector w."""

    eta: Float[Array, ""]
    axis: Float[Array, " k"]


def determinant(s: Float[Array, " k"]) -> Float[Array, ""]:
    """Return s_0^2 - |s_1|^2, factored so that it stays accurate near the boundary."""
    tail = jnp.linalg.norm(s[1:])
    return (s[0] - tail) * (s[0] + tail)


def nesterov_todd(s: Float[Array, " k"], z: Float[Array, " k"]) -> NesterovTodd:
    """Return the scaling of the interior points `s` (primal) and `z` (dual)."""
    s_det, z_det = determinant(s), determinant(z)
    s_unit, z_unit = s / jnp.sqrt(s_det), z / jnp.sqrt(z_det)
    gamma = jnp.sqrt(0.5 * (1.0 + s_unit @ z_unit))
    axis = (s_unit + reflect(z_unit)) / (2.0 * gamma)
    return NesterovTodd((s_det / z_det) ** 0.25, axis)


def reflect(s: Float[Array, " k"]) -> Float[Array, " k"]:
    """Return (s_0, -s_1)."""
    return jnp.concatenate([s[:1], -s[1:]])


def scale(scaling: NesterovTodd, s: Float[Array, " k"]) -> Float[Array, " k"]:
    """Return W s."""
    return scaling.eta * _boost(scaling.axis, s)


def unscale(scaling: NesterovTodd, s: Float[Array, " k"]) -> Float[Array, " k"]:
    """Return the inverse of W, times s."""
    return _boost(reflect(scaling.axis), s) / scaling.eta


def _boost(axis: Float[Array, " k"], s: Float[Array, " k"]) -> Float[Array, " k"]:
    along = axis[1:] @ s[1:]
    head = axis[0] * s[0] + along
    return jnp.concatenate([head[None], s[1:] + axis[1:] * (s[0] + along / (1.0 + axis[0]))])


def product(s: Float[Array, " k"], z: Float[Array, " k"]) -> Float[Array, " k"]:
    """Return the Jordan product (s'z, s_0 z_1 + z_0 s_1)."""
    return jnp.concatenate([(s @ z)[None], s[0] * z[1:] + z[0] * s[1:]])


def divide(s: Float[Array, " k"], r: Float[Array, " k"]) -> Float[Array, " k"]:
    """Return the x whose Jordan product with the interior point `s` is `r`."""
    head = (s[0] * r[0] - s[1:] @ r[1:]) / determinant(s)
    return jnp.concatenate([head[None], (r[1:] - head * s[1:]) / s[0]])


def step_to_boundary(s: Float[Array, " k"], direction: Float[Array, " k"]) -> Float[Array, ""]:
    """Return the greatest step for which the interior point `s` stays in the cone; +inf if it never leaves."""
    a = determinant(direction)
    b = s[0] * direction[0] - s[1:] @ direction[1:]
    c = determinant(s)
    # The first root of c + 2 b x + a x^2, in the form that does not cancel; no positive root: no boundary ahead.
    root = jnp.sqrt(jnp.maximum(b * b - a * c, 0.0)) - b
    return jnp.where((root > 0.0) & (b * b >= a * c), c / jnp.where(root > 0.0, root, 1.0), jnp.inf)
