"""What-ifs: no shock is no effect, known shocks have known effects, pandas in and out."""

import numpy as np
import pandas as pd
import pytest

from aurora_jax.core import Regime
from aurora_jax.explain import RobustWeights, Shock, Start, what_if
from tests.statistics import assert_mean

_SETTINGS = {"horizon": 6, "paths": 1500, "seed": 3}


@pytest.fixture(scope="module")
def answer(teacher):
    return what_if(teacher, Shock(jump_intensity=3.0, contagion=0.8), **_SETTINGS)


def test_no_shock_has_no_effect(teacher):
    found = what_if(teacher, Shock(), **_SETTINGS)
    np.testing.assert_array_equal(found.base.value, found.shocked.value)
    risk = found.expected_shortfall
    assert risk.loc["effect", "expected_shortfall"] == 0.0
    assert risk.loc["effect", "expected_shortfall_error"] == 0.0
    assert risk.loc["effect", "value_at_risk_error"] == 0.0
    assert found.shock.changes() == {}


def test_a_drift_moves_every_path_by_exactly_its_size(teacher):
    """Common random numbers: log returns of one asset differ by the drift on every single path."""
    found = what_if(teacher, Shock(drift=-0.05), weights=[1.0, 0.0], **_SETTINGS)
    moved = np.log(found.shocked.value[:, -1] / found.base.value[:, -1])
    np.testing.assert_allclose(moved, -0.05, atol=2e-6)


def test_the_effect_is_told_better_than_by_independent_runs(answer):
    risk = answer.expected_shortfall
    assert risk.loc["effect", "expected_shortfall"] > 4.0 * risk.loc["effect", "expected_shortfall_error"]
    for name in ("expected_shortfall_error", "value_at_risk_error"):
        assert 0.0 < risk.loc["effect", name] < np.hypot(*risk.loc[["base", "shocked"], name])
    assert np.all(np.isfinite(risk))
    np.testing.assert_allclose(
        risk.loc["effect", "expected_shortfall"],
        risk.loc["shocked", "expected_shortfall"] - risk.loc["base", "expected_shortfall"],
        rtol=1e-9,
    )


def test_the_same_seed_gives_the_same_answer_and_another_another(teacher, answer):
    again = what_if(teacher, answer.shock, **_SETTINGS)
    pd.testing.assert_frame_equal(again.quantiles, answer.quantiles)
    other = what_if(teacher, answer.shock, **{**_SETTINGS, "seed": 4})
    assert not np.allclose(other.base.value, answer.base.value)


def test_more_paths_begin_with_the_same_paths(teacher, answer):
    more = what_if(teacher, answer.shock, **{**_SETTINGS, "paths": 2100})
    np.testing.assert_array_equal(more.base.value[:1500], answer.base.value)


def test_the_fan_is_a_table_of_ordered_quantiles(answer):
    fan = answer.quantiles
    assert list(fan.columns.get_level_values(0).unique()) == ["base", "shocked"]
    assert list(fan.index) == list(range(7))
    np.testing.assert_allclose(fan.iloc[0], 0.0, atol=1e-12)
    assert np.all(np.diff(fan["base"].to_numpy(), axis=1) >= 0.0)


def test_the_chance_of_crossing_a_level_is_counted(answer):
    table = answer.probability_below(-0.05)
    expected = np.mean(answer.base.value.min(axis=1) <= 0.95)
    assert table.loc["base", "probability"] == pytest.approx(expected)
    np.testing.assert_allclose(table.loc["base", "error"], np.sqrt(expected * (1 - expected) / 1500), rtol=1e-9)
    assert table.loc["effect", "probability"] == pytest.approx(
        table.loc["shocked", "probability"] - table.loc["base", "probability"]
    )


@pytest.mark.stat
def test_tilting_leaves_the_law_alone_and_says_what_it_costs(teacher, answer):
    tilted = what_if(teacher, answer.shock, tilt=1.5, **{**_SETTINGS, "seed": 9})
    plain, other = answer.expected_shortfall, tilted.expected_shortfall
    for side in ("base", "shocked"):
        gap = plain.loc[side, "expected_shortfall"] - other.loc[side, "expected_shortfall"]
        error = np.hypot(plain.loc[side, "expected_shortfall_error"], other.loc[side, "expected_shortfall_error"])
        assert abs(gap) < 4.0 * error
    assert plain.loc["base", "effective_paths"] == pytest.approx(1500)
    assert 200 < other.loc["shocked", "effective_paths"] < 1490


