import io
import json
import threading

import pytest
import structlog

from aurora_jax.observability import correlation, make_logger


@pytest.fixture
def log():
    stream = io.StringIO()
    logger = make_logger("engine", stream=stream, digest="abc")
    return logger, lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_what_a_reader_needs(log):
    logger, lines = log
    logger.info("decided", decision="PASS", score=0.81, width=float("inf"))
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "decided",
        "level": "info",
        "logger": "engine",
        "digest": "abc",
        "decision": "PASS",
        "score": 0.81,
        "width": "inf",
    }


def test_the_correlation_id_marks_every_line_inside_and_none_outside(log):
    logger, lines = log
    with correlation("request-1", symbol="BTC") as outer:
        logger.info("a")
        with correlation() as inner:
            logger.info("b")
        logger.info("c")
        thread = threading.Thread(target=logger.info, args=("d",))
        thread.start()
        thread.join()
    logger.info("e")
    assert outer == "request-1"
    assert inner != outer
    assert [line.get("correlation_id") for line in lines()] == [outer, inner, outer, None, None]
    assert [line.get("symbol") for line in lines()] == ["BTC", "BTC", "BTC", None, None]


def test_secrets_do_not_reach_the_log(log):
    logger, lines = log
    logger.info(
        "called with Authorization: Bearer abc.DEF-123",
        API_key="s3cret",
        headers={"Authorization": "Bearer s3cret", "accept": "json", "nested": [{"session-token": "s3cret"}]},
        url="http://host/?token=s3cret&x=1",
        password="s3cret",
    )
    (line,) = lines()
    text = json.dumps(line)
    assert "s3cret" not in text
    assert "DEF" not in text
    assert line["headers"]["accept"] == "json"
    assert line["url"] == "http://host/?token=[redacted]&x=1"


def test_an_exception_is_logged_without_the_locals_of_its_frames(log):
    logger, lines = log
    try:
        hidden = "s3cret"
        raise KeyError(len(hidden))
    except KeyError:
        logger.exception("failed")
    (line,) = lines()
    assert "KeyError" in json.dumps(line["exception"])
    assert "s3cret" not in json.dumps(line)


def test_levels_filter_and_are_checked(log):
    stream = io.StringIO()
    logger = make_logger("x", stream=stream, level="WARNING")
    logger.info("quiet")
    logger.warning("loud")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]
    with pytest.raises(ValueError, match="was 'LOUD'"):
        make_logger("x", level="LOUD")


def test_no_global_setting_is_touched(log):
    before = structlog.get_config()
    make_logger("x", stream=io.StringIO()).info("y")
    assert structlog.get_config() == before
