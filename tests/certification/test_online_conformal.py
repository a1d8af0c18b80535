"""The published online methods: cases by hand, slow twins, their bounds on any scores."""

import math

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from aurora_jax.certification import (
    AbstractOnlineConformal,
    AdaptiveConformal,
    AdaptiveMiscoverage,
    BlockConformal,
    ConformalPid,
    EnsembleConformal,
    PlainConformal,
    QuantileTracking,
    WeightedConformal,
    WindowedConformal,
)
from tests.certification.online import BARS, adversary, push_all, run, states_and_reports

METHODS = [
    AdaptiveConformal(),
    AdaptiveMiscoverage(),
    EnsembleConformal(),
    ConformalPid(),
    QuantileTracking(),
    WindowedConformal(),
    WindowedConformal(WeightedConformal()),
    WindowedConformal(BlockConformal()),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_one_loop_serves_every_method(method, key):
    """What `interval` promises is what `step` settles; a NaN score raises."""
    assert isinstance(method, AbstractOnlineConformal)
    scores = jr.exponential(key, (130,))

    def bar(state, score):
        context = {"in_transition": True, "crossbar": 0.5, "degrees_of_freedom": 4.0}
        interval = method.interval(state, 10.0, 2.0, **context)
        after, info = method.step(state, score, **context)
        return after, (interval.upper, interval.lower, info.missed, 10.0 + 2.0 * score)

    _, (upper, lower, missed, target) = jax.jit(lambda s: jax.lax.scan(bar, method.init(), s))(scores)
    np.testing.assert_array_equal(missed, target > upper)
    np.testing.assert_allclose(upper + lower, np.where(np.isinf(upper), np.nan, 20.0))
    with pytest.raises(Exception, match="is NaN"):
        method.step(method.init(), math.nan)


def test_adaptive_miscoverage_toy_case():
    """The published toy: Y = (1, 2, 3), forecasts (0, 1, 2), level .95; covered 0, 1, 1, next interval (-1, 1).

    Its tests take the largest past score, 0 if there is none, as the widest bound there is; ours is infinite.
    """
    method = AdaptiveMiscoverage(miscoverage=0.05, step_size=0.01)
    state, halves = method.init(), []
    for _ in range(3):
        bound = float(method.interval(state, 0.0, 1.0).upper)
        widest = max([0.0, *np.asarray(state.scores.arrivals[: int(state.scores.count)])])
        halves.append(min(bound, widest))
        state, info = method.step(state, 1.0)
        # The first interval is infinite with us: no miss, where the toy's, of no width, is one.
        assert not bool(info.missed)
    halves = np.array(halves)
    np.testing.assert_array_equal(halves >= 1.0, [False, True, True])
    assert 2.0 * halves.mean() == pytest.approx(4 / 3)
    assert np.mean(2.0 * halves + 2.0 / 0.05 * np.maximum(1.0 - halves, 0.0)) == pytest.approx(14 + 2 / 3)
    assert max(np.asarray(state.scores.arrivals[:3])) == 1.0  # the next one: (-1, 1)


def test_adaptive_miscoverage_by_hand():
    # alpha 1/2, gamma .2, scores 3 1 2: rank ceil((n + 1)(1 - a))
    method = AdaptiveMiscoverage(miscoverage=0.5, step_size=0.2)
    info = run(method, [3.0, 1.0, 2.0, 5.0])
    # none held, rank 1 > 0: everything -> .6; {3} rank ceil(2 * .4) = 1 -> 3, covered -> .7;
    # {1, 3} rank ceil(3 * .3) = 1 -> 1, missed -> .6; {1, 2, 3} rank ceil(4 * .4) = 2 -> 2, missed
    np.testing.assert_allclose(info.miscoverage, [0.5, 0.6, 0.7, 0.6])
    np.testing.assert_array_equal(info.quantile, [np.inf, 3.0, 1.0, 2.0])
    np.testing.assert_array_equal(info.missed, [False, False, True, True])


@pytest.mark.parametrize("kind", ["growing", "shrinking", "alternating", "random walk"])
@pytest.mark.parametrize("step_size", [0.05, 0.005])
def test_adaptive_miscoverage_long_run_bound(kind, step_size):
    """Gibbs and Candès (2021), prop. 4.1, from bar 0 and for every T."""
    missed = np.asarray(run(AdaptiveMiscoverage(step_size=step_size), adversary(kind)).missed)
    bars = np.arange(1, BARS + 1)
    gap = np.abs(np.cumsum(missed) / bars - 0.1)
    assert np.all(gap <= (0.9 + step_size) / (step_size * bars) + 1e-12)


def test_adaptive_miscoverage_on_growing_scores():
    """Oracle .1004, computed apart from this code; clipped twins have .497 and 1.000."""
    missed = run(AdaptiveMiscoverage(step_size=0.05), 1.0 + np.arange(BARS + 100)).missed
    assert float(jnp.mean(missed[100:].astype(float))) == pytest.approx(0.1004, abs=0.003)


def tracking_twin(scores, alpha, share, window):
    bound, bounds = 0.0, []
    for bar, score in enumerate(scores):
        bounds.append(bound)
        held = scores[max(bar - window, 0) : bar]
        step = share * (max(held) - min(held)) if bar else share
        bound += step * ((score > bound) - alpha)
    return np.array(bounds)


def test_quantile_tracking_by_hand():
    # alpha .5, share .1: 0 missed, step .1 -> .05; {4} has spread 0: stays; {4, 2} spread 2: missed, + .2 * .5 -> .15
    info = run(QuantileTracking(miscoverage=0.5), [4.0, 2.0, 3.0, 0.1])
    np.testing.assert_allclose(info.quantile, [0.0, 0.05, 0.05, 0.15])
    np.testing.assert_array_equal(info.missed, [True, True, True, False])


def test_quantile_tracking_equals_its_twin():
    scores = adversary("random walk", 300)
    np.testing.assert_allclose(run(QuantileTracking(), scores).quantile, tracking_twin(scores, 0.1, 0.1, 100))


@pytest.mark.parametrize("kind", ["uniform", "sorted", "alternating"])
def test_quantile_tracking_long_run_bound(kind):
    """Prop. 1: scores in [0, b] and a constant step. Here 0 and b come again and again, so that the spread is b."""
    generator = np.random.default_rng(0)
    scores = {
        "uniform": generator.uniform(size=BARS),
        "sorted": np.sort(generator.uniform(size=BARS)),
        "alternating": (np.arange(BARS) // 50 % 2).astype(float),
    }[kind]
    scores[::20], scores[10::20] = 0.0, 1.0
    missed = np.asarray(run(QuantileTracking(), scores).missed)
    # Two bars have steps of their own, before 0 and b are held.
    assert abs(missed.mean() - 0.1) <= (1.0 + 0.1) / (0.1 * BARS) + 12 / BARS


def ensemble_twin(scores, gammas, alpha, horizon, window):
    count = len(gammas)
    alphas, weights, bounds = np.full(count, alpha), np.ones(count) / count, []
    eta = math.sqrt(
        3 / horizon * (math.log(count * horizon) + 2) / ((1 - alpha) ** 2 * alpha**3 + alpha**2 * (1 - alpha) ** 3)
    )
    sigma = 1 / (2 * horizon)

    def bound(held, level):
        if level <= 0:
            return math.inf
        if level >= 1:
            return -math.inf
        rank = math.ceil((len(held) + 1) * (1 - level) - 1e-9)
        return sorted(held)[rank - 1] if rank <= len(held) else math.inf

    for bar, score in enumerate(scores):
        held = list(scores[max(bar - window, 0) : bar])
        bounds.append(bound(held, float(weights @ alphas)))
        # The largest covering alpha by search over the places where the bound jumps.
        levels = [1 - place / (len(held) + 1) for place in range(len(held) + 1)]
        beta = max([level for level in levels if score <= bound(held, level - 1e-6)], default=0.0)
        loss = alpha * (beta - alphas) - np.minimum(0, beta - alphas)
        weights = weights * np.exp(-eta * loss)
        weights = (1 - sigma) * weights / weights.sum() + sigma / count
        errors = np.array([score > bound(held, level) for level in alphas])
        alphas = alphas + np.array(gammas) * (alpha - errors)
    return np.array(bounds)


def test_ensemble_equals_its_twin():
    scores = np.round(adversary("random walk", 300)[:160], 1)  # with ties
    gammas = (0.001, 0.008, 0.064)
    found = run(EnsembleConformal(step_sizes=gammas, window_bars=60, horizon_bars=100), scores).quantile
    np.testing.assert_allclose(found, ensemble_twin(scores, gammas, 0.1, 100, 60))


def test_an_ensemble_of_one_is_adaptive_miscoverage():
    scores = adversary("random walk", 400)
    found, alone = run(EnsembleConformal(step_sizes=(0.05,)), scores), run(AdaptiveMiscoverage(step_size=0.05), scores)
    np.testing.assert_array_equal(found.quantile, alone.quantile)
    np.testing.assert_array_equal(found.missed, alone.missed)


def test_each_expert_of_an_ensemble_keeps_its_own_bound():
    """For any scores an expert's alpha stays in [-gamma, 1 + gamma], which is ACI's bound."""
    method = EnsembleConformal()
    for kind in ("growing", "alternating"):
        last = states_and_reports(method, adversary(kind))[0]
        steps = np.asarray(method.step_sizes)
        assert np.all((last.miscoverages >= -steps) & (last.miscoverages <= 1.0 + steps))


def test_a_windowed_rule_is_the_rule_over_the_window(key):
    scores = jr.exponential(key, (90,))
    method = WindowedConformal(PlainConformal(), window_bars=50)
    found = run(method, scores).quantile
    for bar in (0, 5, 30, 60, 89):
        held = scores[max(0, bar - 50) : bar]
        expected = PlainConformal().quantile(held, miscoverage=0.1) if bar else jnp.inf
        assert float(found[bar]) == float(expected)


def test_scale_of_the_scores_is_scale_of_the_bounds():
    scores = adversary("random walk", 300)
    for method in (AdaptiveMiscoverage(), WindowedConformal()):
        np.testing.assert_allclose(run(method, 8.0 * scores).quantile, 8.0 * np.asarray(run(method, scores).quantile))


def test_ties_are_broken_by_the_tie_break():
    """Equal scores: the constant 0 counts a tie as covered; of two uniforms the larger one stands above the bound."""
    method = AdaptiveMiscoverage()
    state = method.init()._replace(scores=push_all(jnp.ones(20)))
    assert not bool(method.step(state, 1.0)[1].missed)
    assert bool(method.step(state, 1.0, tie_break=0.5)[1].missed)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AdaptiveMiscoverage(miscoverage=1.5), "was 1.5"),
        (lambda: AdaptiveMiscoverage(step_size=0.0), "step_size must be > 0, was 0.0"),
        (lambda: QuantileTracking(step_share=-1.0), "was -1.0"),
        (lambda: ConformalPid(saturation=0.0), "saturation"),
        (lambda: EnsembleConformal(step_sizes=()), r"was \(\)"),
        (lambda: WindowedConformal(window_bars=0), "was 0"),
    ],
)
def test_wrong_settings_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
