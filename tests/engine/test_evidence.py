"""What the gates said of a stream: in its certificates, and in conservative mode where it is not good enough."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.certification import Verdict
from aurora_jax.config import EngineConfig, parse_config
from aurora_jax.config.engine import TransferEvidence
from aurora_jax.core import Outcome
from aurora_jax.engine import assemble
from aurora_jax.engine.evidence import with_evidence
from tests.small_engine import BARS, small


def engine_with(verdict, causal_coverage):
    return with_evidence(small("INDEX").engine, TransferEvidence(verdict=verdict, causal_coverage=causal_coverage))


def test_good_evidence_changes_nothing_but_what_is_said():
    plain, judged = small("INDEX").engine, engine_with("READY", True)
    assert Verdict(int(judged.standing.transfer)) is Verdict.READY
    assert bool(judged.standing.causal_coverage)
    again = eqx.tree_at(lambda engine: engine.standing, judged, plain.standing)
    assert eqx.tree_equal(again, plain)


@pytest.mark.parametrize("evidence", [("NOT_READY", True), ("UNDECIDED", True), ("READY", False)])
def test_anything_less_is_served_conservatively(evidence):
    plain, judged = small("INDEX").engine, engine_with(*evidence)
    assert judged.meta.conservative
    assert float(judged.allocation.radius_share) == pytest.approx(1.5 * float(plain.allocation.radius_share))
    np.testing.assert_allclose(judged.gating.scale_map, np.minimum(plain.gating.scale_map, 0.5))


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_gates_words_are_those_of_the_configuration(verdict):
    assert TransferEvidence(verdict=verdict.name, causal_coverage=True).verdict == verdict.name


def test_every_interval_is_then_the_widest_and_no_position_whole():
    judged, made = engine_with("NOT_READY", False), small("INDEX")

    @eqx.filter_jit
    def run(engine, bars):
        return jax.lax.scan(lambda state, bar: engine.step(state, bar), engine.init(), bars)[1]

    rows = jax.tree.map(lambda leaf: jnp.asarray(leaf[:BARS]), made.bars)
    info = run(judged, rows)
    live = np.asarray(info.outcome) == int(Outcome.OK)
    assert live.sum() > 50
    certificate = info.certificate
    np.testing.assert_array_equal(np.asarray(certificate.interval.miscoverage)[live], 0.05)
    generous = np.asarray(certificate.state_miscoverage)[live] >= 0.05
    assert generous.mean() > 0.5
    assert not np.asarray(certificate.interval.saturated)[live][generous].any()
    assert np.asarray(certificate.standing.conservative).all()
    assert np.asarray(info.risk_scale).max() <= 0.5
    assert set(np.asarray(certificate.standing.transfer).ravel().tolist()) == {int(Verdict.NOT_READY)}


@pytest.mark.parametrize("asked", [0.05, 0.19, 0.3, 0.6, 1.02])
def test_whatever_the_controller_asks_for_the_least_miscoverage_is_emitted(asked):
    conformal = engine_with("NOT_READY", False).conformal
    state = conformal.init()._replace(miscoverage=jnp.asarray(asked))
    emitted = conformal.emission(state, in_transition=True)
    assert float(emitted.miscoverage) == 0.05
    assert not bool(emitted.saturated)


def test_the_configuration_carries_it_to_the_engine():
    content = small("INDEX").config.model_dump(mode="json")
    content["streams"]["INDEX"]["evidence"] = {"verdict": "NOT_READY", "causal_coverage": False}
    config = parse_config(EngineConfig, content, source="engine.yaml")
    made = small("INDEX")
    parts = made.trees["stream-INDEX"]
    engine = assemble(config, "INDEX", parts, student=made.engine.student, router=made.engine.router)
    assert Verdict(int(engine.standing.transfer)) is Verdict.NOT_READY
    assert engine.meta.conservative
    content["streams"]["INDEX"]["evidence"]["verdict"] = "PERHAPS"
    with pytest.raises(ValueError, match=r"streams\.INDEX\.evidence\.verdict"):
        parse_config(EngineConfig, content, source="engine.yaml")
