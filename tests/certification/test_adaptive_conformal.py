import dataclasses
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from aurora_jax.certification import AdaptiveConformal
from tests.certification.online import adversary
from tests.statistics import assert_mean

BARS = 5000


@eqx.filter_jit
def _run(controller, scores, in_transition, crossbar, tie_break):
    def step(state, bar):
        score, trans, cross, tie = bar
        return controller.step(state, score, in_transition=trans, crossbar=cross, degrees_of_freedom=4.0, tie_break=tie)

    return jax.lax.scan(step, controller.init(), (scores, in_transition, crossbar, tie_break))


def run(controller, scores, in_transition=None, crossbar=None, tie_break=None):
    """Scan over BARS scores, with every number of the controller an array, so that one compilation serves all."""
    n = len(scores)
    controller = jax.tree.map(jnp.asarray, controller)
    none = np.zeros(n)
    flags = np.zeros(n, bool) if in_transition is None else in_transition
    series = scores, flags, none if crossbar is None else crossbar, none if tie_break is None else tie_break
    return _run(controller, *map(jnp.asarray, series))


def slow_twin(settings, scores, in_transition, crossbar, tie_break, degrees_of_freedom):
    """The textbook loop: lists, a full sort at each bar, scipy's quantile. Yields (missed, state_missed, state)."""
    state, held, ema, rows = settings.miscoverage, [], 1.0 - settings.miscoverage, []
    for score, trans, cross, tie in zip(scores, in_transition, crossbar, tie_break, strict=True):
        window = sorted(held[-settings.window_bars :])

        def bound(alpha, window=window):
            if alpha <= 0:
                return math.inf
            if alpha >= 1:
                return -math.inf
            if len(window) < settings.cold_start_scores:
                return stats.t.ppf(1 - alpha / 2, degrees_of_freedom)
            rank = math.ceil((len(window) + 1) * (1 - alpha) - 1e-9)
            return window[rank - 1] if rank <= len(window) else math.inf

        offset = settings.transition_offset * trans + settings.crossbar_offset * min(cross, 1.0)
        emitted = min(max(state + offset, settings.miscoverage_min), settings.miscoverage_max)
        excess = min(max((1 - ema) / settings.miscoverage - 1, 0), 1) if trans else 0.0
        missed = score > bound(emitted) * (1 + (settings.inflation_max - 1) * excess)
        ranked = score + 1e-9 * (1 + score) * tie
        state_missed = ranked > bound(state)
        rows.append((missed, state_missed, state, emitted))
        state += (settings.step_size_transition if trans else settings.step_size_base) * (
            settings.miscoverage - state_missed
        )
        ema += (1 - missed - ema) / settings.coverage_ema_bars
        held.append(ranked)
    return [np.array(column) for column in zip(*rows, strict=True)]


def long_run_bound(first, step_size, bars, miscoverage=0.1):
    return (max(first, 1 - first) + step_size) / (step_size * bars)


def test_equals_the_slow_twin(key):
    bars = 700
    scores = np.abs(np.asarray(jr.t(key, 3.0, (bars,)))) * np.where(np.arange(bars) > 400, 3.0, 1.0)
    scores[::7] = np.round(scores[::7])  # some ties
    trans = np.asarray(jr.bernoulli(jr.fold_in(key, 1), 0.2, (bars,)))
    cross = np.asarray(2 * jr.uniform(jr.fold_in(key, 2), (bars,)))
    tie = np.asarray(jr.uniform(jr.fold_in(key, 3), (bars,)))
    controller = AdaptiveConformal(step_size_base=0.02, step_size_transition=0.06, window_bars=200)
    state, info = run(controller, scores, trans, cross, tie)
    missed, state_missed, states, emitted = slow_twin(controller, scores, trans, cross, tie, 4.0)
    np.testing.assert_array_equal(info.missed, missed)
    np.testing.assert_array_equal(info.state_missed, state_missed)
    np.testing.assert_allclose(info.state_miscoverage, states, atol=1e-12)
    np.testing.assert_allclose(info.emission.miscoverage, emitted, atol=1e-12)
    assert states.min() < 0.05  # the shift drove it outside the emitted range, or the test shows less than it claims
    assert int(info.streak[-1]) == int(state.streak)
    streak = 0
    for bar, miss in enumerate(missed):
        streak = streak + 1 if miss else 0
        assert int(info.streak[bar]) == streak


