"""Prometheus metrics of a service, on a registry of their own."""

import math
from collections.abc import Iterable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

DECISIONS = ("PASS", "DERISK", "BLOCK")

_LATENCY_BUCKETS_MS = (1, 2, 3, 5, 10, 20, 50, 100, 150, 250, 450, 1000, 5000)
_SURPRISAL_BUCKETS = (0.25, 0.5, 1.0, 1.5, 2.0, 2.3, 2.6, 3.0, 3.3, 4.0, 5.0, 6.0)
_WIDTH_BUCKETS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
_SHARE_BUCKETS = tuple(round(0.1 * tenth, 1) for tenth in range(1, 11))


class Metrics:
    """The metrics of one replica; made inside it, since module-level ones are lost when a class is shipped.

    Gauges of one stream carry its `symbol`. `aurora_acceptance_state` counts the streams in each state.
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, *, profile: str):
        self._profile = profile
        self._registry = CollectorRegistry()
        self._state: dict[str, str] = {}

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"aurora_{name}", text, labels, registry=self._registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"aurora_{name}", text, labels, registry=self._registry)

        def histogram(name: str, text: str, buckets: tuple) -> Histogram:
            return Histogram(f"aurora_{name}", text, buckets=buckets, registry=self._registry)

        self._decisions = counter("acceptance_decision_total", "Decisions taken.", "decision", "profile")
        self._transitions = counter(
            "acceptance_state_transitions_total", "Changes of state.", "from_state", "to_state", "profile"
        )
        self._states = gauge("acceptance_state", "Streams in each state.", "state", "profile")
        self._violations = counter("acceptance_violation_total", "Guards raised, by guard.", "type", "profile")
        self._surprisal = histogram("acceptance_surprisal_v2", "Surprisal of each outcome.", _SURPRISAL_BUCKETS)
        self._latency = histogram("acceptance_latency_ms", "Latency the guards saw.", _LATENCY_BUCKETS_MS)
        self._widths = histogram("acceptance_rel_width", "Interval width over its trailing median.", _WIDTH_BUCKETS)
        self._kappa = histogram("acceptance_kappa", "Acceptance score before penalties.", _SHARE_BUCKETS)
        self._width_now = gauge("acceptance_rel_width_current", "Latest relative width.", "symbol")
        self._kappa_plus = gauge("acceptance_kappa_plus", "Latest acceptance score after penalties.", "symbol")
        self._alpha = gauge("icp_alpha", "Miscoverage emitted.", "symbol")
        self._alpha_target = gauge("icp_alpha_target", "Miscoverage aimed at.", "symbol")
        self._coverage_ema = gauge("icp_coverage_ema", "Exponential mean of coverage.", "symbol")
        self._misses = counter("icp_miss_total", "Outcomes outside their interval.", "symbol")
        self._risk_scale = gauge("execution_risk_scale", "Share of the base notional let through.", "symbol")
        self._blocks = counter("execution_block_total", "Bars on which execution was stopped.", "reason")
        self._prediction_latency = histogram("prediction_latency_ms", "Time to answer.", _LATENCY_BUCKETS_MS)
        self._coverage_rate = gauge("coverage_rate", "Share of outcomes inside their interval so far.", "symbol")
        self._regimes = gauge("regime_distribution", "Probability of each regime.", "symbol", "regime")
        self._crossbar = gauge("crossbar", "Crossbar index.", "symbol")
        self._weights = gauge("portfolio_weights", "Portfolio weight.", "symbol", "asset")
        self._drawdown = gauge("drawdown_current", "Drawdown of the account.", "symbol")
        self._dropped = counter("metric_dropped_total", "Observations dropped as not finite.", "metric")
        for state in DECISIONS:
            self._states.labels(state, profile).set(0)

    def record(
        self,
        *,
        symbol: str,
        decision: str,
        score_before_penalties: float,
        score: float,
        surprisal: float,
        latency_ms: float,
        relative_width: float,
        miscoverage: float,
        miscoverage_target: float,
        coverage_ema: float,
        coverage_rate: float,
        missed: bool,
        risk_scale: float,
        crossbar: float,
        drawdown: float,
        regime_distribution: Mapping[str, float],
        violations: Iterable[str] = (),
        block_reason: str | None = None,
        portfolio_weights: Mapping[str, float] | None = None,
    ) -> None:
        """Record one step of the stream `symbol`.

        Args:
            symbol: of the stream.
            decision: PASS, DERISK or BLOCK.
            score_before_penalties: 1 - kappa_plus.
            score: acceptance score after penalties.
            surprisal: of the outcome settled on this bar.
            latency_ms: that the guards saw.
            relative_width: interval width over its trailing median; an infinite one is counted as dropped.
            miscoverage: emitted.
            miscoverage_target: aimed at.
            coverage_ema: exponential mean of coverage.
            coverage_rate: share covered so far.
            missed: the outcome fell outside its interval.
            risk_scale: share of the base notional let through.
            crossbar: crossbar index.
            drawdown: of the account.
            regime_distribution: probability by regime name.
            violations: names of the guards raised.
            block_reason: why execution was stopped, None if it was not.
            portfolio_weights: by asset, None if there is no portfolio.

        Raises:
            ValueError: if `decision` is not one of the three.
        """
        if decision not in DECISIONS:
            raise ValueError(f"decision must be one of {', '.join(DECISIONS)}, was {decision!r}.")
        self._record_decision(symbol, decision)
        for name in violations:
            self._violations.labels(name, self._profile).inc()
        self._observe(self._surprisal, surprisal, "acceptance_surprisal_v2")
        self._observe(self._latency, latency_ms, "acceptance_latency_ms")
        self._observe(self._widths, relative_width, "acceptance_rel_width")
        self._observe(self._kappa, score_before_penalties, "acceptance_kappa")
        for gauge, value in (
            (self._width_now, relative_width),
            (self._kappa_plus, score),
            (self._alpha, miscoverage),
            (self._alpha_target, miscoverage_target),
            (self._coverage_ema, coverage_ema),
            (self._coverage_rate, coverage_rate),
            (self._risk_scale, risk_scale),
            (self._crossbar, crossbar),
            (self._drawdown, drawdown),
        ):
            gauge.labels(symbol).set(float(value))
        self._misses.labels(symbol).inc(int(missed))
        for regime, probability in regime_distribution.items():
            self._regimes.labels(symbol, regime).set(float(probability))
        for asset, weight in (portfolio_weights or {}).items():
            self._weights.labels(symbol, asset).set(float(weight))
        if block_reason is not None:
            self._blocks.labels(block_reason).inc()

    def record_prediction_latency(self, latency_ms: float) -> None:
        """Record how long one answer took, end to end."""
        self._observe(self._prediction_latency, latency_ms, "prediction_latency_ms")

    def render(self) -> bytes:
        """Return the metrics in Prometheus' text format, to be sent as `content_type`."""
        return generate_latest(self._registry)

    def _record_decision(self, symbol: str, decision: str) -> None:
        self._decisions.labels(decision, self._profile).inc()
        before = self._state.get(symbol)
        if before == decision:
            return
        if before is not None:
            self._transitions.labels(before, decision, self._profile).inc()
            self._states.labels(before, self._profile).dec()
        self._states.labels(decision, self._profile).inc()
        self._state[symbol] = decision

    def _observe(self, histogram: Histogram, value: float, name: str) -> None:
        # One value that is not finite would make the histogram's sum useless for good.
        if math.isfinite(value):
            histogram.observe(float(value))
        else:
            self._dropped.labels(name).inc()
