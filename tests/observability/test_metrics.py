import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from aurora_jax.observability import Metrics

STEP = {
    "symbol": "BTC",
    "decision": "PASS",
    "score_before_penalties": 0.8,
    "score": 0.75,
    "surprisal": 0.9,
    "latency_ms": 12.0,
    "relative_width": 1.1,
    "miscoverage": 0.09,
    "miscoverage_target": 0.1,
    "coverage_ema": 0.91,
    "coverage_rate": 0.9,
    "missed": False,
    "risk_scale": 1.0,
    "crossbar": 0.4,
    "drawdown": 0.02,
    "regime_distribution": {"AR": 0.7, "GARCH": 0.3},
}


def samples(metrics):
    """Read the rendered text with Prometheus' own parser: {(name, labels): value}."""
    families = text_string_to_metric_families(metrics.render().decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(metrics, name, **labels):
    return samples(metrics).get((name, frozenset(labels.items())))


def test_one_step_is_rendered_under_the_names_of_the_specification():
    metrics = Metrics(profile="default")
    metrics.record(
        **{**STEP, "decision": "BLOCK", "risk_scale": 0.0, "missed": True},
        violations=("surprisal", "width"),
        block_reason="guard_surprisal",
        portfolio_weights={"A": 0.25},
    )
    metrics.record_prediction_latency(7.0)
    expected = {
        ("aurora_acceptance_decision_total", "decision=BLOCK profile=default"): 1,
        ("aurora_acceptance_state", "profile=default state=BLOCK"): 1,
        ("aurora_acceptance_state", "profile=default state=PASS"): 0,
        ("aurora_acceptance_violation_total", "profile=default type=surprisal"): 1,
        ("aurora_acceptance_violation_total", "profile=default type=width"): 1,
        ("aurora_acceptance_surprisal_v2_sum", ""): 0.9,
        ("aurora_acceptance_latency_ms_sum", ""): 12.0,
        ("aurora_acceptance_rel_width_sum", ""): 1.1,
        ("aurora_acceptance_kappa_sum", ""): 0.8,
        ("aurora_acceptance_kappa_bucket", "le=0.8"): 1,
        ("aurora_acceptance_kappa_bucket", "le=0.7"): 0,
        ("aurora_acceptance_rel_width_current", "symbol=BTC"): 1.1,
        ("aurora_acceptance_kappa_plus", "symbol=BTC"): 0.75,
        ("aurora_icp_alpha", "symbol=BTC"): 0.09,
        ("aurora_icp_alpha_target", "symbol=BTC"): 0.1,
        ("aurora_icp_coverage_ema", "symbol=BTC"): 0.91,
        ("aurora_icp_miss_total", "symbol=BTC"): 1,
        ("aurora_execution_risk_scale", "symbol=BTC"): 0.0,
        ("aurora_execution_block_total", "reason=guard_surprisal"): 1,
        ("aurora_prediction_latency_ms_sum", ""): 7.0,
        ("aurora_coverage_rate", "symbol=BTC"): 0.9,
        ("aurora_regime_distribution", "regime=GARCH symbol=BTC"): 0.3,
        ("aurora_crossbar", "symbol=BTC"): 0.4,
        ("aurora_portfolio_weights", "asset=A symbol=BTC"): 0.25,
        ("aurora_drawdown_current", "symbol=BTC"): 0.02,
    }
    found = {
        (name, " ".join(f"{k}={v}" for k, v in sorted(labels))): number
        for (name, labels), number in samples(metrics).items()
    }
    assert {key: found.get(key) for key in expected} == expected


def test_states_count_streams_and_transitions_count_changes():
    metrics = Metrics(profile="p")
    for symbol, decision in [("A", "PASS"), ("B", "PASS"), ("A", "BLOCK"), ("A", "BLOCK"), ("A", "DERISK")]:
        metrics.record(**{**STEP, "symbol": symbol, "decision": decision})
    states = [value(metrics, "aurora_acceptance_state", state=s, profile="p") for s in ("PASS", "DERISK", "BLOCK")]
    assert states == [1, 1, 0]
    moved = [(s, v) for s, v in samples(metrics).items() if s[0] == "aurora_acceptance_state_transitions_total"]
    assert {(dict(labels)["from_state"], dict(labels)["to_state"]): v for (_, labels), v in moved} == {
        ("PASS", "BLOCK"): 1,
        ("BLOCK", "DERISK"): 1,
    }
    assert value(metrics, "aurora_acceptance_decision_total", decision="BLOCK", profile="p") == 2


def test_a_value_that_is_not_finite_does_not_spoil_a_histogram():
    metrics = Metrics(profile="p")
    metrics.record(**STEP)
    metrics.record(**{**STEP, "relative_width": float("inf"), "surprisal": float("nan")})
    assert value(metrics, "aurora_acceptance_rel_width_sum") == 1.1
    assert value(metrics, "aurora_acceptance_surprisal_v2_count") == 1
    assert value(metrics, "aurora_metric_dropped_total", metric="acceptance_rel_width") == 1
    assert value(metrics, "aurora_acceptance_rel_width_current", symbol="BTC") == float("inf")


def test_each_instance_has_its_own_registry_and_the_global_one_stays_empty():
    first, second = Metrics(profile="p"), Metrics(profile="p")
    first.record(**STEP)
    assert value(second, "aurora_acceptance_decision_total", decision="PASS", profile="p") is None
    assert not [family for family in REGISTRY.collect() if family.name.startswith("aurora")]
    assert first.content_type.startswith("text/plain")


def test_an_unknown_decision_is_refused_and_counts_nothing():
    metrics = Metrics(profile="p")
    with pytest.raises(ValueError, match="PASS, DERISK, BLOCK, was 'MAYBE'"):
        metrics.record(**{**STEP, "decision": "MAYBE"})
    assert value(metrics, "aurora_acceptance_surprisal_v2_count") == 0
