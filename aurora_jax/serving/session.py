"""One stream's session: a single writer that admits a bar, decides, journals, and only then moves on."""

import hashlib
from collections import deque
from typing import NamedTuple

import jax

from ..config.engine import StreamConfig
from ..core import Bar, Outcome, Packed, pack, strongly_typed
from ..engine import Engine, EngineState
from ..observability import canonical_bytes
from .incoming import Measured, from_record, to_bar, to_record
from .journal import Head, Journal
from .outgoing import Decided, describe
from .refusal import conflict, invalid
from .schemas import PredictRequest
from .timeframe import iso
from .transitions import Transition, take_in, warm_up

ENTRY_KIND = "bar"


class Position(NamedTuple):
    """Where a stream stands; replaced as a whole when a decision is on the disk, never changed in part.

    Attributes:
        packed: the engine's state, as it goes into the next step.
        time: of the last bar, seconds since the epoch.
        next_seq: the sequence number that comes next.
        request: digest of the last request answered, "" before the first.
        answer: given to it.
        latency_ms: its decision latency, which enters the next bar.
        transition: what the engine said of it; None before the first.
    """

    packed: Packed
    time: int
    next_seq: int
    request: str
    answer: dict | None
    latency_ms: float
    transition: Transition | None

    @property
    def state(self) -> EngineState:
        """Return the engine's state, on the host."""
        return jax.device_get(self.packed).unpack()


class Decision(NamedTuple):
    """An answer that may be sent: it is on the disk, just now or since an earlier request."""

    answer: dict
    repeated: bool
    head: Head | None
    transition: Transition | None


class Session:
    """One stream of one artifact. Its methods must be called by one thread."""

    def __init__(self, symbol: str, stream: StreamConfig, engine: Engine, state: EngineState, *, artifact: str):
        self.symbol, self.stream = symbol, stream
        self._engine, self._packed, self._artifact = engine, pack(engine), artifact
        self._position = Position(pack(strongly_typed(state)), int(state.time), 0, "", None, 0.0, None)

    @property
    def engine(self) -> Engine:
        """Return the engine of the stream."""
        return self._engine

    @property
    def position(self) -> Position:
        """Return where the stream stands."""
        return self._position

    def warm_up(self, bar: Bar) -> None:
        """Compile and run all that a request may need, on `bar`; the stream stays where it is."""
        warm_up(self._packed, self._position.packed, bar)

    def predict(
        self, request: PredictRequest, *, journal: Journal, now: float, error_rate: float, elapsed_ms
    ) -> Decision:
        """Answer one request: observe, decide, journal, commit. Any error before the commit changes nothing.

        Args:
            request: checked by its schema.
            journal: written before this returns.
            now: when the request arrived, seconds since the epoch.
            error_rate: of the service.
            elapsed_ms: called for the time since the request arrived.

        Raises:
            Refusal: 409 or 422; the stream stays where it was.
            JournalError: if the decision could not be journalled; likewise.
        """
        before, digest = self._position, _digest(request)
        if before.answer is not None and request.seq == before.next_seq - 1 and digest == before.request:
            return Decision(before.answer, True, None, None)
        self._admit(request)
        bar = to_bar(request, self.stream, Measured(now, before.latency_ms, error_rate))
        if request.ts <= before.time:
            raise conflict(
                f"ts {iso(request.ts)} is not later than the last bar of {self.symbol}, {iso(before.time)}.",
                last_ts=iso(before.time),
            )
        transition = take_in(self._packed, before.packed, bar)
        outcome = Outcome(int(transition.info.outcome))
        if outcome not in (Outcome.OK, Outcome.WARMING_UP):
            raise invalid(f"the bar of {self.symbol} was not taken in: {outcome.message}.")
        answer = {**self._describe(transition, request.seq, request.ts), "latency_ms": elapsed_ms()}
        entry = {
            "kind": ENTRY_KIND,
            "symbol": self.symbol,
            "seq": request.seq,
            "request": digest,
            "bar": to_record(bar),
            "answer": answer,
        }
        head = journal.append(entry)
        self._position = Position(
            transition.packed, request.ts, request.seq + 1, digest, answer, elapsed_ms(), transition
        )
        return Decision(answer, False, head, transition)

    def restore(self, entry: dict) -> bool:
        """Take in a journalled bar again; return whether the same answer came out, to the bit."""
        bar, seq, recorded = from_record(entry["bar"]), entry["seq"], entry["answer"]
        transition = take_in(self._packed, self._position.packed, bar)
        answer = self._describe(transition, seq, int(bar.time))
        same = answer["certificate"] == recorded["certificate"]
        # The journal sorts the names in an answer; the one made again has them in the order that was sent.
        answer = {**answer, "latency_ms": recorded["latency_ms"]} if same else recorded
        self._position = Position(
            transition.packed, int(bar.time), seq + 1, entry["request"], answer, recorded["latency_ms"], transition
        )
        return same

    def _admit(self, request: PredictRequest) -> None:
        expected = self._position.next_seq
        if request.seq == expected:
            return
        if request.seq > expected:
            detail = f"seq {request.seq} leaves a gap in {self.symbol}: {expected} comes next."
        elif request.seq == expected - 1:
            detail = f"seq {request.seq} of {self.symbol} was already answered for another request; {expected} is next."
        else:
            detail = f"seq {request.seq} of {self.symbol} is over: {expected} comes next."
        raise conflict(detail, expected_seq=expected)

    def _describe(self, transition: Transition, seq: int, time: int) -> dict:
        decided = Decided(
            self.symbol, seq, time, self.stream.assets, transition.info, transition.weights, transition.allocation
        )
        return describe(decided, artifact=self._artifact)


class FailureShare:
    """The share of this service's own failures among its latest requests; it starts as if none had failed."""

    def __init__(self, requests: int = 100):
        self._failed = deque([False] * requests, maxlen=requests)

    def record(self, *, failed: bool) -> None:
        """Count one request."""
        self._failed.append(failed)

    @property
    def value(self) -> float:
        """Return the share, in [0, 1]."""
        return sum(self._failed) / len(self._failed)


def _digest(request: PredictRequest) -> str:
    return hashlib.sha256(canonical_bytes(request.model_dump())).hexdigest()
