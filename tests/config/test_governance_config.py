import pytest

from aurora_jax.config import ConfigError, parse_config
from aurora_jax.config.governance import (
    GovernanceConfig,
    GuardConfig,
    KillSwitchConfig,
    PenaltyConfig,
    ScaleMapConfig,
    SurprisalConfig,
)
from aurora_jax.governance import (
    Acceptance,
    Decision,
    Gating,
    Guard,
    Guards,
    KillSwitch,
    RollingQuantile,
    Surprisal,
)


def test_the_defaults_make_a_whole_governance():
    """The names of the records are those of the objects, so that building one is not guesswork."""
    config = GovernanceConfig()
    acceptance = config.acceptance.model_dump(exclude={"hysteresis", "penalties"})
    penalties = {guard: getattr(config.acceptance.penalties, guard.name.lower()) for guard in Guard}
    machine = Acceptance(
        **config.kappa.model_dump(),
        **config.acceptance.hysteresis.model_dump(),
        **acceptance,
        penalties=penalties,
    )
    assert machine.tau_derisk_up == 0.54
    assert machine.penalties[Guard.SURPRISAL] == 0.10
    Guards(**config.guards.model_dump())
    Surprisal(**config.surprisal.model_dump())
    RollingQuantile(**config.latency.model_dump())
    KillSwitch(**config.kill_switch.model_dump(), nominal_coverage=0.9)
    gating = config.gating.model_dump()
    gating["scale_map"] = {decision: gating["scale_map"][decision.name] for decision in Decision}
    Gating(**gating)


def test_every_guard_and_decision_has_its_field():
    assert list(PenaltyConfig.model_fields) == [guard.name.lower() for guard in Guard]
    assert list(ScaleMapConfig.model_fields) == [decision.name for decision in Decision]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"kappa": {"tau_derisk": 0.75}}, "tau_derisk must not exceed tau_pass, were 0.75 and 0.72"),
        ({"acceptance": {"hysteresis": {"tau_pass_up": 0.7}}}, "tau_pass must not exceed tau_pass_up"),
        ({"acceptance": {"hysteresis": {"tau_derisk_up": 0.4}}}, "tau_derisk must not exceed tau_derisk_up"),
        ({"guards": {"coverage_hard_min": 0.9}}, "guards: .*coverage_hard_min must not exceed coverage_soft_min"),
        ({"guards": {"latency_soft_max_ms": 999}}, "latency_soft_max_ms must not exceed latency_hard_max_ms"),
        ({"guards": {"surprisal_soft_max": 9}}, "surprisal_soft_max must not exceed surprisal_hard_max"),
        ({"guards": {"drawdown_soft_max": 0.2}}, "guards.drawdown_soft_max must not exceed kill_switch.drawdown_max"),
        ({"width": {"window_bars": 10}}, "warm_up_bars must not exceed window_bars, were 20 and 10"),
        ({"surprisal": {"window_bars": 10}}, "warm_up_bars must not exceed window_bars"),
        ({"gating": {"scale_map": {"DERISK": 1.0, "PASS": 0.5}}}, "DERISK must not exceed PASS"),
        ({"gating": {"scale_map": {"BLOCK": 0.1}}}, "gating.scale_map.BLOCK: .*was 0.1"),
        ({"gating": {"min_notional": 2.0, "max_notional": 3.0}}, "min_notional must not exceed base_notional"),
        ({"gating": {"min_notional": 2.0}}, "min_notional must not exceed max_notional"),
        ({"acceptance": {"dwell_pass_bars": 0}}, "acceptance.dwell_pass_bars: .*was 0"),
        ({"acceptance": {"hysteresis": {"tau_pas_up": 0.7}}}, "did you mean 'tau_pass_up'"),
    ],
)
def test_contradictions_are_refused_by_name(content, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(GovernanceConfig, content, source="governance.yaml")


def test_an_account_without_notional_needs_no_minimum():
    config = parse_config(GovernanceConfig, {"gating": {"base_notional": 0.0, "min_notional": 1.0}}, source="x")
    assert config.gating.min_notional == 1.0


def test_records_share_no_state_and_have_their_own_digest():
    digests = {record().digest() for record in (GuardConfig, KillSwitchConfig, SurprisalConfig, GovernanceConfig)}
    assert len(digests) == 4
    assert GovernanceConfig(profile="research").digest() != GovernanceConfig().digest()
