"""Innovations of unit variance: the density of a residual given its conditional variance, with all slopes."""

import abc
import math
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.special import digamma, gammaln, polygamma
from jaxtyping import Array, Float


class Piece(NamedTuple):
    """Minus the log density of one residual e with variance h, without its constant, and its derivatives.

    The last four are empty for a density without a shape.
    """

    value: Float[Array, "*lanes"]
    e: Float[Array, "*lanes"]
    h: Float[Array, "*lanes"]
    ee: Float[Array, "*lanes"]
    eh: Float[Array, "*lanes"]
    hh: Float[Array, "*lanes"]
    shape: tuple[Float[Array, "*lanes"], ...] = ()
    shape_e: tuple[Float[Array, "*lanes"], ...] = ()
    shape_h: tuple[Float[Array, "*lanes"], ...] = ()
    shape_shape: tuple[Float[Array, "*lanes"], ...] = ()


class AbstractInnovation(eqx.Module):
    """A standardised density with zero or one shape parameter, searched through a coordinate in a box."""

    @abc.abstractmethod
    def piece(
        self, e: Float[Array, "*lanes"], h: Float[Array, "*lanes"], shape: tuple[Float[Array, "*lanes"], ...]
    ) -> Piece:
        """Return minus the log density and its derivatives, both without the constant."""

    @abc.abstractmethod
    def constant(self, shape: tuple[Float[Array, "*lanes"], ...]) -> tuple[Float[Array, "*lanes"] | float, ...]:
        """Return minus the log density's constant and its first and second derivative in the shape."""

    @abc.abstractmethod
    def shape_box(self) -> tuple[tuple[float, tuple[float, ...], float], ...]:
        """Return (lower, starts, upper) of the coordinate of each shape parameter."""


class Gaussian(AbstractInnovation):
    r"""Standard normal innovations, $-\log f = \frac12 (\log 2\pi + \log h + e^2 / h)$."""

    def piece(self, e, h, shape):
        del shape
        inverse = 1.0 / h
        square = e * e * inverse
        return Piece(
            value=0.5 * (jnp.log(h) + square),
            e=e * inverse,
            h=0.5 * inverse * (1.0 - square),
            ee=inverse,
            eh=-e * inverse * inverse,
            hh=inverse * inverse * (square - 0.5),
        )

    def constant(self, shape):
        del shape
        return (0.5 * math.log(2.0 * math.pi),)

    def shape_box(self):
        return ()


class StudentT(AbstractInnovation):
    r"""Student-t innovations scaled to unit variance, with $\nu > 2$ degrees of freedom.

    $$-\log f = \log\frac{\Gamma(\nu/2) \sqrt{\pi (\nu - 2)}}{\Gamma((\nu + 1)/2)} + \frac12 \log h
    + \frac{\nu + 1}{2} \log\Bigl(1 + \frac{e^2}{(\nu - 2) h}\Bigr)$$

    References:
        Bollerslev (1987), Rev. Econ. Stat. 69(3), 542-547, eq. 1.
    """

    def piece(self, e, h, shape):
        (degrees,) = shape
        inverse = 1.0 / h
        excess = 1.0 / (degrees - 2.0)
        half = 0.5 * (degrees + 1.0)
        # q = e^2 / ((nu - 2) h); the log density depends on e and the shape through log(1 + q) only.
        q_e = 2.0 * e * inverse * excess
        q = 0.5 * e * q_e
        weight = 1.0 / (1.0 + q)
        log_q = jnp.log1p(q)
        l_e, l_h, l_s = weight * q_e, -weight * q * inverse, -weight * q * excess
        return Piece(
            value=0.5 * jnp.log(h) + half * log_q,
            e=half * l_e,
            h=0.5 * inverse + half * l_h,
            ee=half * (2.0 * weight * inverse * excess - l_e * l_e),
            eh=half * (-l_e * inverse - l_e * l_h),
            hh=-0.5 * inverse * inverse + half * (-2.0 * l_h * inverse - l_h * l_h),
            shape=(half * l_s + 0.5 * log_q,),
            shape_e=(half * (-l_e * excess - l_e * l_s) + 0.5 * l_e,),
            shape_h=(half * (-l_h * excess - l_h * l_s) + 0.5 * l_h,),
            shape_shape=(half * (-2.0 * l_s * excess - l_s * l_s) + l_s,),
        )

    def constant(self, shape):
        (degrees,) = shape
        low, high = 0.5 * degrees, 0.5 * (degrees + 1.0)
        excess = 1.0 / (degrees - 2.0)
        return (
            gammaln(low) - gammaln(high) + 0.5 * jnp.log(jnp.pi * (degrees - 2.0)),
            0.5 * (digamma(low) - digamma(high) + excess),
            0.25 * (polygamma(1, low) - polygamma(1, high)) - 0.5 * excess * excess,
        )

    def shape_box(self):
        # The coordinate is 1 / nu: near the normal law the likelihood is flat in nu but not in its reciprocal.
        return ((1.0 / 500.0, (1.0 / 5.0, 1.0 / 30.0), 1.0 / 2.05),)
