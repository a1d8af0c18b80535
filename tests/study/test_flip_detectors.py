import sys

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from aurora_jax.core import stream
from aurora_jax.crossbar import Crossbar, Transition
from aurora_jax.study import SCENARIOS, fit_hidden_markov, flip_study, simulate, state_probabilities
from aurora_jax.study.flip_detectors import averaged, crossbar_values, gated, started, unexplained
from aurora_jax.study.hidden_markov import HiddenMarkov

BARS = 260


@pytest.fixture(scope="module")
def values():
    return crossbar_values(Crossbar(window_bars=64), jr.normal(stream(jr.key(2), "flips"), (6, BARS)), momentum_bars=64)


def test_sweeping_the_gated_index_is_sweeping_the_machine(values):
    """The first start of `Transition` is the first bar above `index_on` of what the sweep compares."""
    smoothed, momentum = values
    hits = 0
    for index_on in (1.0, 1.4):
        machine = Transition(
            index_on=index_on,
            index_off=0.7 * index_on,
            momentum_on=0.5,
            momentum_off=0.2,
            volatility_min=0.0,
            min_transition_bars=5,
        )
        starts = started(machine, smoothed, momentum) > 0.0
        above = gated(smoothed, momentum, momentum_on=0.5) > index_on
        for start, over in zip(starts, above, strict=True):
            assert start.any() == over.any()
            if over.any():
                hits += 1
                assert np.argmax(start) == np.argmax(over)
    assert hits >= 4


def test_an_average_by_hand():
    np.testing.assert_allclose(averaged(np.array([[1.0, 3.0, 5.0]]), 1.0), [[1.0, 2.0, 3.5]])
    np.testing.assert_array_equal(averaged(np.array([[1.0, 3.0]]), 0.0), [[1.0, 3.0]])


def test_what_an_autoregression_leaves_is_by_bars_before(key):
    """By least squares in NumPy on each window, and no later bar changes an earlier residual."""
    series = np.asarray(simulate(SCENARIOS[0].before, key, series=2, bars=90))
    found = unexplained(jnp.asarray(series), window_bars=40)
    for row, told in zip(series, found, strict=True):
        for bar in (40, 41, 77):
            window = row[bar - 40 : bar]
            design = np.column_stack([np.ones(39), window[:-1]])
            phi = np.linalg.lstsq(design, window[1:], rcond=None)[0][1]
            assert told[bar] == pytest.approx(row[bar] - phi * row[bar - 1], rel=1e-8)
        # The first bar stays; before the window is full, bars that were not there count as 0.
        assert told[0] == row[0]
        padded = np.concatenate([np.zeros(30), row[:10]])
        slope = np.linalg.lstsq(np.column_stack([np.ones(39), padded[:-1]]), padded[1:], rcond=None)[0][1]
        assert told[10] == pytest.approx(row[10] - slope * row[9], rel=1e-8)
    changed = series.copy()
    changed[:, 60:] = 7.0
    np.testing.assert_array_equal(unexplained(jnp.asarray(changed), window_bars=40)[:, :60], found[:, :60])


def test_change_points_are_read_from_returns_and_from_what_an_autoregression_leaves(key, monkeypatch):
    """Eight settings, each of both sides: a stretch without a change, and one that jumps at its end."""
    monkeypatch.setattr(flip_study, "hidden_markov_values", lambda model, series, half_lives_bars: dict.fromkeys(
        half_lives_bars, np.zeros((1, 1))))  # fmt: skip
    quiet = simulate(SCENARIOS[0].before, key, series=2, bars=60)
    jumping = jnp.concatenate([quiet, jnp.full((2, 5), 40.0)], axis=1)
    families = dict(flip_study.rivals(flip_study.Simulated(quiet, jumping), HiddenMarkov(None, np.ones(4), 0.0)))
    told = families["BOCPD"]
    readings = ("", "AR(1) taken out, ")
    names = {f"{r}hazard {h:g}, {n}" for r in readings for h in (0.01, 0.001) for n in ("recent change", "short run")}
    assert set(told) == names
    for stationary, flipped in told.values():
        assert (stationary.shape, flipped.shape) == ((2, 60), (2, 65))
    recent = [told[f"{reading}hazard 0.01, recent change"][1] for reading in readings]
    assert not np.allclose(recent[0], recent[1])
    assert (recent[0][:, 61:] > 0.9).all()


def test_without_dynamax_the_command_is_named(monkeypatch, key):
    monkeypatch.setitem(sys.modules, "dynamax.hidden_markov_model", None)
    with pytest.raises(RuntimeError, match=r"pip install 'aurora-jax\[peers\]'"):
        fit_hidden_markov(key, np.zeros((2, 4)), np.zeros((2, 4)))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of third parties
def test_hidden_states_tell_a_change_of_level_and_filter_forwards(key):
    pytest.importorskip("dynamax")
    level = SCENARIOS[1]
    before = simulate(level.before, stream(key, "before"), series=4, bars=200)
    after = simulate(level.after._replace(deviation=6.0), stream(key, "after"), series=4, bars=200)
    model = fit_hidden_markov(stream(key, "EM"), before, after)
    late = np.asarray(state_probabilities(model, after)) @ model.after_share
    assert late.mean() > 0.8
    assert (np.asarray(state_probabilities(model, before)) @ model.after_share).mean() < 0.2
    cut = state_probabilities(model, after[:, :100])
    np.testing.assert_allclose(cut, state_probabilities(model, after)[:, :100], rtol=1e-9)
    assert jax.numpy.allclose(cut.sum(-1), 1.0)
