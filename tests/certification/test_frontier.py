"""The frontier over the radius: laws that hold whatever the market, and what each radius alone gives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.certification import dro_es, worst_case_frontier
from aurora_jax.core import Outcome
from aurora_jax.report import frontier_figure

N, D = 120, 10
SETTINGS = {"tail_probability": 0.1, "lower": -0.2, "upper": 0.5}
RADII = jnp.append(jnp.linspace(0.0, 4e-3, 9), 1e3)


@pytest.fixture(scope="module")
def scenarios():
    rng = np.random.default_rng(8)
    return jnp.asarray(0.01 * (rng.standard_t(4, size=(N, D)) + rng.standard_t(4, size=(N, 1))))


@pytest.fixture(scope="module")
def frontier(scenarios):
    return worst_case_frontier(scenarios, RADII, **SETTINGS)


def test_value_rises_and_is_concave(frontier):
    assert bool(jnp.all(frontier.outcome == Outcome.OK))
    value = np.asarray(frontier.worst_case_es)[:-1]
    assert np.all(np.diff(value) > 0.0)
    assert np.all(np.diff(value, 2) < 1e-10)
    assert np.all(np.diff(np.asarray(frontier.es)) > -1e-9)  # what robustness costs on the scenarios themselves


def test_slope_lies_between_those_of_its_ends(frontier):
    """Concave with slope |w| / p: each secant lies between the slopes at its ends, which no other code computed."""
    slope = np.linalg.norm(np.asarray(frontier.weights), axis=1)[:-1] / 0.1
    secant = np.diff(np.asarray(frontier.worst_case_es)[:-1]) / np.diff(np.asarray(RADII)[:-1])
    assert np.all(secant <= slope[:-1] + 1e-5)
    assert np.all(secant >= slope[1:] - 1e-5)


def test_ends_are_the_plain_portfolio_and_equal_weight(frontier, scenarios):
    np.testing.assert_allclose(frontier.weights[-1], 1 / D, atol=1e-5)
    plain = dro_es(scenarios, radius=0.0, **SETTINGS)
    assert float(frontier.worst_case_es[0]) == pytest.approx(float(frontier.es[0]), abs=1e-12)
    assert float(frontier.worst_case_es[0]) == pytest.approx(float(plain.worst_case_es), abs=1e-10)


def test_each_radius_is_solved_as_if_alone_in_any_order(frontier, scenarios):
    backwards = worst_case_frontier(scenarios, RADII[::-1], **SETTINGS)
    np.testing.assert_allclose(backwards.weights[::-1], frontier.weights, atol=1e-6)
    alone = dro_es(scenarios, radius=RADII[3], **SETTINGS)
    np.testing.assert_allclose(frontier.weights[3], alone.weights, atol=1e-6)


@pytest.mark.slow  # compiles the solver anew
def test_an_earlier_frontier_to_start_from_changes_no_answer(frontier, scenarios):
    started = worst_case_frontier(scenarios, RADII, **SETTINGS, warm_start=frontier.weights[::-1])
    np.testing.assert_allclose(started.worst_case_es[:-1], frontier.worst_case_es[:-1], atol=1e-9)


def test_one_refused_radius_leaves_the_others(scenarios):
    found = worst_case_frontier(scenarios, RADII.at[2].set(-1.0).at[4].set(jnp.nan), **SETTINGS)
    expected = [Outcome.OK] * 10
    expected[2], expected[4] = Outcome.REFUSED, Outcome.NON_FINITE
    assert [Outcome(int(code)) for code in found.outcome] == expected


def test_the_figure_draws_both_risks_and_every_weight(frontier):
    found = jax.tree.map(lambda leaf: leaf[:-1], frontier)
    risk, weights = frontier_figure(np.asarray(RADII[:-1]), found).axes
    assert [line.get_label() for line in risk.get_lines()] == ["worst case", "on the scenarios"]
    np.testing.assert_array_equal(risk.get_lines()[0].get_ydata(), found.worst_case_es)
    assert len(weights.get_lines()) == D + 1
