"""Where our solver gives up, Clarabel answers under the same rules and with a certificate of its own."""

import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.certification import dro_es, dro_es_by_clarabel, dro_es_fallback, dro_es_with_fallback
from aurora_jax.core import Outcome
from tests.certification.test_dro_es import PREVIOUS, SETTINGS, D, N, scenarios


def flat():
    """A tail of exactly one scenario, whose threshold is anything between it and the next, under a very wide box."""
    crash = np.array([-0.05, -0.04, -0.06, -0.055, -0.045, -0.05, -0.052, -0.047, -0.051, -0.049])
    quiet = 0.001 * np.random.default_rng(0).normal(size=(N - 1, D))
    asked = {"tail_probability": 1.0 / N, "radius": 0.05 / N, "lower": -9.0, "upper": 9.0}
    return jnp.asarray(np.vstack([crash, quiet])), asked, crash


def test_not_converged_keeps_the_previous_weights_and_the_fallback_solves_it():
    x, asked, crash = flat()
    given_up = dro_es(x, previous=jnp.asarray(PREVIOUS), **asked)
    assert int(given_up.outcome) == Outcome.NOT_CONVERGED
    np.testing.assert_array_equal(given_up.weights, PREVIOUS)
    assert 0.0 < float(given_up.duality_gap) < np.inf  # what was proven is told
    found = dro_es_with_fallback(x, previous=jnp.asarray(PREVIOUS), **asked)
    assert int(found.outcome) == Outcome.OK
    # In closed form: least crash loss plus .05 |w| on the budget.
    c = crash.mean() - crash
    expected = 1 / D - c / np.sqrt(D * (0.05**2 - c @ c))
    np.testing.assert_allclose(found.weights, expected, atol=1e-5)
    assert -1e-12 <= float(found.duality_gap) <= 1e-8


@pytest.mark.parametrize("metric", ["l2", "l1"])
def test_clarabel_alone_gives_the_same_with_its_own_certificate(metric):
    x = jnp.asarray(scenarios(0))
    ours, theirs = dro_es(x, **SETTINGS, metric=metric), dro_es_by_clarabel(x, **SETTINGS, metric=metric)
    assert int(theirs.outcome) == Outcome.OK
    assert float(theirs.worst_case_es) == pytest.approx(float(ours.worst_case_es), abs=1e-9)
    assert float(theirs.es) == pytest.approx(float(ours.es), abs=1e-7)
    assert float(theirs.duality_gap) <= 1e-8
    assert float(theirs.duality_gap) != float(ours.duality_gap)


def test_an_answer_without_a_proof_is_no_answer(monkeypatch):
    x = jnp.asarray(scenarios(0))
    reference = dro_es_fallback.clarabel_reference
    lost = lambda program: reference(program)._replace(weights=np.full(D, np.nan))  # noqa: E731
    monkeypatch.setattr(dro_es_fallback, "clarabel_reference", lost)
    found = dro_es_by_clarabel(x, previous=jnp.asarray(PREVIOUS), **SETTINGS)
    assert int(found.outcome) == Outcome.NOT_CONVERGED
    np.testing.assert_array_equal(found.weights, PREVIOUS)


def test_a_refusal_is_not_asked_of_another_solver(monkeypatch):
    monkeypatch.setattr(dro_es_fallback, "clarabel_reference", lambda program: pytest.fail("was asked"))
    x = jnp.asarray(scenarios(0))
    wanted = SETTINGS | {"upper": 0.09}
    assert int(dro_es_with_fallback(x, **wanted).outcome) == Outcome.INFEASIBLE
    assert int(dro_es_with_fallback(x, **SETTINGS).outcome) == Outcome.OK
    refused = dro_es_by_clarabel(x, previous=jnp.asarray(PREVIOUS), **wanted)
    assert int(refused.outcome) == Outcome.INFEASIBLE
    np.testing.assert_array_equal(refused.weights, PREVIOUS)
