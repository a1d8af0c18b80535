import io
import json
import sqlite3
from http import HTTPStatus

import pytest

from aurora_jax.observability import make_logger
from aurora_jax.serving import Application, Arrival, Journal, Location, Refusal, certificate_digest, verify_journal
from aurora_jax.serving.transitions import compiled
from tests.serving.conversation import now, request


def ask(application, seq, **changes) -> dict:
    return json.loads(application.predict(request(seq, **changes), Arrival(now(seq), 0.0)))


def started(location, **options):
    """Return a loaded application whose latencies are all 0."""
    application = Application(location, timer=lambda: 0.0, logger=make_logger("test", stream=io.StringIO()), **options)
    application.load()
    assert application.readiness.ready, application.readiness.detail
    return application


@pytest.fixture
def application(location):
    application = started(location)
    yield application
    application.close()


def test_nothing_is_answered_before_it_is_ready(location):
    application = Application(location)
    assert application.readiness == (False, "not loaded yet")
    for asked in (application.state, application.model, application.regimes, application.metrics):
        with pytest.raises(Refusal, match="not ready: not loaded yet") as caught:
            asked()
        assert caught.value.status == HTTPStatus.SERVICE_UNAVAILABLE
    with pytest.raises(Refusal, match="not ready"):
        application.predict(request(0), Arrival(now(0), 0.0))


def test_everything_that_requests_need_is_compiled_before_it_is_ready(application):
    sizes = compiled()
    answers = [ask(application, seq) for seq in range(12)]
    assert sum(answer["allocation"] is not None for answer in answers) >= 2
    assert compiled() == sizes


def test_a_restarted_service_goes_on_where_it_stopped(location, application):
    """Against a service that was never stopped, on a journal of its own."""
    first = [ask(application, seq) for seq in range(4)]
    application.close()
    restarted = started(location)
    assert restarted.state()["journal"]["restored_bars"] == 4
    assert restarted.state()["journal"]["restored_differently"] == 0
    assert restarted.state()["streams"]["INDEX"]["next_seq"] == 4
    undisturbed = started(location._replace(state=location.state / "other"))
    assert [ask(undisturbed, seq) for seq in range(4)] == first
    assert ask(restarted, 4) == ask(undisturbed, 4)
    restarted.close()
    undisturbed.close()


def test_a_repeated_request_gets_the_same_bytes_even_after_a_restart(location, application):
    arrival = Arrival(now(0), 0.0)
    body = application.predict(request(0), arrival)
    assert application.predict(request(0), arrival) == body
    application.close()
    restarted = started(location)
    assert restarted.predict(request(0), arrival) == body
    restarted.close()


def test_a_tampered_journal_is_not_served(location, application):
    ask(application, 0)
    application.close()
    connection = sqlite3.connect(location.journal)
    connection.execute("UPDATE entry SET payload = replace(payload, 'PASS', 'BLOCK')")
    connection.execute("UPDATE entry SET payload = replace(payload, 'DERISK', 'PASS')")
    connection.commit()
    connection.close()
    refused = Application(location)
    refused.load()
    assert not refused.readiness.ready
    assert "entry 2 or one before it was altered or lost" in refused.readiness.detail
    with pytest.raises(Refusal, match=r"not ready: failed: .*entry 2"):
        refused.predict(request(1), Arrival(now(1), 0.0))


def test_a_tampered_artifact_is_not_served(copied):
    config = copied.artifact / "config.json"
    config.write_text(config.read_text().replace('"miscoverage": 0.1', '"miscoverage": 0.2'))
    refused = Application(copied)
    refused.load()
    assert "config.json: missing or altered" in refused.readiness.detail


def test_an_error_of_our_own_is_told_logged_and_not_swallowed(location):
    class Broken(Location):
        def load(self):
            raise KeyError("of our own making")

    refused = Application(Broken(*location))
    with pytest.raises(KeyError, match="of our own making"):
        refused.load()
    assert refused.readiness == (False, "failed: an internal error, told in the service's log")