@pytest.mark.stat
def test_volatility_doubles_the_spread(teacher):
    """Without jumps the log return's standard deviation doubles on every path; jumps scale with it."""
    found = what_if(teacher, Shock(volatility=2.0), weights=[1.0, 0.0], **_SETTINGS)
    logs = [np.log(side.value[:, -1]) for side in (found.base, found.shocked)]
    drift = 6 * 3e-4
    np.testing.assert_allclose(np.std(logs[1]) / np.std(logs[0]), 2.0, rtol=0.02)
    assert_mean(logs[0], drift, bias=0.002)


def test_weights_by_name_in_any_order(teacher, answer):
    start = Start(("A", "B"), np.zeros(1), (Regime.AR,))
    settings = {**_SETTINGS, "paths": 300, "start": start, "tail_probability": 0.2}
    named = what_if(teacher, Shock(), weights=pd.Series({"B": 0.9, "A": 0.1}), **settings)
    plain = what_if(teacher, Shock(), weights=[0.1, 0.9], **settings)
    np.testing.assert_array_equal(named.base.value, plain.base.value)
    assert dict(named.weights) == {"A": 0.1, "B": 0.9}
    with pytest.raises(ValueError, match=r"unknown assets \['C'\] and lack \['B'\]"):
        what_if(teacher, Shock(), weights={"A": 0.5, "C": 0.5}, **settings)
    with pytest.raises(ValueError, match="must be 2 finite numbers"):
        what_if(teacher, Shock(), weights=[1.0], **settings)


@pytest.mark.slow
def test_robust_weights_have_the_least_shortfall(teacher):
    """With radius 0 no other long-only weights have a smaller expected shortfall on the base paths."""
    robust = what_if(teacher, Shock(), weights=RobustWeights(radius=0.0, scenarios=1500), **_SETTINGS)
    least = robust.expected_shortfall.loc["base", "expected_shortfall"]
    for share in np.linspace(0.0, 1.0, 11):
        other = what_if(teacher, Shock(), weights=[share, 1.0 - share], **_SETTINGS)
        assert least <= other.expected_shortfall.loc["base", "expected_shortfall"] + 1e-9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"horizon": 0}, "horizon must be at least 1, was 0"),
        ({"paths": 0}, "paths must be at least 1, was 0"),
        ({"tilt": 0.0}, "tilt must be positive"),
        ({"tail_probability": 1.0}, "tail_probability must lie in"),
    ],
)
def test_impossible_requests_are_refused(teacher, change, message):
    with pytest.raises(ValueError, match=message):
        what_if(teacher, Shock(), **{**_SETTINGS, **change})


@pytest.mark.parametrize(
    ("shock", "message"),
    [({"volatility": float("nan")}, "volatility must be a finite number, was nan"), ({"hurst": float("inf")}, "hurst")],
)
def test_shocks_that_are_no_numbers_are_refused(shock, message):
    with pytest.raises(ValueError, match=message):
        Shock(**shock)


def test_shocks_out_of_range_name_the_value(teacher):
    with pytest.raises(ValueError, match=r"contagion must lie in .* was 1\.0"):
        what_if(teacher, Shock(contagion=1.0), **_SETTINGS)


def test_a_path_without_a_teacher_is_refused(tmp_path):
    with pytest.raises(Exception, match=r"teacher"):
        what_if(tmp_path, Shock(), **_SETTINGS)


def test_the_figure_has_a_fan_and_a_tail(answer, tmp_path):
    figure = answer.plot()
    fan, tail = figure.axes
    assert "jump_intensity 3" in figure.get_suptitle()
    assert len(fan.collections) == 6
    assert len(tail.lines) == 2
    figure.savefig(tmp_path / "what_if.png")
    assert (tmp_path / "what_if.png").stat().st_size > 10_000