def test_first_bars_by_hand():
    """Two scores of cold start; then window {1, 2, 3}, alpha = .5: rank ceil(4 / 2) = 2."""
    controller = AdaptiveConformal(
        miscoverage=0.5, miscoverage_max=0.9, step_size_base=0.2, cold_start_scores=3, window_bars=3
    )
    state = controller.init()
    # normal quartile .6745: 1 misses, 2 misses (state .5 -> .4 -> .3), 0.5 covered (q at .3 is 1.0364) -> .4
    for score, expected in ((1.0, 0.4), (2.0, 0.3), (0.5, 0.4)):
        state, _ = controller.step(state, score)
        assert float(state.miscoverage) == pytest.approx(expected)
    # window {.5, 1, 2}, alpha .4: rank ceil(4 * .6) = 3, the bound is 2
    interval = controller.interval(state, 10.0, 3.0)
    assert (float(interval.lower), float(interval.upper)) == (4.0, 16.0)
    # .2 * .5 more coverage asked for after a miss: alpha .3, rank ceil(4 * .7) = 3 of {.5, 2, 2.5}
    state, info = controller.step(state, 2.5)
    assert bool(info.missed)
    assert float(info.emission.quantile) == 2.0
    assert float(controller.interval(state, 0.0, 1.0).upper) == 2.5


@pytest.mark.parametrize("degrees_of_freedom", [2.5, 8.0, math.inf])
def test_cold_start_uses_the_forecasts_own_quantile(degrees_of_freedom):
    controller = AdaptiveConformal()
    interval = controller.interval(controller.init(), 1.0, 2.0, degrees_of_freedom=degrees_of_freedom)
    expected = stats.norm.ppf(0.95) if math.isinf(degrees_of_freedom) else stats.t.ppf(0.95, degrees_of_freedom)
    assert float(interval.upper) == pytest.approx(1.0 + 2.0 * expected, rel=1e-9)
    assert float(interval.lower) == pytest.approx(1.0 - 2.0 * expected, rel=1e-9)


def test_cold_start_ends_at_one_hundred_scores():
    scores = np.linspace(10.0, 11.0, BARS)
    _, info = run(AdaptiveConformal(), scores)
    assert np.flatnonzero(~np.asarray(info.emission.cold))[0] == 100
    assert float(info.emission.quantile[99]) < 5.0  # Student-t
    assert float(info.emission.quantile[100]) > 10.0  # the scores


def test_the_cold_bound_is_not_searched_for_when_none_is_cold():
    """The search stays inside the loop of at most one turn; the compiler had moved it out, into every bar."""
    controller = AdaptiveConformal()
    states = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (4, *leaf.shape)), controller.init())

    @jax.jit
    def intervals(states, nu):
        return jax.vmap(lambda state: controller.interval(state, 0.0, 1.0, degrees_of_freedom=nu))(states)

    compiled = intervals.lower(states, jnp.asarray(4.0)).compile().as_text()
    loops = [line for line in compiled[compiled.index("ENTRY") :].splitlines() if " while(" in line]
    assert len(loops) == 1


@pytest.mark.parametrize("kind", ["growing", "shrinking", "alternating", "random walk"])
def test_long_run_bound_on_adversarial_scores(kind):
    """The state's own misses respect the bound of Gibbs and Candès (prop. 4.1) for any scores, from bar 0."""
    _, info = run(AdaptiveConformal(step_size_base=0.05, step_size_transition=0.05), adversary(kind, BARS))
    gap = abs(float(jnp.mean(info.state_missed.astype(float))) - 0.1)
    assert gap <= long_run_bound(0.1, 0.05, BARS)


def test_growing_scores_break_a_clipped_state():
    """Why the integrator is never clipped: oracle .497 for a state in [0, 1], 1.000 for one in [.01, .3]."""
    scores, window, step_size = 1.0 + np.arange(BARS), 500, 0.05
    for low, high, expected in ((0.0, 1.0, 0.497), (0.01, 0.3, 1.0)):
        alpha, misses = 0.1, []
        for bar in range(100, BARS):
            held = scores[max(0, bar - window) : bar]  # increasing, hence sorted
            rank = math.ceil((len(held) + 1) * (1 - alpha) - 1e-9)
            bound = math.inf if alpha <= 0 or rank > len(held) else held[rank - 1] if rank > 0 else -math.inf
            misses.append(scores[bar] > bound)
            alpha = min(max(alpha + step_size * (0.1 - misses[-1]), low), high)
        assert np.mean(misses) == pytest.approx(expected, abs=0.01)
        assert abs(np.mean(misses) - 0.1) > 10 * long_run_bound(0.1, step_size, len(misses))
    _, info = run(AdaptiveConformal(step_size_base=step_size), scores)
    assert float(jnp.mean(info.state_missed[100:].astype(float))) == pytest.approx(0.1004, abs=0.004)