def test_a_journal_of_another_artifact_is_not_mixed_up(location):
    journal = Journal(location.journal)
    journal.append({"kind": "open", "artifact": "0123456789abcdef"})
    journal.close()
    refused = Application(location)
    refused.load()
    assert "belongs to artifact 0123456789abcdef" in refused.readiness.detail
    assert "AURORA_STATE_DIR" in refused.readiness.detail


def test_a_service_that_was_replaced_stops_answering(location, application):
    ask(application, 0)
    successor = started(location)
    with pytest.raises(Refusal, match="could not be journalled, so none was taken"):
        ask(application, 1)
    assert not application.readiness.ready
    assert "another service (epoch 2) has taken over" in application.readiness.detail
    assert ask(successor, 1)["seq"] == 1
    successor.close()


def test_an_unknown_stream_is_told_which_there_are(application):
    with pytest.raises(Refusal, match="no stream 'INDX'; there are: INDEX") as caught:
        ask(application, 0, symbol="INDX")
    assert caught.value.status == HTTPStatus.NOT_FOUND


def test_a_failure_of_the_services_own_is_counted_into_the_next_bar(location, application, monkeypatch):
    def broken(*_arguments):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Journal, "_write_head", broken)
    with pytest.raises(Refusal, match="send the same seq again"):
        ask(application, 0)
    monkeypatch.undo()
    with pytest.raises(Refusal):
        ask(application, 7)  # the client's fault: not counted
    ask(application, 0)
    application.close()
    journal = Journal(location.journal)
    assert [entry["bar"]["error_rate"] for entry in journal.entries() if entry["kind"] == "bar"] == [0.01]
    journal.close()


def test_the_state_follows_the_answers(location, application):
    answer = ask(application, 0)
    with pytest.raises(Refusal):
        ask(application, 5)
    state = application.state()
    stream = state["streams"]["INDEX"]
    assert (stream["next_seq"], stream["last_ts"], stream["bars_seen"]) == (1, answer["ts"], 201)
    assert stream["last_close"] == {"sp500": request(0).bar.close}
    assert stream["certificate"] == answer["certificate"] == certificate_digest(answer)
    assert state["refused_requests"] == {"409": 1}
    assert state["journal"]["entries"] == 2
    assert state["journal"]["hash"] == verify_journal(location.journal).hash
    regime = application.regimes()["INDEX"]
    assert regime["probabilities"] == answer["regime_probabilities"]
    assert regime["regime"] == answer["regime"]


def test_the_model_is_described(application, artifact):
    model = application.model()
    assert model["artifact"] == artifact.digest
    assert model["streams"]["INDEX"] == {
        "assets": ["sp500"],
        "columns": ["open", "high", "low", "close", "volume"],
        "timeframe": "1d",
    }
    assert model["metrics"] == {"bars": 200}


def test_metrics_count_new_decisions_only(application):
    answers = [ask(application, seq) for seq in range(3)]
    ask(application, 2)
    body, content_type = application.metrics()
    assert content_type.startswith("text/plain")
    lines = dict(line.rsplit(" ", 1) for line in body.decode().splitlines() if not line.startswith("#"))
    total = sum(float(value) for name, value in lines.items() if name.startswith("aurora_acceptance_decision_total{"))
    assert total == 3.0
    assert float(lines['aurora_crossbar{symbol="INDEX"}']) == answers[-1]["crossbar"]
    assert float(lines['aurora_execution_risk_scale{symbol="INDEX"}']) == answers[-1]["risk_scale"]
    assert float(lines['aurora_icp_alpha{symbol="INDEX"}']) == answers[-1]["alpha"]
    assert float(lines["aurora_prediction_latency_ms_count"]) == 3.0


def test_every_decision_is_logged_with_its_hash(location):
    stream = io.StringIO()
    application = Application(location, timer=lambda: 0.0, logger=make_logger("test", stream=stream))
    application.load()
    answer = ask(application, 0)
    application.close()
    (line,) = [line for line in map(json.loads, stream.getvalue().splitlines()) if line["event"] == "decision"]
    assert line["certificate"] == answer["certificate"]
    assert line["journal_hash"] == verify_journal(location.journal).hash
