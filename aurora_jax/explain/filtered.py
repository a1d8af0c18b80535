"""A student's walk over a history, as far as an explanation needs it."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ..core import Bar
from ..data import FeaturePipeline, MarketData, Standardiser
from ..engine import Engine, TrainedStudent, build, load_artifact, load_student
from ..student import Student

Source = Engine | TrainedStudent | Path | str
"""What holds a student: an engine, a trained student, or the folder of an artifact or of a student."""


class Reader(NamedTuple):
    """What reads a history bar by bar; names of the assets and features, None where they are not known."""

    assets: tuple[str, ...] | None
    pipeline: FeaturePipeline
    standardiser: Standardiser
    student: Student


class Filtered(NamedTuple):
    """The last bars of a history, and the student's state before them.

    Attributes:
        hidden: the encoder's memory before the first of them; likewise `latent`.
        features: standardised.
        observed: False where an asset has no bar.
        law: scale that the trailing law expects of the bar after the last one.
    """

    hidden: Float[Array, "assets hidden"]
    latent: Float[Array, "assets latent"]
    features: Float[Array, "bars assets features"]
    observed: Bool[Array, "bars assets"]
    law: Float[Array, " assets"]


def reader_of(source: Source, symbol: str | None = None) -> Reader:
    """Return what reads a history in `source`; `symbol` names the stream of an artifact, None takes its first.

    Raises:
        ArtifactError: if the folder holds neither an artifact nor a student, or not this stream.
    """
    if isinstance(source, Engine):
        return Reader(None, source.features, source.standardiser, source.student)
    if isinstance(source, TrainedStudent):
        return Reader(source.assets, source.pipeline, source.standardiser, source.bound())
    folder = Path(source)
    alone = (folder / "student.safetensors").is_file() and not (folder / "manifest.json").is_file()
    if alone or folder.is_file():
        return reader_of(load_student(folder))
    artifact = load_artifact(folder)
    symbol = next(iter(artifact.config.streams)) if symbol is None else symbol
    found = reader_of(build(artifact.config, artifact, symbol=symbol))
    return found._replace(assets=tuple(artifact.config.streams[symbol].assets))


def filtered(reader: Reader, history: MarketData | Bar, *, bars: int) -> Filtered:
    """Walk over the history as the engine does and stop before its last `bars`.

    The first bar has no return and only starts the features.

    Raises:
        ValueError: if the history is too short, of another number of assets, or holds a price that is not finite and
            positive; names what it found.
    """
    stacked = history.bars() if isinstance(history, MarketData) else history
    _check(reader, stacked, bars)
    memories, features, observed, law = _walk(reader, jax.tree.map(jnp.asarray, stacked))
    hidden, latent = (memory[-bars - 1] for memory in memories)
    return Filtered(hidden, latent, features[-bars:], observed[-bars:], law)


def asset_names(reader: Reader, history: MarketData | Bar) -> tuple[str, ...]:
    """Return the names of the assets.

    Raises:
        ValueError: if the history is of other assets than the reader, or in another order.
    """
    given = history.assets if isinstance(history, MarketData) else None
    if given is not None and reader.assets is not None and tuple(given) != reader.assets:
        raise ValueError(f"the history is of {', '.join(given)}; this student reads {', '.join(reader.assets)}.")
    return given or reader.assets or _numbered(reader.student.assets)


def _numbered(assets: int) -> tuple[str, ...]:
    return tuple(f"asset_{number}" for number in range(assets))


def place_of(asset: str | None, names: Sequence[str]) -> int:
    """Return the place of `asset`; None is the only one.

    Raises:
        ValueError: if it is unknown, or None and there are several.
    """
    if asset is None and len(names) == 1:
        return 0
    if asset is None or asset not in names:
        raise ValueError(f"asset must be one of {', '.join(names)}, was {asset}.")
    return list(names).index(asset)


def _check(reader: Reader, stacked: Bar, bars: int) -> None:
    close = np.asarray(stacked.close)
    if bars < 1:
        raise ValueError(f"bars must be at least 1, was {bars}.")
    if close.ndim != 2 or close.shape[1] != reader.student.assets:
        found = close.shape[1] if close.ndim == 2 else f"shape {close.shape}"
        raise ValueError(f"the history must have {reader.student.assets} assets, those of the student, had {found}.")
    needed = max(reader.pipeline.warm_up_bars, 1) + bars
    if close.shape[0] < needed:
        raise ValueError(
            f"the history must hold at least {needed} bars, {bars} to explain after the features' warm-up; "
            f"held {close.shape[0]}."
        )
    for name in ("open", "high", "low", "close"):
        prices = close if getattr(stacked, name) is None else np.asarray(getattr(stacked, name))
        fine = np.isfinite(prices) & (prices > 0.0)
        if not fine.all():
            bar, asset = np.argwhere(~fine)[0]
            raise ValueError(
                f"the {name} of bar {bar}, asset {asset}, is {prices[bar, asset]}: repair or drop the bar."
            )


@eqx.filter_jit
def _walk(reader: Reader, stacked: Bar):
    """Return the student's memories before the second bar and after each from there on, and what it saw of each."""
    pipeline, standardiser, student = reader.pipeline, reader.standardiser, reader.student
    returns = jnp.diff(jnp.log(stacked.close), axis=0)

    def read(memory, bar):
        memory, values = pipeline.step(memory, bar)
        return memory, standardiser.apply(values)

    _, features = jax.lax.scan(read, pipeline.init(student.assets), stacked)
    # An asset whose features cannot be computed has no bar, as in `Student.step`.
    usable = jnp.all(jnp.isfinite(features), axis=-1)
    features, observed = jnp.where(usable[..., None], features, 0.0)[1:], (usable & ~stacked.imputed)[1:]

    def advance(state, bar):
        after, _ = student.step(state, *bar)
        return after, (after.hidden, after.latent)

    start = student.init()
    end, memories = jax.lax.scan(advance, start, (features, returns, observed))
    whole = [jnp.concatenate([x[None], y]) for x, y in zip((start.hidden, start.latent), memories, strict=True)]
    return whole, features, observed, student.trailing.scale(end.trailing)
