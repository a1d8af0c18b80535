import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.governance import Guard, Guards, GuardSignals, no_guards

LIMITS = {
    "coverage_soft_min": 0.86,
    "coverage_hard_min": 0.8,
    "miss_streak_hard_max": 5,
    "latency_soft_max_ms": 150,
    "latency_hard_max_ms": 450,
    "surprisal_soft_max": 2.6,
    "surprisal_hard_max": 3.3,
    "relative_width_soft_max": 3,
    "kappa_score_soft_min": 0.2,
    "data_age_hard_max_s": 60,
    "error_rate_hard_max": 0.05,
    "drawdown_soft_max": 0.1,
}
# On every limit, and so within it: only the streak is counted "at least".
CALM = GuardSignals(0.86, 4, 150.0, 2.6, 3.0, 0.2, False, False, 60.0, 0.05, 0.1)


def raised(flags):
    return {Guard(i) for i in np.flatnonzero(flags.soft)}, {Guard(i) for i in np.flatnonzero(flags.hard)}


def test_signals_on_their_limits_raise_nothing():
    assert raised(Guards(**LIMITS).evaluate(CALM)) == (set(), set())
    assert raised(no_guards()) == (set(), set())


@pytest.mark.parametrize(
    ("change", "soft", "hard"),
    [
        ({"coverage_ema": 0.859}, {Guard.COVERAGE}, set()),
        ({"coverage_ema": 0.8}, {Guard.COVERAGE}, set()),
        ({"coverage_ema": 0.799}, {Guard.COVERAGE}, {Guard.COVERAGE}),
        ({"miss_streak": 5}, set(), {Guard.COVERAGE_STREAK}),
        ({"latency_p95_ms": 150.1}, {Guard.LATENCY}, set()),
        ({"latency_p95_ms": 450.1}, {Guard.LATENCY}, {Guard.LATENCY}),
        ({"surprisal_p95": 2.7}, {Guard.SURPRISAL}, set()),
        ({"surprisal_p95": 3.4}, {Guard.SURPRISAL}, {Guard.SURPRISAL}),
        ({"relative_width_p95": 3.1}, {Guard.WIDTH}, set()),
        ({"kappa_score": 0.19}, {Guard.KAPPA}, set()),
        ({"saturated": True}, {Guard.SATURATION}, set()),
        ({"infinite": True}, {Guard.SATURATION}, {Guard.SATURATION}),
        ({"data_age_s": 61.0}, set(), {Guard.DATA_AGE}),
        ({"error_rate": 0.06}, set(), {Guard.ERROR_RATE}),
        ({"drawdown": 0.11}, {Guard.DRAWDOWN}, set()),
    ],
)
def test_each_guard_by_hand(change, soft, hard):
    assert raised(Guards(**LIMITS).evaluate(CALM._replace(**change))) == (soft, hard)


@pytest.mark.parametrize(
    ("signal", "guard"),
    [
        ("coverage_ema", Guard.COVERAGE),
        ("latency_p95_ms", Guard.LATENCY),
        ("surprisal_p95", Guard.SURPRISAL),
        ("relative_width_p95", Guard.WIDTH),
        ("kappa_score", Guard.KAPPA),
        ("data_age_s", Guard.DATA_AGE),
        ("error_rate", Guard.ERROR_RATE),
        ("drawdown", Guard.DRAWDOWN),
    ],
)
def test_what_is_unknown_is_not_safe(signal, guard):
    assert raised(Guards(**LIMITS).evaluate(CALM._replace(**{signal: jnp.nan})))[1] == {guard}


def test_a_guard_that_is_not_watched_stays_silent():
    watching = Guards(**LIMITS, watched=(Guard.LATENCY, Guard.WIDTH))
    bad = GuardSignals(0.0, 99, 999.0, 9.0, 9.0, 0.0, True, True, 999.0, 1.0, 1.0)
    assert raised(watching.evaluate(bad)) == ({Guard.LATENCY, Guard.WIDTH}, {Guard.LATENCY})
    assert raised(Guards(**LIMITS).evaluate(bad))[0] | raised(Guards(**LIMITS).evaluate(bad))[1] == set(Guard)


def test_a_grid_of_limits_is_a_vmap():
    limits = jnp.array([100.0, 150.0, 200.0])
    evaluate = lambda limit: Guards(**{**LIMITS, "latency_soft_max_ms": limit}).evaluate(CALM).soft[Guard.LATENCY]  # noqa: E731
    assert jax.jit(jax.vmap(evaluate))(limits).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"coverage_hard_min": 0.9}, "coverage_hard_min must not exceed coverage_soft_min, were 0.9 and 0.86"),
        ({"latency_hard_max_ms": 100.0}, "latency_soft_max_ms must not exceed latency_hard_max_ms"),
        ({"surprisal_hard_max": 1.0}, "surprisal_soft_max must not exceed surprisal_hard_max"),
        ({"coverage_soft_min": 1.5}, r"coverage_soft_min must lie in \[0, 1\]"),
        ({"miss_streak_hard_max": 0}, "miss_streak_hard_max must lie in"),
        ({"data_age_hard_max_s": -1.0}, "data_age_hard_max_s must lie in"),
        ({"watched": jnp.ones(3, bool)}, r"watched must have one entry per guard \(10\)"),
    ],
)
def test_contradictory_limits_are_refused_by_name(change, message):
    with pytest.raises(ValueError, match=message):
        Guards(**{**LIMITS, **change})
