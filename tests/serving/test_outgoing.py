import json

import jax
import numpy as np
import pytest

from aurora_jax.certification import Standing, Verdict
from aurora_jax.core import Outcome, pack
from aurora_jax.governance import BlockReason, Decision, Guard
from aurora_jax.serving import PredictResponse, certificate_digest
from aurora_jax.serving.outgoing import Decided, describe, reasons, shares
from aurora_jax.serving.report import still_bar
from aurora_jax.serving.transitions import take_in


@pytest.fixture(scope="module")
def info(artifact, parts):
    """Return a real report of a single asset."""
    engine, state = parts
    return take_in(pack(engine), pack(state), still_bar(artifact.config.streams["INDEX"], state)).info


def doubled(info):
    """Return the report as if of two assets, the second's numbers all larger by one."""

    def both(leaf):
        return np.concatenate([leaf, leaf + 1]) if leaf.dtype == float else np.concatenate([leaf, leaf])

    law = info.forecast
    forecast = law._replace(mean=both(law.mean), scale=both(law.scale), quantiles=both(law.quantiles))
    return info._replace(
        forecast=forecast,
        certificate=jax.tree.map(both, info.certificate),
        settlement=jax.tree.map(both, info.settlement),
    )


def answer_of(info, *, assets=("A",), weights=(1.0,)):
    return describe(Decided("S", 3, 86_400, assets, info, np.asarray(weights), None), artifact="a" * 16)


def test_each_asset_has_its_own_numbers_and_the_stream_their_mean_by_size(info):
    answer = answer_of(doubled(info), assets=("A", "B"), weights=(0.75, -0.25))
    for part, names in (("forecast", ("mean", "scale")), ("interval", ("lower", "upper", "alpha", "coverage_ema"))):
        for name in names:
            assert answer[part]["B"][name] == pytest.approx(answer[part]["A"][name] + 1.0)
    assert answer["alpha"] == pytest.approx(answer["interval"]["A"]["alpha"] + 0.25)
    assert answer["weights"] == {"A": 0.75, "B": -0.25}


def test_the_streams_standing_is_told_of_each_asset(info):
    assert (
        answer_of(info)["interval"]["A"].items()
        >= {"transfer": "UNDECIDED", "causal_coverage": False, "conservative": False}.items()
    )
    bad = Standing(np.array([int(Verdict.NOT_READY)]), np.array([True]), np.array([True]))
    answer = answer_of(info._replace(certificate=info.certificate._replace(standing=bad)))
    told = PredictResponse.model_validate(answer).interval["A"]
    assert (told.transfer, told.causal_coverage, told.conservative) == ("NOT_READY", True, True)


def test_shares_by_hand():
    assert shares(np.array([0.5, -0.25, 0.25])).tolist() == [0.5, 0.25, 0.25]
    assert shares(np.zeros(4)).tolist() == [0.25] * 4


def test_an_unbounded_interval_is_null_with_a_flag(info):
    interval = info.certificate.interval
    unbounded = interval._replace(lower=np.array([-np.inf]), upper=np.array([np.inf]))
    certificate = info.certificate._replace(interval=unbounded, outcome=np.array([int(Outcome.REFUSED)]))
    answer = answer_of(info._replace(certificate=certificate))
    found = answer["interval"]["A"]
    assert (found["lower"], found["upper"], found["infinite"], found["outcome"]) == (None, None, True, "REFUSED")
    assert answer_of(info)["interval"]["A"]["infinite"] is False
    json.dumps(PredictResponse.model_validate(answer).model_dump(), allow_nan=False)


def test_the_digest_pins_everything_but_the_latency(info):
    answer = answer_of(info)
    assert certificate_digest({**answer, "latency_ms": 9.0}) == answer["certificate"]
    for name, value in answer.items():
        if name not in ("certificate", "latency_ms"):
            assert certificate_digest({**answer, name: [value]}) != answer["certificate"], name


def test_the_digest_survives_the_journey_to_a_client(info):
    answer = answer_of(info)
    text = PredictResponse.model_validate(answer).model_dump_json()
    assert certificate_digest(json.loads(text)) == answer["certificate"]


def test_reasons_by_hand(info):
    off = np.zeros(len(Guard), bool)
    calm = info._replace(
        soft=off,
        hard=off,
        killed=np.array(False),
        outcome=np.array(int(Outcome.OK)),
        decision=np.array(int(Decision.PASS)),
        block_reason=np.array(int(BlockReason.NONE)),
        fallbacks=jax.tree.map(np.zeros_like, info.fallbacks),
    )
    assert reasons(calm) == []
    assert reasons(calm._replace(outcome=np.array(int(Outcome.WARMING_UP)))) == ["warming_up"]
    soft, hard = off.copy(), off.copy()
    soft[[Guard.COVERAGE, Guard.DRAWDOWN]] = True
    hard[Guard.COVERAGE] = True
    assert reasons(calm._replace(soft=soft, hard=hard)) == ["guard_coverage_hard", "guard_drawdown_soft"]
    assert reasons(calm._replace(decision=np.array(int(Decision.DERISK)))) == ["derisked"]
    blocked = calm._replace(
        decision=np.array(int(Decision.BLOCK)), block_reason=np.array(int(BlockReason.DECISION)), killed=np.array(True)
    )
    assert reasons(blocked) == ["kill_switch", "blocked"]
    widened = calm.fallbacks._replace(widen_intervals=np.array(True))
    assert reasons(calm._replace(fallbacks=widened)) == ["fallback_widen_intervals"]
