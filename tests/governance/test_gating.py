import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.governance import BlockReason, Decision, Gating, Guard, GuardFlags, no_guards

SCALES = {Decision.PASS: 1.0, Decision.DERISK: 0.5, Decision.BLOCK: 0.0}


def gating(**changes):
    return Gating(**{"scale_map": SCALES, "base_notional": 100, "min_notional": 0, "max_notional": 1000, **changes})


def flags(soft=(), hard=()):
    return GuardFlags(*(jnp.array([guard in raised for guard in Guard]) for raised in (soft, hard)))


def scale(settings, decision, raised=None):
    info = settings.risk_scale(jnp.array(decision, int), no_guards() if raised is None else raised)
    return float(info.risk_scale), BlockReason(int(info.block_reason))


def test_the_formula_by_hand():
    assert scale(gating(), Decision.PASS) == (1.0, BlockReason.NONE)
    assert scale(gating(), Decision.DERISK) == (0.5, BlockReason.NONE)
    assert scale(gating(), Decision.BLOCK) == (0.0, BlockReason.DECISION)
    # 100 * .5 clipped to at most 40, or at least 80
    assert scale(gating(max_notional=40), Decision.DERISK) == (0.4, BlockReason.NONE)
    assert scale(gating(min_notional=80), Decision.DERISK) == (0.8, BlockReason.NONE)
    assert scale(gating(min_notional=80), Decision.BLOCK) == (0.0, BlockReason.DECISION)
    assert scale(gating(base_notional=0, min_notional=5), Decision.PASS) == (0.0, BlockReason.NONE)


@pytest.mark.parametrize(
    ("soft", "hard", "reason"),
    [
        ((), (Guard.LATENCY,), BlockReason.GUARD_LATENCY),
        ((), (Guard.LATENCY, Guard.COVERAGE_STREAK), BlockReason.GUARD_COVERAGE),
        ((), (Guard.DATA_AGE, Guard.SURPRISAL, Guard.LATENCY), BlockReason.GUARD_SURPRISAL),
        ((Guard.WIDTH,), (), BlockReason.DECISION),
        ((), (Guard.ERROR_RATE,), BlockReason.GUARD_DATA),
    ],
)
def test_a_block_names_the_guard_behind_it(soft, hard, reason):
    assert scale(gating(), Decision.BLOCK, flags(soft, hard)) == (0.0, reason)


def test_a_soft_guard_stops_execution_only_where_asked():
    soft = flags(soft=(Guard.WIDTH,))
    assert scale(gating(), Decision.DERISK, soft) == (0.5, BlockReason.NONE)
    assert scale(gating(hard_block_on_guard=True), Decision.DERISK, soft) == (0.0, BlockReason.GUARD_WIDTH)


def test_reasons_are_spelt_as_the_metrics_spell_them():
    spelt = {reason.label for reason in BlockReason}
    assert {"guard_surprisal", "guard_coverage", "guard_latency", "guard_width", "decision"} <= spelt


_risk_scale = jax.jit(lambda settings, decision, flags: settings.risk_scale(decision, flags))
guards = st.lists(st.sampled_from(list(Guard)), max_size=2).map(tuple)


@settings(max_examples=60, deadline=None)
@given(
    notionals=st.lists(st.floats(0, 1e6), min_size=3, max_size=3),
    derisk=st.floats(0, 1),
    option=st.booleans(),
    soft=guards,
    hard=guards,
)
def test_the_share_lies_in_the_unit_interval_descends_and_is_0_under_any_block(notionals, derisk, option, soft, hard):
    low, base, high = sorted(notionals)
    base = min(base, low) if base == 0 else base
    settings_ = gating(
        scale_map=(1.0, derisk, 0.0),
        base_notional=base,
        min_notional=low,
        max_notional=high,
        hard_block_on_guard=option,
    )
    infos = [_risk_scale(settings_, jnp.array(decision, int), flags(soft, hard)) for decision in Decision]
    shares = [float(info.risk_scale) for info in infos]
    assert 1.0 >= shares[0] >= shares[1] >= shares[2] == 0.0
    if hard or (option and soft):
        assert shares == [0.0, 0.0, 0.0]
        assert all(info.block_reason != BlockReason.NONE for info in infos)


def test_a_traced_minimum_above_the_base_cannot_trade_more_than_the_base():
    shares = jax.vmap(
        lambda low: gating(min_notional=low).risk_scale(jnp.array(Decision.PASS, int), no_guards()).risk_scale
    )(jnp.array([0.0, 500.0]))
    np.testing.assert_array_equal(shares, [1.0, 1.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"min_notional": 200}, "min_notional must not exceed base_notional, were 200 and 100"),
        ({"min_notional": 50, "max_notional": 40}, "min_notional must not exceed max_notional"),
        ({"base_notional": -1}, "base_notional must lie in"),
        ({"scale_map": (0.5, 1.0, 0.0)}, r"scale_map\[DERISK\] must not exceed scale_map\[PASS\]"),
        ({"scale_map": (1.0, 0.5, 0.1)}, r"scale_map\[BLOCK\] must lie in \[0, 0\], was 0.1"),
        ({"scale_map": (1.5, 0.5, 0.0)}, "scale_map must lie in"),
        ({"scale_map": (1.0, 0.5)}, r"a share per decision, had shape \(2,\)"),
    ],
)
def test_contradictory_settings_are_refused_by_name(change, message):
    with pytest.raises(ValueError, match=message):
        gating(**change)
