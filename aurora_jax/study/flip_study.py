"""All detectors on the same flips, at the same rates of false alarms."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ..core import stream
from ..crossbar import Crossbar, Transition, TwoLengths
from .alarms import Delay, Passages, curve, delay_at, passages
from .change_point import ChangePoint
from .flip_detectors import (
    change_point_values,
    crossbar_values,
    gated,
    hidden_markov_values,
    started,
    two_lengths_values,
    unexplained,
)
from .flips import Scenario, simulate, simulate_flips
from .hidden_markov import HiddenMarkov

FIRST_BAR, FLIP_BAR, HORIZON_BARS = 300, 500, 250
"""Alarms count from FIRST_BAR on, when all windows are full; flips come at FLIP_BAR and must be found by HORIZON."""

HAZARDS = (0.01, 0.001)
HALF_LIVES_BARS = (0.0, 8.0, 24.0)
RECENT_BARS, SMOOTHING_BARS = (32, 48), (4.0, 8.0, 16.0)
"""Recent windows and half-lives of the two-length index from which the design series choose."""

Values = Mapping[str, tuple[Float[np.ndarray, "stationary bars"], Float[np.ndarray, "flips more_bars"]]]


class Sizes(NamedTuple):
    """How much is simulated.

    Attributes:
        flips: series with a flip, of each scenario.
        stationary: series without one.
        bars: of each of them, after those that fill windows.
    """

    flips: int = 400
    stationary: int = 160
    bars: int = 3000


class Simulated(NamedTuple):
    """Series of one scenario: without a flip, and with one."""

    stationary: Float[Array, "stationary bars"]
    flipped: Float[Array, "flips more_bars"]


class Served(NamedTuple):
    """The index as the engine keeps it.

    Attributes:
        index: the machine of one asset.
        momentum_on: momentum above which a transition may start.
        momentum_bars: returns that momentum reads.
    """

    index: TwoLengths
    momentum_on: float
    momentum_bars: int


def draw(scenario: Scenario, key: PRNGKeyArray, sizes: Sizes) -> Simulated:
    """Simulate a scenario."""
    length = FIRST_BAR + sizes.bars
    return Simulated(
        simulate(scenario.before, stream(key, "stationary"), series=sizes.stationary, bars=length),
        simulate_flips(
            scenario, stream(key, "flips"), series=sizes.flips, flip_bar=FLIP_BAR, bars=FLIP_BAR + HORIZON_BARS
        ),
    )


def crossbar_family(drawn: Simulated, served: Served) -> Iterator[tuple[str, Values]]:
    """Yield the crossbar as the engine has it, and the index over one window, which asks for no momentum."""
    for label, machine, level in (
        ("crossbar, as served", served.index, served.momentum_on),
        ("crossbar, one window", Crossbar(), 0.0),
    ):
        values = _indices(drawn, machine, served)
        yield label, {"": _pair(*(gated(*found, momentum_on=level) for found in values))}


def _indices(drawn: Simulated, machine: Crossbar | TwoLengths, served: Served):
    sides = (drawn.stationary, drawn.flipped)
    return [crossbar_values(machine, series, momentum_bars=served.momentum_bars) for series in sides]


def two_lengths_family(drawn: Simulated, *, recent_bars: tuple[int, ...] = RECENT_BARS) -> Values:
    """Return the two-length index at each of its settings; as momentum says nothing of a law, none is asked for."""
    found = {}
    for recent in recent_bars:
        sides = [
            two_lengths_values(series, recent_bars=recent, half_lives_bars=SMOOTHING_BARS)
            for series in (drawn.stationary, drawn.flipped)
        ]
        for place, half_life in enumerate(SMOOTHING_BARS):
            found[f"{recent} bars, half-life {half_life:g}"] = _pair(*(side[place] for side in sides))
    return found


def rivals(drawn: Simulated, model: HiddenMarkov) -> Iterator[tuple[str, Values]]:
    """Yield both rivals at each of their settings; BOCPD reads returns as they are, and what an AR(1) leaves of them.

    BOCPD expects independent bars: of a persistent law it sees little until the persistence has been taken out.
    """
    found: dict[str, list] = {}
    for series in (drawn.stationary, drawn.flipped):
        for reading, values in {"": series, "AR(1) taken out, ": jnp.asarray(unexplained(series))}.items():
            for hazard in HAZARDS:
                for name, told in change_point_values(ChangePoint(hazard=hazard), values).items():
                    found.setdefault(f"{reading}hazard {hazard:g}, {name}", []).append(told)
    yield "BOCPD", {name: _pair(*both) for name, both in found.items()}
    sides = [hidden_markov_values(model, series, half_lives_bars=HALF_LIVES_BARS) for series in drawn]
    yield "HMM, 4 states", {f"half-life {h:g}": _pair(*(side[h] for side in sides)) for h in HALF_LIVES_BARS}


def configured(drawn: Simulated, served: Served, machine: Transition) -> dict[str, float | None]:
    """Return what a transition machine does at its own levels, whatever its rate of false alarms."""
    values = [started(machine, *found) for found in _indices(drawn, served.index, served)]
    found = passages(*values, first_bar=FIRST_BAR, flip_bar=FLIP_BAR)
    place = int(np.argmin(found.thresholds))  # 0: above it are the starts
    delays = found.delay_bars[found.counted[:, place], place]
    median = float(np.quantile(delays, 0.5, method="inverted_cdf"))
    return {
        "rate": float(found.rates[place]),
        "median_bars": median if np.isfinite(median) else None,
        "found_share": float(np.mean(delays <= HORIZON_BARS)),
    }


def choose(scenario: Scenario, key: PRNGKeyArray, sizes: Sizes, model: HiddenMarkov, *, rate: float) -> dict:
    """Return what design series say: each rival's best setting, and the two-length index's delay at each of its own."""
    drawn = draw(scenario, key, sizes)
    generator = np.random.default_rng(0)
    two = {
        name: measure(pair, rates=(rate,), generator=generator)["delays"][f"{rate:g}"]["median_bars"]
        for name, pair in two_lengths_family(drawn).items()
    }
    return {"rivals": {name: best(values, rate=rate) for name, values in rivals(drawn, model)}, "two lengths": two}


def measure(pair, *, rates: tuple[float, ...], generator: np.random.Generator) -> dict:
    """Return delays of one detector at the rates asked for, and its curve, as plain numbers; None is "never"."""
    found = passages(*pair, first_bar=FIRST_BAR, flip_bar=FLIP_BAR)
    delays = {
        f"{rate:g}": _plain(delay_at(found, rate, within_bars=HORIZON_BARS, generator=generator)) for rate in rates
    }
    return {"delays": delays, "curve": _thinned(found)}


def best(values: Values, *, rate: float) -> str:
    """Return the setting of a detector with the shortest median delay at `rate`; of equals, that which finds most."""
    generator = np.random.default_rng(0)

    def cost(name: str) -> tuple[float, float]:
        found = passages(*values[name], first_bar=FIRST_BAR, flip_bar=FLIP_BAR)
        told = delay_at(found, rate, within_bars=HORIZON_BARS, generator=generator, resamples=1)
        return told.median_bars, -told.found_share

    return min(values, key=cost)


def _pair(stationary, flipped):
    return np.asarray(stationary), np.asarray(flipped)


def _plain(delay: Delay) -> dict[str, float | None]:
    return {name: value if np.isfinite(value) else None for name, value in delay._asdict().items()}


def _thinned(found: Passages) -> list[list[float]]:
    """Return the points of the curve between one alarm in 100 bars and one in 10,000 that have a median."""
    return [[rate, median] for rate, median in curve(found) if 1e-4 <= rate <= 1e-2 and np.isfinite(median)]
