"""Which solver converges to the integral that is meant, given the channels of noise."""

from collections.abc import Sequence
from typing import TypeAlias

import diffrax
import equinox as eqx

_ROUGHEST_PATHWISE = 1.0 / 3.0  # below, products of increments do not determine the integral


class ItoChannel(eqx.Module):
    """A channel integrated at the left point: Brownian motion (Itô), compensated jumps.

    Attributes:
        state_dependent: whether its coefficient g may depend on the state that the channels drive.
    """

    state_dependent: bool = eqx.field(static=True)


class FractionalChannel(eqx.Module):
    """A channel of fractional noise, integrated pathwise (Young or rough path), also at H = 1/2.

    Attributes:
        lowest_hurst: the lowest exponent in (0, 1) that any regime, cell or shock may give the channel.
        state_dependent: whether its coefficient g may depend on the state that the channels drive; scales that are
            constant on blocks and come from outside do not count.
    """

    lowest_hurst: float = eqx.field(static=True)
    state_dependent: bool = eqx.field(static=True)

    def __check_init__(self):
        if not 0.0 < self.lowest_hurst < 1.0:
            raise ValueError(f"lowest_hurst must lie in (0, 1), was {self.lowest_hurst}.")


Channel: TypeAlias = ItoChannel | FractionalChannel


def choose_solver(channels: Sequence[Channel]) -> diffrax.Euler | diffrax.Heun:
    r"""Return the cheapest solver that converges to the integrals meant in every channel.

    | channel | additive g | state-dependent g |
    |---|---|---|
    | Itô | Euler, Heun | Euler: Heun converges to Stratonovich's integral |
    | fractional, H > 1/2 | Euler, Heun | Euler, Heun |
    | fractional, 1/3 < H <= 1/2 | Euler, Heun | Heun: Euler loses $\tfrac12 g g' \sum (dB)^2$, of order $n^{1-2H}$ |
    | fractional, H <= 1/3 | Euler, Heun | none |

    Raises:
        ValueError: naming the Hurst exponent found and the remedy, if there is no such solver.

    References:
        Friz and Hairer (2020), A course on rough paths, 2nd ed., chapters 3 and 8; Deya, Neuenkirch and Tindel
        (2012), A Milstein-type scheme without Lévy area terms for SDEs driven by fractional Brownian motion,
        Ann. Inst. H. Poincaré Probab. Statist. 48(2), 518-550.
    """
    solver = diffrax.Heun() if _rough(channels) else diffrax.Euler()
    return check_solver(solver, channels)


def check_solver(solver: diffrax.AbstractSolver, channels: Sequence[Channel]) -> diffrax.Euler | diffrax.Heun:
    """Return the `solver` asked for, refusing one that converges to another integral than the one meant.

    Raises:
        ValueError: naming the Hurst exponent found and the remedy.
    """
    if not isinstance(solver, diffrax.Euler | diffrax.Heun):
        raise ValueError(f"solver must be Euler or Heun, the two that the rule is proven for, was {solver}.")
    rough = _rough(channels)
    if rough and min(rough) <= _ROUGHEST_PATHWISE:
        raise ValueError(
            f"state-dependent fractional noise needs a Hurst exponent above 1/3, found {min(rough)}: "
            "make the channel additive or raise its lowest exponent."
        )
    if rough and isinstance(solver, diffrax.Euler):
        raise ValueError(
            f"Euler converges to a wrong limit for state-dependent fractional noise with Hurst exponent {min(rough)} "
            "<= 1/2: use Heun, or make the channel additive."
        )
    if isinstance(solver, diffrax.Heun) and any(_is_ito(channel) for channel in channels):
        cause = f"needed by fractional noise with Hurst exponent {min(rough)}" if rough else "asked for"
        raise ValueError(
            f"Heun, {cause}, would turn the Itô integral of a state-dependent Brownian or jump channel into "
            "Stratonovich's: use Euler with additive or smoother (Hurst exponent > 1/2) fractional noise."
        )
    return solver


def _rough(channels: Sequence[Channel]) -> list[float]:
    """Return the Hurst exponents <= 1/2 of state-dependent fractional channels, for which Euler is wrong."""
    fractional = [c for c in channels if isinstance(c, FractionalChannel) and c.state_dependent]
    return [channel.lowest_hurst for channel in fractional if channel.lowest_hurst <= 0.5]


def _is_ito(channel: Channel) -> bool:
    return isinstance(channel, ItoChannel) and channel.state_dependent
