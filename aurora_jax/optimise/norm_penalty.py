"""Norms as cone constraints: how a program carries the penalty rho ||w|| and bounds it from below."""

import abc
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Number

from .interior_point import Cone, Scaling


class Curvature(NamedTuple):
    r"""Blocks of $G^T W^{-2} G$ on (norm, w), the norm's own already eliminated from the last.

    Attributes:
        norm: the scalar block.
        cross: the block between norm and w.
        weights: the block of w minus cross cross' / norm.
    """

    norm: Float[Array, ""]
    cross: Float[Array, " d"]
    weights: Float[Array, "d d"]


class Face(NamedTuple):
    """The smooth piece of a norm on which w lies.

    Attributes:
        gradient: of the norm along the piece.
        curvature: its Hessian.
        ties: projection on the directions that leave the piece; 0 where the norm is smooth at w.
    """

    gradient: Float[Array, " d"]
    curvature: Float[Array, "d d"]
    ties: Float[Array, "d d"]


class AbstractNorm(eqx.Module):
    """A norm through its epigraph {(r, w) : r >= ||w||}."""

    @abc.abstractmethod
    def value(self, w: Float[Array, " d"]) -> Float[Array, ""]:
        """Return ||w||."""

    @abc.abstractmethod
    def slack(self, norm: Float[Array, ""], w: Float[Array, " d"]) -> Cone:
        """Return the cone rows of the epigraph; linear, so that it serves directions as well."""

    @abc.abstractmethod
    def adjoint(self, z: Cone) -> tuple[Float[Array, ""], Float[Array, " d"]]:
        """Return the transpose of `slack`, applied to `z`."""

    @abc.abstractmethod
    def curvature(self, scaling: Scaling) -> Curvature:
        """Return the blocks of the scaled normal matrix."""

    @abc.abstractmethod
    def start(
        self, w: Float[Array, " d"], weight: Float[Array, ""], complementarity: Float[Array, ""]
    ) -> tuple[Float[Array, ""], Cone]:
        """Return a norm above ||w|| and its multipliers, on the central path and dual feasible in the norm."""

    @abc.abstractmethod
    def into_dual_ball(self, v: Float[Array, " d"], radius: Float[Array, ""]) -> Float[Array, " d"]:
        """Return `v` shrunk, if need be, to dual norm `radius`, so that v'w <= radius ||w|| for every w."""

    @abc.abstractmethod
    def face(self, w: Float[Array, " d"], *, tolerance: Number) -> Face:
        """Return the piece of the norm at w, which is not 0; coordinates closer than `tolerance` are equal."""


class EuclideanNorm(AbstractNorm):
    """The l2 norm: one second-order cone, dual to itself."""

    def value(self, w):
        return jnp.linalg.norm(w)

    def slack(self, norm, w):
        return Cone(jnp.zeros(0, w.dtype), jnp.concatenate([norm[None], w]))

    def adjoint(self, z):
        return z.second_order[0], z.second_order[1:]

    def curvature(self, scaling):
        if scaling.second_order is None:
            raise ValueError("the epigraph of the l2 norm is a second-order cone: its scaling must not be None.")
        eta, axis = scaling.second_order
        head, tail = axis[0], axis[1:]
        own = 2.0 * head * head - 1.0
        # In closed form: the difference of the blocks would cancel all digits near the boundary.
        weights = jnp.eye(tail.size) - jnp.outer(tail, tail) * (2.0 / own)
        return Curvature(own / eta**2, -2.0 * head / eta**2 * tail, weights / eta**2)

    def start(self, w, weight, complementarity):
        half = 0.5 * complementarity / weight
        norm = half + jnp.sqrt(half**2 + w @ w)
        return norm, Cone(jnp.zeros(0, w.dtype), weight * jnp.concatenate([jnp.ones(1), -w / norm]))

    def into_dual_ball(self, v, radius):
        length = jnp.linalg.norm(v)
        return v * jnp.minimum(1.0, radius / jnp.maximum(length, jnp.finfo(v.dtype).tiny))

    def face(self, w, *, tolerance):
        length = jnp.linalg.norm(w)
        unit = w / length
        return Face(unit, (jnp.eye(w.size) - jnp.outer(unit, unit)) / length, jnp.zeros((w.size, w.size)))


class MaximumNorm(AbstractNorm):
    """The l-infinity norm: two rows a coordinate, norm -+ w_j >= 0; dual to l1."""

    def value(self, w):
        return jnp.max(jnp.abs(w))

    def slack(self, norm, w):
        return Cone(jnp.concatenate([norm - w, norm + w]), jnp.zeros(0, w.dtype))

    def adjoint(self, z):
        above, below = jnp.split(z.orthant, 2)
        return jnp.sum(z.orthant), below - above

    def curvature(self, scaling):
        above, below = jnp.split(scaling.orthant, 2)
        own, cross = jnp.sum(scaling.orthant), below - above
        return Curvature(own, cross, jnp.diag(above + below) - jnp.outer(cross, cross) / own)

    def start(self, w, weight, complementarity):
        norm = 1.5 * jnp.max(jnp.abs(w)) + complementarity / weight
        closeness = 1.0 / jnp.concatenate([norm - w, norm + w])
        return norm, Cone(weight * closeness / jnp.sum(closeness), jnp.zeros(0, w.dtype))

    def into_dual_ball(self, v, radius):
        length = jnp.sum(jnp.abs(v))
        return v * jnp.minimum(1.0, radius / jnp.maximum(length, jnp.finfo(v.dtype).tiny))

    def face(self, w, *, tolerance):
        largest = jnp.abs(w) >= jnp.max(jnp.abs(w)) - tolerance
        signs = jnp.where(largest, jnp.sign(w), 0.0)
        count = jnp.sum(largest.astype(w.dtype))
        ties = jnp.diag(largest.astype(w.dtype)) - jnp.outer(signs, signs) / count
        return Face(signs / count, jnp.zeros((w.size, w.size)), ties)
