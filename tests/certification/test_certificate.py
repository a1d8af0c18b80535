import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.certification import (
    AdaptiveConformal,
    KappaParts,
    Standing,
    Verdict,
    certificate_from_record,
    certificate_record,
    certify,
)
from aurora_jax.core import Outcome

PARTS = KappaParts(0.1, 0.2, 0.3)
READY = Standing(jnp.asarray(int(Verdict.READY)), jnp.asarray(True), jnp.asarray(False))


@pytest.fixture(scope="module")
def controller():
    return AdaptiveConformal(window_bars=10, cold_start_scores=3, coverage_ema_bars=2, miscoverage_min=0.1)


def certificate(controller, state, standing=READY):
    emission = controller.emission(state)
    interval = controller.interval(state, 5.0, 2.0)
    return certify(state, emission, interval, bcc=jnp.asarray(0.7), kappa_parts=PARTS, standing=standing)


def warm_state(controller):
    state = controller.init()
    for score in (0.5, 1.5, 1.0, 3.0, 0.7, 0.2, 1.1, 0.9, 2.0, 1.7):
        state, _ = controller.step(state, score)
    return state


def test_every_field_means_what_it_says(controller):
    state = warm_state(controller)._replace(miscoverage=jnp.asarray(0.15), coverage_ema=jnp.asarray(0.8))
    record = certificate(controller, state)
    assert int(record.outcome) == Outcome.OK
    assert float(record.quantile) == 3.0  # rank ceil(11 * .85) = 10 of 10
    assert (float(record.interval.lower), float(record.interval.upper)) == (-1.0, 11.0)
    assert float(record.interval.miscoverage) == float(record.state_miscoverage) == 0.15
    assert float(record.coverage_ema) == 0.8
    assert float(record.bcc) == 0.7
    assert record.kappa_parts == PARTS
    assert Verdict(int(record.standing.transfer)) is Verdict.READY
    assert bool(record.standing.causal_coverage)


def test_outcomes_in_order_of_gravity(controller):
    cold = controller.init()
    assert int(certificate(controller, cold).outcome) == Outcome.WARMING_UP
    abstaining = cold._replace(miscoverage=jnp.asarray(-0.01))
    assert int(certificate(controller, abstaining).outcome) == Outcome.REFUSED
    # a state of .05 asks for rank ceil(11 * .95) = 11 of 10: infinite as well
    assert int(certificate(controller, warm_state(controller)._replace(miscoverage=jnp.asarray(0.05))).outcome) == (
        Outcome.REFUSED
    )


def test_a_stream_that_no_gate_has_seen():
    assert Verdict(int(Standing.unjudged().transfer)) is Verdict.UNDECIDED
    assert not bool(Standing.unjudged().causal_coverage)


def test_a_record_says_it_in_words(controller):
    state = warm_state(controller)._replace(miscoverage=jnp.asarray(0.15), coverage_ema=jnp.asarray(0.8))
    told = certificate_record(certificate(controller, state), model_digest="m1", config_digest="c1")
    assert told == {
        "lower": -1.0,
        "upper": 11.0,
        "miscoverage": 0.15,
        "saturated": False,
        "state_miscoverage": 0.15,
        "quantile": 3.0,
        "coverage_ema": 0.8,
        "bcc": 0.7,
        "kappa_parts": {"state": 0.1, "model": 0.2, "forecast": 0.3},
        "transfer": "READY",
        "causal_coverage": True,
        "conservative": False,
        "outcome": "OK",
        "model_digest": "m1",
        "config_digest": "c1",
    }


@pytest.mark.parametrize("asked", [0.15, 1.0 / 7.0, -0.01])
def test_a_record_read_back_is_the_certificate_to_the_bit(controller, asked):
    """Also through JSON, and where the interval is infinite."""
    standing = Standing(jnp.asarray(int(Verdict.NOT_READY)), jnp.asarray(False), jnp.asarray(True))
    state = warm_state(controller)._replace(miscoverage=jnp.asarray(asked))
    sent = certificate(controller, state, standing)
    if asked < 0:
        infinite = jnp.asarray(jnp.inf)
        sent = sent._replace(interval=sent.interval._replace(lower=-infinite, upper=infinite), quantile=infinite)
    text = json.dumps(certificate_record(sent, model_digest="m1", config_digest="c1"), allow_nan=False)
    back = certificate_from_record(json.loads(text))
    assert jax.tree.structure(back) == jax.tree.structure(sent)
    for one, other in zip(jax.tree.leaves(back), jax.tree.leaves(sent), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_record_that_is_none_is_refused_by_name(controller):
    sent = certificate(controller, warm_state(controller))
    told = certificate_record(sent, model_digest="m1", config_digest="c1")
    with pytest.raises(ValueError, match="a certificate's record has no 'bcc'"):
        certificate_from_record({name: value for name, value in told.items() if name != "bcc"})
    with pytest.raises(ValueError, match="'PERHAPS', or does not know it"):
        certificate_from_record({**told, "transfer": "PERHAPS"})
    with pytest.raises(ValueError, match="has no 'forecast'"):
        certificate_from_record({**told, "kappa_parts": {"state": 0.1, "model": 0.2}})
    for broken in ("wide", None):
        with pytest.raises(ValueError, match=r"holds something that is no number: .*(wide|NoneType)"):
            certificate_from_record({**told, "lower": broken})
    with pytest.raises(ValueError, match=r"a certificate holds no NaN"):
        certificate_record(sent._replace(bcc=jnp.asarray(jnp.nan)), model_digest="m1", config_digest="c1")
    several = jax.tree.map(lambda leaf: jnp.stack([jnp.asarray(leaf)] * 2), sent)
    with pytest.raises(ValueError, match=r"a record is of one asset, the certificate is of \(2,\)"):
        certificate_record(several, model_digest="m1", config_digest="c1")
