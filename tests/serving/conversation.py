"""Requests made of the real bars that follow the artifact's history."""

from aurora_jax.serving import PredictRequest
from tests.artifact import HISTORY_BARS, histories

INDEX = histories()["INDEX"].rows(HISTORY_BARS, None)
COLUMNS = ("open", "high", "low", "close", "volume")


def payload(seq: int, /, *, bar: dict | None = None, **changes) -> dict:
    """Return the JSON of the request for the bar `seq` after the history, with changes to it and to its bar."""
    columns = {name: float(getattr(INDEX, name)[seq, 0]) for name in COLUMNS}
    content = {"symbol": "INDEX", "timeframe": "1d", "seq": seq, "ts": int(INDEX.times[seq])}
    return {**content, "bar": {**columns, **(bar or {})}, **changes}


def request(seq: int, /, **changes) -> PredictRequest:
    """Return the same, checked by its schema."""
    return PredictRequest.model_validate(payload(seq, **changes))


def now(seq: int) -> float:
    """Return the time at which bar `seq` is half a minute old."""
    return float(INDEX.times[seq]) + 30.0
