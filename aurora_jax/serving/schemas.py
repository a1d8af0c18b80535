"""What clients send and receive."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from .timeframe import epoch_seconds, timeframe_seconds

_LARGEST = 1e12  # far above any price or volume, far below where float arithmetic fails


def _column(value: Any, *, positive: bool) -> Any:
    """Check one column of a bar as sent: a number, a list of numbers, or numbers by asset."""
    if isinstance(value, dict):
        parts = {f"of {name!r:.40} ": part for name, part in value.items()}
    elif isinstance(value, list):
        parts = {f"at place {place} ": part for place, part in enumerate(value)}
    else:
        parts = {"": value}
    for where, part in parts.items():
        number = isinstance(part, int | float) and not isinstance(part, bool) and abs(part) <= _LARGEST
        if not number or (part <= 0 if positive else part < 0):
            bound = "positive" if positive else "non-negative"
            raise ValueError(f"{where}must be a {bound}, finite number of at most {_LARGEST:g}, was {part!r:.80}")
    return value


def _price(value: Any) -> Any:
    return _column(value, positive=True)


def _volume(value: Any) -> Any:
    return _column(value, positive=False)


def _share(value: Any) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0.0 <= value <= 1.0:
        raise ValueError(f"must be a number in [0, 1], was {value!r:.80}")
    return value


def _sequence_number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise ValueError(f"must be a whole number >= 0, was {value!r:.80}")
    return value


def _timeframe(value: Any) -> Any:
    if isinstance(value, str):
        timeframe_seconds(value)
        return value
    raise ValueError(f"must be text such as 1d, was {value!r:.80}")


_Numbers: TypeAlias = float | list[float] | dict[str, float]
Prices: TypeAlias = Annotated[_Numbers, BeforeValidator(_price)]
Volumes: TypeAlias = Annotated[_Numbers, BeforeValidator(_volume)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BarRequest(_Message):
    """One bar: each column a number (one asset), a list in the stream's order of assets, or a number by asset."""

    close: Prices
    open: Prices | None = Field(None, description="Only for streams that declare open, high and low; then all three.")
    high: Prices | None = None
    low: Prices | None = None
    volume: Volumes | None = Field(None, description="Only for streams that declare volume.")


class PredictRequest(_Message):
    """A finished bar of one stream; the answer is about the next one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "symbol": "SPX",
                    "timeframe": "1d",
                    "seq": 0,
                    "ts": "2026-01-30T21:00:00Z",
                    "bar": {"open": 2498.9, "high": 2520.3, "low": 2482.8, "close": 2506.8, "volume": 3.4e9},
                },
                {"symbol": "TRIO", "seq": 7, "ts": 1769806800, "bar": {"close": {"AAPL": 130.1, "JPM": 131.6}}},
            ]
        }
    )

    symbol: str = Field(min_length=1, max_length=64, description="The stream: an asset or a basket.")
    timeframe: Annotated[str, BeforeValidator(_timeframe)] | None = Field(
        None, description="Optional check that client and service mean bars of the same length, e.g. 1d."
    )
    seq: Annotated[int, BeforeValidator(_sequence_number)] = Field(
        description="0 for the first bar after the artifact's history, then one more each bar."
    )
    ts: Annotated[int, BeforeValidator(epoch_seconds)] = Field(
        description="End of the bar: ISO 8601 (UTC unless it says otherwise) or seconds since 1970.",
        json_schema_extra={"type": ["string", "number"]},
    )
    bar: BarRequest
    drawdown: Annotated[float, BeforeValidator(_share)] = Field(
        0.0, description="Current drawdown of your account in [0, 1]; limits on it are off while it is not sent."
    )


class Quantiles(_Message):
    """Quantiles of the next bar's log return."""

    p05: float
    p25: float
    p50: float
    p75: float
    p95: float


class AssetForecast(_Message):
    """Student-t law of the next bar's log return."""

    mean: float = Field(description="Location.")
    scale: float = Field(description="Student-t scale, not the standard deviation.")
    degrees_of_freedom: float
    quantiles: Quantiles


class AssetInterval(_Message):
    """Conformal interval of the next bar's log return, and the evidence behind it."""

    lower: float | None = Field(description="null where the interval is unbounded; then `infinite` is true.")
    upper: float | None
    infinite: bool
    alpha: float = Field(description="Miscoverage emitted.")
    alpha_state: float = Field(description="The controller's own miscoverage, unclipped.")
    saturated: bool = Field(description="The controller asked for more than was emitted.")
    coverage_ema: float = Field(description="Exponential mean of coverage until now.")
    coverage_score: float = Field(description="Calibration of trailing coverage (BCC), in [0, 1].")
    transfer: Literal["READY", "NOT_READY", "UNDECIDED"] = Field(
        description="May what was learnt elsewhere be used here; UNDECIDED where nothing was."
    )
    causal_coverage: bool = Field(description="The stream's causal tail field is certified.")
    conservative: bool = Field(description="Served in conservative mode, as one of the two is not good enough.")
    outcome: str = Field(description="OK, WARMING_UP (too few scores), or REFUSED (asks for an unbounded interval).")


class KappaParts(_Message):
    """Uncertainty of state, model and forecast, each in [0, 1]."""

    state: float
    model: float
    forecast: float


class AllocationReport(_Message):
    """The certificate of weights chosen on this bar."""

    var: float | None
    es: float | None
    worst_case_es: float | None
    duality_gap: float | None
    outcome: str


class PredictResponse(_Message):
    """Forecast, certificate and decision for the next bar."""

    symbol: str
    seq: int
    ts: str
    outcome: str = Field(description="OK, or WARMING_UP: nothing is traded yet.")
    decision: str = Field(description="PASS, DERISK or BLOCK.")
    risk_scale: float = Field(description="Share of the intended notional to trade, in [0, 1].")
    reasons: list[str] = Field(description="What holds the decision or the size back; empty if nothing does.")
    forecast: dict[str, AssetForecast]
    interval: dict[str, AssetInterval]
    alpha: float = Field(description="Miscoverage emitted, mean over assets by |weight|.")
    weights: dict[str, float]
    allocation: AllocationReport | None = Field(description="Given on bars on which the weights were chosen anew.")
    kappa: float = Field(description="Uncertainty, in [0, 1].")
    kappa_parts: KappaParts
    kappa_plus: float = Field(description="Uncertainty with the coverage record, in [0, 1].")
    score: float = Field(description="Acceptance score: 1 - kappa_plus less penalties.")
    regime: str = Field(description="AR, ARMA, GARCH or TRANS.")
    regime_probabilities: dict[str, float]
    in_transition: bool
    crossbar: float
    surprisal: dict[str, float] = Field(description="Of this bar, given the previous forecast.")
    artifact: str = Field(description="Digest of the artifact.")
    certificate: str = Field(
        description="SHA-256 of this answer without `certificate` and `latency_ms`, as canonical JSON."
    )
    latency_ms: float = Field(description="From the request's arrival until this answer was ready to be journalled.")


class Problem(BaseModel):
    """Why a request was not obeyed (RFC 9457); it changed nothing."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str
