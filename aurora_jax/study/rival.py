"""What a market model must be able to do to be compared, and the windows that it is compared on."""

import abc
from typing import NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Float, Int

from ..core import PRNGKey


class HeldOut(NamedTuple):
    """A market's whole history, and where the windows begin that no model was fitted on.

    Attributes:
        returns: log returns, those that models were fitted on first.
        first: index of the first held-out return.
        starts: index of the first return of each window.
        bars: of a window.
    """

    returns: Float[np.ndarray, "bars assets"]
    first: int
    starts: Int[np.ndarray, " windows"]
    bars: int

    @property
    def windows(self) -> Float[np.ndarray, "windows bars assets"]:
        """Return the windows themselves."""
        return np.stack([self.returns[start : start + self.bars] for start in self.starts])


def held_out_windows(returns: Float[np.ndarray, "bars assets"], *, first: int, bars: int) -> HeldOut:
    """Cut what comes from `first` on into windows one after another; a rest shorter than a window is left out.

    Raises:
        ValueError: if there are fewer than two windows.
    """
    starts = np.arange(first, returns.shape[0] - bars + 1, bars)
    if starts.size < 2:
        held = returns.shape[0] - first
        raise ValueError(f"{held} held-out bars hold {starts.size} windows of {bars}: shorten them.")
    return HeldOut(returns, first, starts, bars)


class AbstractMarketModel(eqx.Module):
    """A fitted model of a market that can go on from any point of its history."""

    @abc.abstractmethod
    def simulate(
        self, key: PRNGKey, held_out: HeldOut, *, copies: int
    ) -> Float[np.ndarray, "windows copies bars assets"]:
        """Simulate each window `copies` times from what the model makes of the returns before it.

        Args:
            key: parent of the streams used here.
            held_out: windows and the history before them.
            copies: independent paths for each window.
        """
