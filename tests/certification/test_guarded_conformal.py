"""The guarded mixture: its experts, its guard, and the bound that neither can break."""

import dataclasses
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy import stats

from aurora_jax.certification import Expert, GuardedConformal, ScaleMixture
from tests.certification.online import adversary

BARS = 2000
SMALL = (Expert(math.inf, 40), Expert(4.0, 40), Expert(20.0, 60))


@eqx.filter_jit
def _run(method, scores, in_transition):
    return jax.lax.scan(
        lambda s, bar: method.step(s, bar[0], in_transition=bar[1]), method.init(), (scores, in_transition)
    )


def run(method, scores, in_transition=None):
    flags = np.zeros(len(scores), bool) if in_transition is None else in_transition
    return _run(jax.tree.map(jnp.asarray, method), jnp.asarray(scores, jnp.float64), jnp.asarray(flags))


def small(**settings):
    return GuardedConformal(ScaleMixture(experts=SMALL), guard_bars=60, cold_start_scores=20, **settings)


def mixture_twin(scores, mixture, alphas):
    """The textbook loop with lists: for each bar the mixture's bound at its alpha."""
    experts = mixture.experts
    held, weights, typical, rows = [[] for _ in experts], np.ones(len(experts)) / len(experts), 0.0, []

    def unit(expert, bar):
        if math.isinf(expert.half_life_bars) or bar == 0:
            return 1.0
        ages = np.arange(bar, 0, -1) - 1.0
        return np.average(scores[:bar], weights=0.5 ** (ages / expert.half_life_bars))

    def bounds(level, bar):
        found = []
        for expert, kept in zip(experts, held, strict=True):
            window = sorted(kept[-expert.window_bars :])
            rank = math.ceil((len(window) + 1) * (1 - level) - 1e-9)
            found.append(unit(expert, bar) * window[rank - 1] if rank <= len(window) else math.inf)
        return np.array(found)

    for bar, score in enumerate(scores):
        rows.append(weights @ bounds(alphas[bar], bar))
        nominal = bounds(mixture.miscoverage, bar)
        gaps = np.where(np.isfinite(nominal), score - nominal, 0.0)
        loss = np.where(gaps > 0, 0.9 * gaps, -0.1 * gaps)
        typical += (loss.mean() - typical) / min(bar + 1, mixture.loss_memory_bars)
        if typical > 0:
            weights = weights * np.exp(-mixture.learning_rate * loss / typical)
        weights = (1 - mixture.share) * weights / weights.sum() + mixture.share / len(experts)
        for expert, kept in zip(experts, held, strict=True):
            first = bar == 0 and not math.isinf(expert.half_life_bars)
            kept.append(1.0 if first else score / unit(expert, bar))
    return np.array(rows)


def test_mixture_equals_its_twin(key):
    scores = np.asarray(jr.exponential(key, (150,)) * jnp.where(jnp.arange(150) > 90, 5.0, 1.0))
    mixture = ScaleMixture(experts=SMALL, learning_rate=0.3, share=0.01)
    alphas = np.linspace(0.05, 0.3, 150)

    def bar(state, seen):
        return mixture.step(state, seen[0]), mixture.quantiles(state, seen[1][None])[0]

    _, found = jax.jit(lambda *series: jax.lax.scan(bar, mixture.init(), series))(
        jnp.asarray(scores), jnp.asarray(alphas)
    )
    np.testing.assert_allclose(found, mixture_twin(scores, mixture, alphas), rtol=1e-9)


def test_experts_by_hand():
    # half-life 1: after 4 and 8 the mean is (8 + 4 / 2) / 1.5 = 20/3; measured scores 4 / 4 = 1 and 8 / 4 = 2.
    mixture = ScaleMixture(miscoverage=0.5, experts=(Expert(1.0, 10), Expert(math.inf, 10)), learning_rate=1e-9)
    state = mixture.init()
    for score in (4.0, 8.0):
        state = mixture.step(state, jnp.asarray(score))
    # rank ceil(3 * .5) = 2: 20/3 * 2 = 40/3, and 8; equal weights
    assert float(mixture.quantiles(state, jnp.array([0.5]))[0]) == pytest.approx((40 / 3 + 8) / 2)
    np.testing.assert_array_equal(mixture.quantiles(state, jnp.array([0.0, 1.0, 0.1])), [np.inf, -np.inf, np.inf])


def test_bounds_have_the_unit_of_the_scores(key):
    # All far above the forecast's own law, which alone has a unit: the cold start misses each of them.
    scores = 100.0 * (1.0 + np.asarray(jr.exponential(key, (BARS,))))
    one, other = run(small(), scores)[1], run(small(), 8.0 * scores)[1]
    np.testing.assert_allclose(other.emission.state_quantile[200:], 8.0 * np.asarray(one.emission.state_quantile[200:]))


@pytest.mark.parametrize("kind", ["growing", "shrinking", "alternating", "random walk"])
def test_long_run_bound_on_adversarial_scores(kind):
    """Prop. 4.1 of Gibbs and Candès holds for any scores and at any bar, as the integrator is theirs."""
    bars = np.arange(BARS)
    missed = np.asarray(run(small(step_size_base=0.05), adversary(kind, BARS))[1].state_missed)
    gap = np.abs(np.cumsum(missed) / (bars + 1.0) - 0.1)
    assert np.all(gap <= (0.9 + 0.05) / (0.05 * (bars + 1.0)) + 1e-12)


def test_bound_also_holds_in_step_size_weighted_form(key):
    trans = np.asarray(jr.bernoulli(key, 0.3, (BARS,)))
    _, info = run(small(), 1.0 + np.arange(BARS), trans)
    steps = np.where(trans, 0.03, 0.005)
    assert np.abs(np.cumsum(steps * (0.1 - np.asarray(info.state_missed)))).max() <= 0.9 + 0.03


