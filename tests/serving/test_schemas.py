import pytest
from pydantic import ValidationError

from aurora_jax.serving import PredictRequest
from aurora_jax.serving.sentence import sentences
from tests.serving.conversation import payload

NAN, INF = float("nan"), float("inf")


def told(content) -> str:
    """Return the sentence that a client reads about `content`."""
    with pytest.raises(ValidationError) as caught:
        PredictRequest.model_validate(content)
    return sentences(caught.value.errors())


def test_a_good_request_is_read_as_sent():
    request = PredictRequest.model_validate(payload(3, ts="2015-10-23T00:00:00Z"))
    assert (request.symbol, request.seq, request.ts, request.drawdown) == ("INDEX", 3, 1_445_558_400, 0.0)


@pytest.mark.parametrize("close", [1.5, [1.5, 2], {"AAPL": 1.5, "JPM": 2}])
def test_a_column_is_a_number_a_list_or_a_mapping(close):
    content = {"symbol": "S", "seq": 0, "ts": 0, "bar": {"close": close}}
    assert PredictRequest.model_validate(content).bar.close == close


@pytest.mark.parametrize(
    ("bar", "sentence"),
    [
        ({"close": NAN}, "bar.close must be a positive, finite number of at most 1e+12, was nan."),
        ({"high": INF}, "bar.high must be a positive, finite number of at most 1e+12, was inf."),
        ({"low": -1.0}, "bar.low must be a positive, finite number of at most 1e+12, was -1.0."),
        ({"open": 0}, "bar.open must be a positive, finite number of at most 1e+12, was 0."),
        ({"close": 1e300}, "bar.close must be a positive, finite number of at most 1e+12, was 1e+300."),
        ({"close": True}, "bar.close must be a positive, finite number of at most 1e+12, was True."),
        ({"close": "100"}, "bar.close must be a positive, finite number of at most 1e+12, was '100'."),
        ({"close": None}, "bar.close must be a positive, finite number of at most 1e+12, was None."),
        ({"volume": -5.0}, "bar.volume must be a non-negative, finite number of at most 1e+12, was -5.0."),
        ({"close": [1.0, NAN]}, "bar.close at place 1 must be a positive, finite number of at most 1e+12, was nan."),
        (
            {"close": {"AAPL": 1.0, "JPM": -2}},
            "bar.close of 'JPM' must be a positive, finite number of at most 1e+12, was -2.",
        ),
        ({"vwap": 1.0}, "bar.vwap is not a known field, was 1.0."),
    ],
)
def test_a_bad_bar_is_told_by_field_and_value(bar, sentence):
    assert told(payload(0, bar=bar)) == sentence


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seq": -1}, "seq must be a whole number >= 0, was -1."),
        ({"seq": 1.0}, "seq must be a whole number >= 0, was 1.0."),
        ({"seq": True}, "seq must be a whole number >= 0, was True."),
        ({"seq": 2**53}, "seq must be a whole number >= 0, was 9007199254740992."),
        ({"timeframe": "daily"}, "timeframe must be written as 30s, 15m, 4h, 1d or 1w, was 'daily'."),
        ({"timeframe": 1}, "timeframe must be text such as 1d, was 1."),
        ({"drawdown": 1.5}, "drawdown must be a number in [0, 1], was 1.5."),
        ({"drawdown": NAN}, "drawdown must be a number in [0, 1], was nan."),
        ({"symbol": 7}, "symbol: Input should be a valid string, was 7."),
        ({"sequence": 1}, "sequence is not a known field, was 1."),
    ],
)
def test_other_bad_fields_are_told_too(changes, sentence):
    assert told(payload(0, **changes)) == sentence


def test_missing_fields_are_told_and_many_are_counted():
    assert told({}) == "symbol is missing; seq is missing; ts is missing. (1 more)"


def test_the_documented_examples_are_valid():
    examples = PredictRequest.model_json_schema()["examples"]
    assert examples
    for example in examples:
        request = PredictRequest.model_validate(example)
        assert (request.symbol, request.seq) == (example["symbol"], example["seq"])
        assert request.bar.close == example["bar"]["close"]