def test_bound_also_holds_in_step_size_weighted_form(key):
    """With varying steps the telescoped sum |sum eta_t (alpha - miss_t)| stays below max(a_1, 1 - a_1) + eta_max."""
    trans = np.asarray(jr.bernoulli(key, 0.3, (BARS,)))
    _, info = run(AdaptiveConformal(), 1.0 + np.arange(BARS), trans)
    steps = np.where(trans, 0.03, 0.01)
    partial = np.cumsum(steps * (0.1 - np.asarray(info.state_missed)))
    assert np.abs(partial).max() <= 0.9 + 0.03


@pytest.mark.stat
def test_coverage_on_autoregression_with_outliers_and_a_shift(key):
    """Emitted coverage after burn-in lies in [.88, .92], as the specification asks."""

    def coverage(key):
        noise, outlier, size = jr.normal(key, (BARS,)), jr.uniform(jr.fold_in(key, 1), (BARS,)), 0.02
        late = jnp.arange(BARS) >= BARS // 2
        shocks = noise * jnp.where(late, 2.5, 1.0) * jnp.where(outlier < size, 6.0, 1.0)
        phi = jnp.where(late, -0.3, 0.6)
        _, path = jax.lax.scan(lambda x, bar: (bar[0] * x + bar[1],) * 2, jnp.zeros(()), (phi, shocks))
        previous = jnp.concatenate([jnp.zeros(1), path[:-1]])
        scores = jnp.abs(path - 0.5 * previous)  # a forecaster that never learns of the shift
        near = jnp.abs(jnp.arange(BARS) - BARS // 2) < 100
        _, info = run(AdaptiveConformal(), scores, near, 1.5 * near.astype(float))
        return float(1.0 - jnp.mean(info.missed[500:].astype(float)))

    coverages = np.array([coverage(jr.fold_in(key, seed)) for seed in range(4)])
    assert np.all((coverages > 0.88) & (coverages < 0.92)), coverages
    assert_mean(coverages, 0.9, bias=0.01)


@pytest.mark.stat
def test_ties_do_not_bias_the_rank(key):
    """All scores equal and no learning: without a tie break nothing ever misses, with one the rate is nominal."""
    frozen = AdaptiveConformal(step_size_base=1e-12)
    _, plain = run(frozen, np.ones(BARS))
    _, broken = run(frozen, np.ones(BARS), tie_break=np.asarray(jr.uniform(key, (BARS,))))
    assert not bool(jnp.any(plain.state_missed[100:]))
    assert_mean(np.asarray(broken.state_missed[600:]), 0.1)


def with_state(controller, miscoverage):
    state, _ = run(controller, np.tile(np.linspace(1.0, 2.0, 100), BARS // 100))
    return state._replace(miscoverage=jnp.asarray(miscoverage))


@pytest.mark.parametrize(
    ("state", "trans", "crossbar", "emitted", "saturated"),
    [
        (0.10, False, 0.0, 0.10, False),
        (0.10, True, 0.0, 0.08, False),
        (0.10, True, 0.5, 0.075, False),
        (0.10, True, 9.0, 0.07, False),  # the crossbar counts at most 1
        (0.06, True, 9.0, 0.05, False),  # between .03 and .06: the offsets explain it
        (0.04, True, 0.0, 0.05, True),  # above the state, which no offset explains
        (0.30, False, 0.0, 0.20, True),
        (0.21, True, 0.0, 0.19, False),
        (-0.2, False, 0.0, 0.05, True),
    ],
)
def test_emission_by_hand(state, trans, crossbar, emitted, saturated):
    controller = AdaptiveConformal()
    emission = controller.emission(with_state(controller, state), in_transition=trans, crossbar=crossbar)
    assert float(emission.miscoverage) == pytest.approx(emitted)
    assert bool(emission.saturated) is saturated
    assert bool(emission.infinite) is (state <= 0.0)


def test_unclipped_set_is_everything_or_nothing_beyond_its_range():
    controller = AdaptiveConformal()
    everything, info = controller.step(with_state(controller, -0.01), 1e9)
    assert bool(info.missed)
    assert not bool(info.state_missed)
    assert float(everything.miscoverage) == pytest.approx(-0.01 + 0.01 * 0.1)
    nothing, info = controller.step(with_state(controller, 1.0), 0.0)
    assert not bool(info.missed)
    assert bool(info.state_missed)
    assert float(nothing.miscoverage) == pytest.approx(1.0 - 0.01 * 0.9)


def test_inflation_needs_a_transition_and_recent_misses():
    controller = AdaptiveConformal()
    calm = with_state(controller, 0.1)._replace(coverage_ema=jnp.asarray(0.95))
    missing = calm._replace(coverage_ema=jnp.asarray(0.85))
    worst = calm._replace(coverage_ema=jnp.asarray(0.3))
    factors = [
        float(controller.emission(state, in_transition=trans).inflation)
        for state in (calm, missing, worst)
        for trans in (False, True)
    ]
    assert factors == pytest.approx([1.0, 1.0, 1.0, 1.125, 1.0, 1.25])
    wide = controller.interval(worst, 0.0, 1.0, in_transition=True)
    assert float(wide.upper) == pytest.approx(
        1.25 * float(controller.interval(calm, 0.0, 1.0, in_transition=True).upper)
    )


@settings(max_examples=20, deadline=None)
@given(st.floats(-0.2, 1.2), st.floats(0.0, 3.0), st.booleans())
def test_emitted_alpha_is_bounded_and_never_above_without_offsets(state, crossbar, trans):
    controller = AdaptiveConformal()
    moved = controller.init()._replace(miscoverage=jnp.asarray(state))
    emission = controller.emission(moved, in_transition=trans, crossbar=crossbar)
    plain = controller.emission(moved)
    assert 0.05 <= float(emission.miscoverage) <= float(plain.miscoverage) <= 0.20
    assert float(emission.quantile) >= float(plain.quantile)  # transitions widen


def test_infinite_bound_with_zero_scale_is_infinite_not_nan():
    controller = AdaptiveConformal(miscoverage_min=0.001, miscoverage=0.001, cold_start_scores=1)
    state, _ = controller.step(controller.init(), 1.0)
    interval = controller.interval(state, 0.0, 0.0)
    assert (float(interval.lower), float(interval.upper)) == (-np.inf, np.inf)


def test_vmap_over_assets_equals_one_at_a_time(key):
    controller = AdaptiveConformal(window_bars=120)
    scores = jr.exponential(key, (130, 3))
    _, together = jax.lax.scan(jax.vmap(controller.step), jax.vmap(lambda _: controller.init())(jnp.arange(3)), scores)
    for asset in range(3):
        _, alone = jax.lax.scan(controller.step, controller.init(), scores[:, asset])
        np.testing.assert_allclose(together.state_miscoverage[:, asset], alone.state_miscoverage, rtol=1e-13)
        np.testing.assert_array_equal(together.missed[:, asset], alone.missed)


def test_nan_score_raises():
    controller = AdaptiveConformal()
    with pytest.raises(Exception, match="NaN or negative"):
        controller.step(controller.init(), math.nan)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"miscoverage": 0.3}, "0.3"),
        ({"miscoverage_min": 0.0}, "0.0"),
        ({"step_size_base": 0.0}, "were 0.0"),
        ({"inflation_max": 1.3}, "was 1.3"),
        ({"cold_start_scores": 501}, "was 501"),
        ({"coverage_ema_bars": 0}, "was 0"),
    ],
)
def test_wrong_settings_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        AdaptiveConformal(**wrong)


def test_settings_can_be_mapped_over():
    """A calibration grid vmaps over settings; nothing in the class may need them concrete."""
    upper = jax.vmap(lambda alpha: AdaptiveConformal(miscoverage=alpha).interval(_init(alpha), 0.0, 1.0).upper)
    np.testing.assert_allclose(upper(jnp.array([0.06, 0.1])), stats.norm.ppf([0.97, 0.95]), rtol=1e-9)


def _init(alpha):
    return AdaptiveConformal(miscoverage=alpha).init()


def test_every_setting_is_documented():
    for field in dataclasses.fields(AdaptiveConformal):
        assert field.name in AdaptiveConformal.__doc__
