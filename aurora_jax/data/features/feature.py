"""What a feature is: one number a bar, from the bars so far."""

import abc
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from aurora_jax.core import Bar, Columns


class FeatureState(NamedTuple):
    """How many bars a feature has seen, and what it remembers of them."""

    bars_seen: Int[Array, ""]
    memory: Any


class AbstractFeature(eqx.Module):
    """One number a bar about one asset, unchanged if all prices, or all volumes, are multiplied by a constant.

    Bars are taken as they are, validated: an imputed bar is a bar without a move and without volume.

    Attributes:
        requires: columns that a bar must carry.
    """

    requires: eqx.AbstractClassVar[Columns]

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """What a report calls it."""

    @property
    @abc.abstractmethod
    def warm_up_bars(self) -> int:
        """Bars for which the value is 0 because history is too short."""

    @abc.abstractmethod
    def start(self) -> Any:
        """Return the memory before any bar: arrays in which 0 stands for not yet seen."""

    @abc.abstractmethod
    def advance(self, memory: Any, bar: Bar) -> tuple[Any, Float[Array, ""]]:
        """Take one bar in; the value is of use once `warm_up_bars` bars went before, and finite from then on."""

    def init(self) -> FeatureState:
        """Return the state before any bar."""
        return FeatureState(jnp.zeros((), int), self.start())

    def step(self, state: FeatureState, bar: Bar) -> tuple[FeatureState, Float[Array, ""]]:
        """Take one bar of one asset (scalar prices) in and return the value, 0 while warming up.

        Raises:
            ValueError: if the bar lacks a column that is required; names both.
        """
        self.check_columns(bar.columns)
        memory, value = self.advance(state.memory, bar)
        ready = state.bars_seen >= self.warm_up_bars
        return FeatureState(state.bars_seen + 1, memory), jnp.where(ready, value, 0.0)

    def absent_columns(self, columns: Columns) -> tuple[str, ...]:
        """Return the columns that are required and not there."""
        pairs = zip(Columns._fields, self.requires, columns, strict=True)
        return tuple(name for name, required, there in pairs if required and not there)

    def check_columns(self, columns: Columns) -> None:
        """Refuse bars without a required column."""
        absent = self.absent_columns(columns)
        if absent:
            raise ValueError(f"feature {self.name!r} needs {' and '.join(absent)}, which the bar does not have.")


def present(column: Float[Array, "*batch"] | None) -> Float[Array, "*batch"]:
    """Return a required column, which `check_columns` has seen to be there."""
    assert column is not None
    return column


CLOSE_ONLY = Columns(ohlc=False, volume=False)
OHLC = Columns(ohlc=True, volume=False)
VOLUME = Columns(ohlc=False, volume=True)
OHLC_VOLUME = Columns(ohlc=True, volume=True)
