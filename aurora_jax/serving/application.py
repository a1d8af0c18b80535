"""One replica's service without Ray: verified artifact, compiled sessions, journal, metrics."""

import time
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple

from ..config.engine import EngineConfig
from ..engine import Artifact, ArtifactError, build, load_state
from ..observability import Metrics, make_logger
from . import report
from .journal import Journal, JournalError, JournalFenced, verify_journal
from .locate import Location
from .measure import record_decision
from .refusal import Refusal, not_ready
from .schemas import PredictRequest, PredictResponse
from .session import ENTRY_KIND, FailureShare, Session

_OPEN = "open"


class Arrival(NamedTuple):
    """When a request arrived: seconds since the epoch, and on the clock that measures latency."""

    now: float
    timer_s: float


class Readiness(NamedTuple):
    """Whether decisions are given, and if not, why."""

    ready: bool
    detail: str


class _Loaded(NamedTuple):
    artifact: Artifact
    sessions: dict[str, Session]
    journal: Journal
    metrics: Metrics
    restored: int
    different: int


class Application:
    """The service. `load`, `predict` and `close` belong to one thread, which thereby is every stream's only writer.

    The reports (`readiness`, `state`, `regimes`, `model`, `metrics`) may be read from any thread.
    """

    def __init__(
        self,
        location: Location,
        *,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.perf_counter,
        logger: Any = None,
    ):
        self._location, self._clock, self._timer = location, clock, timer
        self._log = make_logger("aurora.serving") if logger is None else logger
        self._readiness = Readiness(False, "not loaded yet")
        self._loaded: _Loaded | None = None
        self._failures, self._refusals = FailureShare(), Counter()

    @property
    def readiness(self) -> Readiness:
        """Return whether decisions are given, and if not, why."""
        return self._readiness

    def arrival(self) -> Arrival:
        """Return the time now, to be kept with a request."""
        return Arrival(self._clock(), self._timer())

    def load(self) -> None:
        """Verify, build, compile, restore; ready only then. What fails is told by `readiness` and logged.

        Raises:
            Exception: an error that is neither the artifact's nor the journal's, after it was logged.
        """
        try:
            self._loaded = self._load()
            self._say("ready", ready=True)
        except (ArtifactError, JournalError) as error:
            self._say(f"failed: {error}", level="error")
        except Exception:
            self._readiness = Readiness(False, "failed: an internal error, told in the service's log")
            self._log.exception("load_failed")
            raise

    def predict(self, request: PredictRequest, arrival: Arrival) -> bytes:
        """Answer one request, as the JSON text of `PredictResponse`.

        Raises:
            Refusal: if it was not obeyed; nothing has changed then.
        """
        try:
            answer = self._predict(request, arrival)
        except Refusal as refusal:
            self._refusals[int(refusal.status)] += 1
            raise
        return PredictResponse.model_validate(answer).model_dump_json().encode()

    def close(self) -> None:
        """Stop answering and close the journal."""
        self._readiness = Readiness(False, "shutting down")
        if self._loaded is not None:
            self._loaded.journal.close()

    def state(self) -> dict:
        """Return where every stream stands."""
        loaded = self._need()
        return {
            "artifact": loaded.artifact.digest,
            "streams": {symbol: report.stream_report(session) for symbol, session in loaded.sessions.items()},
            "journal": {
                **loaded.journal.head._asdict(),
                "restored_bars": loaded.restored,
                "restored_differently": loaded.different,
            },
            "failure_share": self._failures.value,
            "refused_requests": {str(status): count for status, count in sorted(self._refusals.items())},
        }

    def regimes(self) -> dict:
        """Return the regime of every stream."""
        return {symbol: report.regime_report(session) for symbol, session in self._need().sessions.items()}

    def model(self) -> dict:
        """Return what the artifact is."""
        return report.artifact_report(self._need().artifact)

    def metrics(self) -> tuple[bytes, str]:
        """Return the metrics in Prometheus' text format, and their content type."""
        metrics = self._need().metrics
        return metrics.render(), metrics.content_type

    def _load(self) -> _Loaded:
        self._say("verifying the artifact")
        artifact = self._location.load()
        verify_journal(self._location.journal)
        config, sessions = artifact.config, {}
        for place, (symbol, stream) in enumerate(config.streams.items(), start=1):
            self._say(f"compiling stream {symbol} ({place} of {len(config.streams)})")
            engine = build(config, artifact, symbol=symbol)
            state = load_state(engine, artifact, symbol)
            sessions[symbol] = Session(symbol, stream, engine, state, artifact=artifact.digest)
            sessions[symbol].warm_up(report.still_bar(stream, state))
        self._say("restoring from the journal")
        # Only now: opening it fences off a service that may still be answering.
        journal = Journal(self._location.journal)
        restored, different = _restore(journal, sessions, artifact)
        journal.append(_opening(artifact, config, journal.head.epoch))
        return _Loaded(artifact, sessions, journal, Metrics(profile=config.governance.profile), restored, different)

    def _predict(self, request: PredictRequest, arrival: Arrival) -> dict:
        loaded = self._need()
        session = loaded.sessions.get(request.symbol)
        if session is None:
            known = ", ".join(loaded.sessions)
            raise Refusal(HTTPStatus.NOT_FOUND, f"no stream {request.symbol!r}; there are: {known}.")

        def elapsed_ms() -> float:
            return 1e3 * (self._timer() - arrival.timer_s)

        previous_latency_ms, failed = session.position.latency_ms, True
        try:
            decision = session.predict(
                request,
                journal=loaded.journal,
                now=arrival.now,
                error_rate=self._failures.value,
                elapsed_ms=elapsed_ms,
            )
            failed = False
        except Refusal:
            failed = False
            raise
        except JournalError as error:
            if isinstance(error, JournalFenced):
                self._say(f"failed: {error}", level="error")
            self._log.error("not_journalled", symbol=request.symbol, seq=request.seq, error=str(error))
            detail = "the decision could not be journalled, so none was taken; send the same seq again."
            raise not_ready(detail) from error
        finally:
            self._failures.record(failed=failed)
        answer = decision.answer
        if decision.transition is not None:
            record_decision(
                loaded.metrics,
                answer,
                decision.transition,
                miscoverage_target=loaded.artifact.config.conformal.miscoverage,
                latency_ms=previous_latency_ms,
                drawdown=request.drawdown,
            )
            loaded.metrics.record_prediction_latency(elapsed_ms())
        self._log.info(
            "decision",
            symbol=answer["symbol"],
            seq=answer["seq"],
            decision=answer["decision"],
            risk_scale=answer["risk_scale"],
            kappa_plus=answer["kappa_plus"],
            certificate=answer["certificate"],
            latency_ms=answer["latency_ms"],
            repeated=decision.repeated,
            journal_hash=decision.head.hash if decision.head else None,
        )
        return answer

    def _need(self) -> _Loaded:
        if self._loaded is None or not self._readiness.ready:
            raise not_ready(f"not ready: {self._readiness.detail}.")
        return self._loaded

    def _say(self, detail: str, *, ready: bool = False, level: str = "info") -> None:
        self._readiness = Readiness(ready, detail)
        getattr(self._log, level)("readiness", ready=ready, detail=detail)


def _restore(journal: Journal, sessions: dict[str, Session], artifact: Artifact) -> tuple[int, int]:
    """Take every journalled bar in again; return how many, and how many answers came out differently."""
    restored = different = 0
    for entry in journal.entries():
        if entry["kind"] == _OPEN and entry["artifact"] != artifact.digest:
            raise JournalError(
                f"{journal.path} belongs to artifact {entry['artifact']}, this is {artifact.digest}; "
                "name another folder in AURORA_STATE_DIR."
            )
        if entry["kind"] == ENTRY_KIND:
            restored += 1
            different += not sessions[entry["symbol"]].restore(entry)
    return restored, different


def _opening(artifact: Artifact, config: EngineConfig, epoch: int) -> dict:
    return {
        "kind": _OPEN,
        "epoch": epoch,
        "artifact": artifact.digest,
        "config_digest": config.digest(),
        "versions": artifact.manifest["versions"],
    }