def with_misses(controller, misses, miscoverage=0.1):
    """Return a warm state, scores 1 to 2, with so many misses in its full guarded window."""
    state, _ = run(controller, np.tile(np.linspace(1.0, 2.0, 20), BARS // 20))
    ring = jnp.arange(controller.guard_bars - 1) < misses
    return state._replace(misses=ring, miscoverage=jnp.asarray(miscoverage))


@pytest.mark.parametrize(
    ("misses", "state", "trans", "emitted", "inflation", "saturated"),
    [
        # 59 bars have 5.9 nominal misses
        (5, 0.10, False, 0.10, 1.0, False),  # the guard never narrows
        (6, 0.10, False, 0.098, 1.0, False),  # excess .1
        (8, 0.10, False, 0.058, 1.0125, False),  # excess 2.1: .1 / 2 of the inflation
        (9, 0.10, False, 0.05, 1.1375, False),  # .1 - .062 is below the least, which lies between: explained
        (9, 0.04, False, 0.05, 1.1375, True),
        (12, 0.10, False, 0.05, 1.25, False),  # all of it
        (6, 0.10, True, 0.078, 1.0, False),
        (0, 0.30, False, 0.20, 1.0, True),
        (0, -0.10, False, 0.05, 1.0, True),
    ],
)
def test_emission_by_hand(misses, state, trans, emitted, inflation, saturated):
    emission = small().emission(with_misses(small(), misses, state), in_transition=trans)
    assert float(emission.miscoverage) == pytest.approx(emitted)
    assert float(emission.inflation) == pytest.approx(inflation)
    assert bool(emission.saturated) is saturated
    assert bool(emission.infinite) is (state <= 0.0)


def test_without_a_guard_the_emitted_set_is_the_integrators(key):
    """Gain 0 and inflation 1: what is emitted is what the state asks for, wherever the bounds let it."""
    scores = np.asarray(jr.exponential(key, (BARS,)))
    _, info = run(small(guard_gain=0.0, inflation_max=1.0), scores)
    inside = (np.asarray(info.state_miscoverage) >= 0.05) & (np.asarray(info.state_miscoverage) <= 0.2)
    assert inside.mean() > 0.9
    np.testing.assert_array_equal(info.missed[inside], info.state_missed[inside])


def test_a_guard_only_widens(key):
    scores = np.asarray(jr.exponential(key, (BARS,)))
    _, info = run(small(), scores)
    plain = np.clip(np.asarray(info.state_miscoverage), 0.05, 0.2)
    assert np.all(np.asarray(info.emission.miscoverage) <= plain + 1e-15)
    assert np.any(np.asarray(info.emission.miscoverage) < plain - 0.01)


def test_the_guarded_window_holds_its_coverage(key):
    """Independent scores: with the guard no window of 500 falls below .886, without it some do; nominal within .01."""
    scores = np.asarray(jr.exponential(key, (8 * BARS,)))
    found = {}
    for name, settings in {"guarded": {}, "open": {"guard_gain": 0.0, "inflation_max": 1.0}}.items():
        experts = ScaleMixture(experts=(Expert(math.inf, 500),))
        missed = np.asarray(run(GuardedConformal(experts, cold_start_scores=20, **settings), scores)[1].missed)[100:]
        total = np.concatenate([[0], np.cumsum(missed)])
        found[name] = 1 - (total[500:] - total[:-500]).max() / 500, 1 - missed.mean()
    assert found["guarded"][0] >= 0.886 > found["open"][0]
    assert abs(found["guarded"][1] - 0.9) <= 0.01


def test_misses_of_the_cold_start_are_not_the_guards():
    """Scores far above the forecast's law miss while it is cold; the guard starts from none."""
    state, info = run(small(), np.concatenate([np.full(20, 1e3), np.full(5, 1.0)]))
    assert np.all(np.asarray(info.missed[:20]))
    assert not np.any(np.asarray(state.misses))
    assert np.all(np.asarray(info.emission.inflation) == 1.0)
    assert list(np.flatnonzero(np.asarray(info.emission.cold))) == list(range(20))


def test_cold_start_is_the_forecasts_own_quantile():
    interval = small().interval(small().init(), 1.0, 2.0, degrees_of_freedom=5.0)
    assert float(interval.upper) == pytest.approx(1.0 + 2.0 * stats.t.ppf(0.95, 5.0), rel=1e-9)


def test_an_infinite_score_is_survived():
    _, info = run(small(), np.concatenate([np.tile([1.0, 2.0], 60), [np.inf], np.tile([1.0, 2.0], 200)]))
    assert bool(info.missed[120])
    assert np.all(
        np.isfinite(np.asarray(info.emission.quantile)[121:]) | (np.asarray(info.state_miscoverage)[121:] < 0.2)
    )
    assert not np.any(np.isnan(np.asarray(info.emission.quantile)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: small(miscoverage_min=0.0), "0.0"),
        (lambda: small(guard_gain=-1.0), "-1.0"),
        (lambda: small(inflation_max=1.3), "1.3"),
        (lambda: small(step_size_base=0.0), "were 0.0"),
        (lambda: GuardedConformal(guard_bars=1), "were 1 and 100"),
        (lambda: ScaleMixture(experts=()), r"was \(\)"),
        (lambda: ScaleMixture(experts=(Expert(-1.0, 10),)), "was -1.0"),
        (lambda: ScaleMixture(share=0.0), "share must be > 0"),
    ],
)
def test_wrong_settings_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("kind", [GuardedConformal, ScaleMixture])
def test_every_setting_is_documented(kind):
    for field in dataclasses.fields(kind):
        assert field.name in kind.__doc__
