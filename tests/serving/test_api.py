"""The HTTP interface on a real application, in process."""

import json
import time

import pytest
from fastapi.testclient import TestClient

from aurora_jax.serving import Application, Location, PredictResponse, certificate_digest, make_api
from tests.serving.conversation import now, payload


@pytest.fixture(scope="module")
def clock():
    """Return a clock that tests may set: a list of one time."""
    return [now(0)]


@pytest.fixture(scope="module")
def client(released, clock, tmp_path_factory):
    state = tmp_path_factory.mktemp("state")
    location = Location(released / "artifact", released / "keys" / "trusted_key.pem", state)
    with TestClient(make_api(Application(location, clock=lambda: clock[0]))) as client:
        deadline = time.monotonic() + 300
        while client.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline, client.get("/readyz").text
            time.sleep(0.05)
        yield client


@pytest.fixture
def ask(client, clock):
    """Return a function that sends the bar which comes next, unless told another."""

    def ask(path="/predict", seq=None, **changes):
        seq = client.get("/state").json()["streams"]["INDEX"]["next_seq"] if seq is None else seq
        clock[0] = max(clock[0], now(seq))
        return client.post(path, json=payload(seq, **changes))

    return ask


def problem(response, status) -> str:
    """Return the sentence of a refusal, which must be a well-formed problem."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["title"]
    return body["detail"]


@pytest.mark.slow
def test_a_prediction_is_served_and_can_be_checked(ask):
    response = ask()
    assert response.status_code == 200, response.text
    answer = PredictResponse.model_validate_json(response.content).model_dump()
    assert answer["certificate"] == certificate_digest(response.json())
    assert answer["latency_ms"] > 0.0


@pytest.mark.slow
def test_the_alias_serves_the_same_stream(ask, client):
    before = client.get("/state").json()["streams"]["INDEX"]["next_seq"]
    assert ask("/inference").json()["seq"] == before
    assert client.get("/state").json()["streams"]["INDEX"]["next_seq"] == before + 1


@pytest.mark.slow
def test_a_repeat_is_byte_for_byte_the_same(ask, client):
    first = ask()
    assert ask(seq=first.json()["seq"]).content == first.content


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "status", "detail"),
    [
        ({"bar": {"volume": -1.0}}, 422, "bar.volume must be a non-negative, finite number of at most 1e+12, was -1.0"),
        ({"bar": {"close": {"NDX": 1.0}}}, 422, "bar.close lacks asset 'sp500'"),
        ({"symbol": "NONE"}, 404, "no stream 'NONE'; there are: INDEX."),
        ({"timeframe": "5m"}, 422, "timeframe must be 1d"),
    ],
)
def test_what_cannot_be_used_is_told(ask, client, changes, status, detail):
    before = client.get("/state").json()["streams"]
    assert detail in problem(ask(**changes), status)
    assert client.get("/state").json()["streams"] == before


@pytest.mark.slow
def test_out_of_order_is_a_conflict_that_tells_what_comes_next(ask, client):
    ask()
    expected = client.get("/state").json()["streams"]["INDEX"]["next_seq"]
    for seq in (expected + 1, expected + 7, 0):
        response = ask(seq=seq)
        assert f"{expected} comes next" in problem(response, 409)
        assert response.json()["expected_seq"] == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "statuses", "detail"),
    [
        (b'{"symbol": "INDEX"', {422}, "not valid JSON"),
        (b"", {422}, "the body is missing"),
        (b"[]", {422}, "the body"),
        (b"\xff\xfe", {400, 422}, ""),
        (b"[" * 100_000, {400, 422}, ""),
        (b'{"seq": ' + b"9" * 5000 + b"}", {400, 422}, ""),
        (json.dumps({**payload(0), "bar": {"close": float("nan")}}).encode(), {422}, "bar.close must be a positive"),
        (json.dumps({**payload(0), "\ud800": 1}).encode(), {422}, "unable to parse"),
        (json.dumps({**payload(0), "symbol": "\ud800"}).encode(), {422}, "symbol"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused(client, body, statuses, detail):
    response = client.post("/predict", content=body, headers={"content-type": "application/json"})
    assert response.status_code in statuses, response.text
    assert detail in problem(response, response.status_code)


@pytest.mark.slow
def test_paths_and_methods_that_are_not_served_are_problems_too(client):
    assert problem(client.get("/nowhere"), 404) == "GET /nowhere: Not Found."
    assert problem(client.get("/predict"), 405) == "GET /predict: Method Not Allowed."


@pytest.mark.slow
def test_reports(client):
    assert client.get("/healthz").json() == client.get("/health").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}
    assert set(client.get("/regime/current").json()["INDEX"]) == {"ts", "regime", "probabilities", "crossbar"}
    assert client.get("/model/info").json()["profile"] == "test"
    metrics = client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "aurora_acceptance_decision_total" in metrics.text


@pytest.mark.slow
def test_the_interface_documents_itself(client):
    described = client.get("/openapi.json").json()
    predict = described["paths"]["/predict"]["post"]
    assert {"200", "400", "404", "409", "422", "503"} <= set(predict["responses"])
    examples = described["components"]["schemas"]["PredictRequest"]["examples"]
    assert examples[0]["symbol"] == "SPX"


@pytest.fixture
def without_artifact(tmp_path):
    location = Location(tmp_path / "none", tmp_path / "key.pem", tmp_path / "state")
    with TestClient(make_api(Application(location))) as client:
        deadline = time.monotonic() + 30
        while "failed" not in client.get("/readyz").text:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield client


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/readyz", "/state", "/metrics", "/model/info", "/regime/current"])
def test_a_service_that_is_not_ready_says_why(without_artifact, path):
    response = without_artifact.get(path)
    assert "make one with `python scripts/quickstart.py`" in problem(response, 503)
    assert response.headers["retry-after"] == "1"


@pytest.mark.slow
def test_a_service_that_is_not_ready_is_alive_and_decides_nothing(without_artifact):
    assert without_artifact.get("/healthz").status_code == 200
    assert "not ready: failed" in problem(without_artifact.post("/predict", json=payload(0)), 503)
