"""Integrated gradients: what each input adds to a function's value, so that all of it adds up."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..core import Outcome, require_x64

_PANEL_NODES = 8
_NODES, _WEIGHTS = (0.5 * part for part in np.polynomial.legendre.leggauss(_PANEL_NODES))
_NODES = _NODES + 0.5  # on [0, 1]
# A change below this share of the values is lost in the rounding of single precision: it is measured against the share.
_SMALLEST_CHANGE = 1e-4


class Integrated(NamedTuple):
    """Contributions of inputs, and how well they add up.

    Attributes:
        contributions: of each input, in the unit of the function.
        at_baseline: the function's value there; `at_point` likewise.
        completeness_error: |sum of contributions - change| / |change|; a change of less than a ten-thousandth of the
            values counts as that much.
        nodes: gradients taken.
        outcome: OK; NOT_CONVERGED if the error is above the tolerance; NON_FINITE.
    """

    contributions: Float[np.ndarray, "*inputs"]
    at_baseline: float
    at_point: float
    completeness_error: float
    nodes: int
    outcome: Outcome


def integrated_gradients(
    function: Callable[[Float[Array, "*inputs"]], Float[Array, ""]],
    point: Float[Array | np.ndarray, "*inputs"],
    baseline: Float[Array | np.ndarray, "..."],
    *,
    tolerance: float = 1e-3,
    max_nodes: int = 512,
) -> Integrated:
    r"""Attribute $F(x) - F(x')$ to the inputs along the straight line between them.

    $$a_i = (x_i - x'_i) \int_0^1 \frac{\partial F}{\partial x_i} \bigl(x' + s (x - x')\bigr)\, ds$$

    By Gauss-Legendre rules of eight nodes on 1, 2, 4, ... equal parts of the line until $\sum_i a_i = F(x) - F(x')$
    to the tolerance. An input that the function does not look at gets 0. Runs outside jit; a `function` that is a
    pytree (an `eqx.Module`) is compiled once for all of its values.

    Args:
        function: F, differentiable almost everywhere along the line.
        point: x.
        baseline: x'.
        tolerance: of the completeness error, in (0, 1).
        max_nodes: gradients that the finest rule may take, at least 8.

    Raises:
        ValueError: if shapes differ or a setting is out of range; names it.

    References:
        Sundararajan, Taly and Yan (2017), Axiomatic attribution for deep networks, ICML, section 3 and eq. 3.
    """
    require_x64("integrated_gradients")
    if np.shape(point) != np.shape(baseline):
        raise ValueError(f"point has shape {np.shape(point)}, its baseline {np.shape(baseline)}: they must be equal.")
    if not 0.0 < tolerance < 1.0:
        raise ValueError(f"tolerance must lie in (0, 1), was {tolerance}.")
    if max_nodes < _PANEL_NODES:
        raise ValueError(f"max_nodes must be at least {_PANEL_NODES}, was {max_nodes}.")
    end, start = jnp.asarray(point, float), jnp.asarray(baseline, float)
    at_point, at_baseline = (float(_value(function, place)) for place in (end, start))
    change, parts, taken = at_point - at_baseline, 1, 0
    smallest = max(_SMALLEST_CHANGE * (abs(at_point) + abs(at_baseline)), float(np.finfo(float).tiny))
    while True:
        lower = np.arange(parts) / parts
        slopes = sum(np.asarray(_panel(function, start, end, jnp.asarray(x), jnp.asarray(1.0 / parts))) for x in lower)
        contributions = np.asarray(slopes * np.asarray(end - start))
        taken += parts * _PANEL_NODES
        error = abs(float(np.sum(contributions)) - change) / max(abs(change), smallest)
        if not np.isfinite(error):
            return Integrated(contributions, at_baseline, at_point, error, taken, Outcome.NON_FINITE)
        if error <= tolerance or 2 * parts * _PANEL_NODES > max_nodes:
            outcome = Outcome.OK if error <= tolerance else Outcome.NOT_CONVERGED
            return Integrated(contributions, at_baseline, at_point, error, taken, outcome)
        parts *= 2


@eqx.filter_jit
def _value(function, place: Array) -> Array:
    return function(place)


@eqx.filter_jit
def _panel(function, start: Array, end: Array, lower: Array, width: Array) -> Array:
    """Integrate the gradient over [lower, lower + width] of the line."""

    def gradient(share):
        return jax.grad(lambda place: function(place).astype(float))(start + share * (end - start))

    gradients = jax.vmap(gradient)(lower + width * jnp.asarray(_NODES))
    return width * jnp.tensordot(jnp.asarray(_WEIGHTS), gradients, axes=1)
