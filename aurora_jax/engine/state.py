"""What the engine remembers from bar to bar, and what it reports of each."""

from typing import NamedTuple

from jaxtyping import Array, Bool, Float, Int

from ..certification import Certificate, ConformalState, CoverageState, KappaParts, WidthState
from ..core import Forecast, Interval, SortedWindow
from ..crossbar import TransitionState, TwoLengthsState
from ..data import PipelineState
from ..governance import AcceptanceState, Fallbacks, KillSwitchState
from ..student import StudentState
from .history import ReturnHistory


class Pending(NamedTuple):
    """The forecast that the next bar settles, with all that its interval depended on.

    Attributes:
        forecast: of the next bar's log returns.
        interval: emitted per asset.
        widened: True if the interval was emitted under a transition or a fallback that widens.
        crossbar: smoothed crossbar index per asset.
        live: False while warming up; there is then nothing to settle.
    """

    forecast: Forecast
    interval: Interval
    widened: Bool[Array, ""]
    crossbar: Float[Array, " assets"]
    live: Bool[Array, ""]


class Climate(NamedTuple):
    """The market's state as of the last bar, by which scenarios and radius are chosen.

    Attributes:
        regime: `Regime` code, TRANS while in transition.
        probabilities: of AR, ARMA, GARCH, averaged over assets by |weight|.
        crossbar: smoothed crossbar index, averaged likewise.
    """

    regime: Int[Array, ""]
    probabilities: Float[Array, " families"]
    crossbar: Float[Array, ""]


class EngineState(NamedTuple):
    """Everything the next bar needs: a pytree of arrays, saved and restored to the bit."""

    bars_seen: Int[Array, ""]
    time: Int[Array, ""]
    close: Float[Array, " assets"]
    pending: Pending
    features: PipelineState
    student: StudentState
    crossbar: TwoLengthsState
    transition: TransitionState
    conformal: ConformalState
    coverage: CoverageState
    widths: WidthState
    relative_width: SortedWindow
    surprisal: SortedWindow
    latency: SortedWindow
    acceptance: AcceptanceState
    kill_switch: KillSwitchState
    fallbacks: Fallbacks
    drawdown: Float[Array, ""]
    history: ReturnHistory
    climate: Climate
    weights: Float[Array, " assets"]
    bars_since_rebalance: Int[Array, ""]


class Settlement(NamedTuple):
    """How the previous forecast fared against this bar.

    Attributes:
        returns: realised log returns.
        observed: assets whose forecast was settled.
        missed: emitted intervals that did not cover.
        coverage_ema: exponential mean of emitted coverage.
        coverage: trailing coverage.
        bcc: its calibration score.
        streak: misses in a row.
        surprisal: of this bar.
        surprisal_p95: trailing.
    """

    returns: Float[Array, " assets"]
    observed: Bool[Array, " assets"]
    missed: Bool[Array, " assets"]
    coverage_ema: Float[Array, " assets"]
    coverage: Float[Array, " assets"]
    bcc: Float[Array, " assets"]
    streak: Int[Array, " assets"]
    surprisal: Float[Array, " assets"]
    surprisal_p95: Float[Array, " assets"]


class EngineInfo(NamedTuple):
    """What a reader needs to know of one bar.

    Attributes:
        outcome: OK; WARMING_UP; NON_FINITE or REFUSED for a bar that was not taken in (the state is unchanged).
        settlement: how the previous forecast fared.
        forecast: of the next bar's log returns.
        certificate: interval, conformal state and evidence, per asset.
        families: probabilities of AR, ARMA, GARCH per asset.
        climate: the stream's regime, probabilities and crossbar index.
        in_transition: the stream is in TRANS.
        kappa_parts: averaged over assets by |weight|.
        kappa: their weighted mean.
        bcc: coverage calibration, averaged likewise.
        kappa_plus: meta-uncertainty.
        score: acceptance score after penalties.
        penalties: subtracted, by `governance.Guard`.
        decision: `governance.Decision` code.
        soft: raised guards, by `governance.Guard`; likewise `hard`.
        trigger: what moved the machine; `refused` what it had no rule for.
        switched: the decision changed.
        fallbacks: in force from the next bar on.
        killed: a kill is latched.
        risk_scale: share of the intended notional to trade, in [0, 1].
        block_reason: `governance.BlockReason` code.
        rebalance: call `allocate` now.
        relative_width_p95: the worst decile of assets; likewise `latency_p95_ms` of the stream.
    """

    outcome: Int[Array, ""]
    settlement: Settlement
    forecast: Forecast
    certificate: Certificate
    families: Float[Array, "assets families"]
    climate: Climate
    in_transition: Bool[Array, ""]
    kappa_parts: KappaParts
    kappa: Float[Array, ""]
    bcc: Float[Array, ""]
    kappa_plus: Float[Array, ""]
    score: Float[Array, ""]
    penalties: Float[Array, " guards"]
    decision: Int[Array, ""]
    soft: Bool[Array, " guards"]
    hard: Bool[Array, " guards"]
    trigger: Int[Array, ""]
    refused: Bool[Array, " triggers"]
    switched: Bool[Array, ""]
    fallbacks: Fallbacks
    killed: Bool[Array, ""]
    risk_scale: Float[Array, ""]
    block_reason: Int[Array, ""]
    rebalance: Bool[Array, ""]
    relative_width_p95: Float[Array, ""]
    latency_p95_ms: Float[Array, ""]
