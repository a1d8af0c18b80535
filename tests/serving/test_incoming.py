import json
from http import HTTPStatus

import jax
import numpy as np
import pytest

from aurora_jax.config.engine import StreamConfig
from aurora_jax.serving import PredictRequest, Refusal
from aurora_jax.serving.incoming import Measured, from_record, to_bar, to_record

BASKET = StreamConfig(assets=("A", "B", "C"), ohlc=False, volume=False, weight_max=1.0)
SINGLE = StreamConfig(assets=("X",), ohlc=True, volume=True, weight_max=1.0)
MEASURED = Measured(now=1_000_060.5, latency_ms=12.5, error_rate=0.01)
WHOLE = {"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 0}


def taken(stream, bar, **changes):
    content = {"symbol": "S", "seq": 0, "ts": 1_000_000, "bar": bar, **changes}
    return to_bar(PredictRequest.model_validate(content), stream, MEASURED)


def refusal_of(stream, bar, **changes) -> str:
    with pytest.raises(Refusal) as caught:
        taken(stream, bar, **changes)
    assert caught.value.status == HTTPStatus.UNPROCESSABLE_ENTITY
    return caught.value.detail


def test_a_basket_by_name_comes_in_the_streams_order():
    bar = taken(BASKET, {"close": {"C": 3, "A": 1, "B": 2}})
    assert bar.close.tolist() == [1.0, 2.0, 3.0]
    assert bar.close.dtype == np.float64
    assert bar.open is bar.high is bar.low is bar.volume is None
    assert not bar.imputed.any()


def test_a_single_asset_may_be_a_number_and_measurements_enter_the_bar():
    bar = taken(SINGLE, WHOLE, drawdown=0.2)
    assert [getattr(bar, name).tolist() for name in WHOLE] == [[10.0], [12.0], [9.0], [11.0], [0.0]]
    assert (int(bar.time), bar.latency_ms, bar.data_age_s) == (1_000_000, 12.5, 60.5)
    assert (bar.error_rate, bar.drawdown) == (0.01, 0.2)


def test_a_bar_from_a_clock_slightly_ahead_has_age_zero():
    assert taken(SINGLE, WHOLE, ts=1_000_070).data_age_s == 0.0


@pytest.mark.parametrize(
    ("stream", "bar", "changes", "detail"),
    [
        (BASKET, {"close": {"A": 1, "B": 2}}, {}, "bar.close lacks asset 'C'; the stream's assets are A, B, C."),
        (
            BASKET,
            {"close": {"A": 1, "B": 2, "C": 3, "D": 4}},
            {},
            "bar.close has unknown asset 'D'; the stream's assets are A, B, C.",
        ),
        (BASKET, {"close": [1, 2]}, {}, "bar.close has 2 values for 3 assets (A, B, C)."),
        (BASKET, {"close": 1.0}, {}, "bar.close has 1 values for 3 assets (A, B, C)."),
        (
            BASKET,
            {"close": [1, 2, 3], "volume": [1, 2, 3]},
            {},
            "bar.volume is not wanted: stream S declares only close.",
        ),
        (
            SINGLE,
            {**WHOLE, "low": None},
            {},
            "bar.low is missing: stream S declares open, high, low, close, volume.",
        ),
        (SINGLE, {**WHOLE, "close": 12.5}, {}, "bar.close of X is 12.5, outside low 9 to high 12."),
        (SINGLE, {**WHOLE, "open": 8.5}, {}, "bar.open of X is 8.5, outside low 9 to high 12."),
        (SINGLE, WHOLE, {"timeframe": "1h"}, "timeframe must be 1d, that of stream S, was 1h."),
        (
            SINGLE,
            WHOLE,
            {"ts": 1_000_061 + 86_400},
            "ts lies in the future: 1970-01-13T13:47:41Z, the service's clock reads 1970-01-12T13:47:40Z.",
        ),
    ],
)
def test_a_bar_that_is_not_what_the_stream_declares_is_refused(stream, bar, changes, detail):
    bar = {name: value for name, value in bar.items() if value is not None}
    assert refusal_of(stream, bar, **changes) == detail


@pytest.mark.parametrize(("stream", "bar"), [(BASKET, {"close": [0.1, 1 / 3, 1e-9]}), (SINGLE, WHOLE)])
def test_a_journalled_bar_is_the_same_bar_to_the_bit(stream, bar):
    before = taken(stream, bar, drawdown=1 / 3)
    after = from_record(json.loads(json.dumps(to_record(before))))
    assert jax.tree.structure(before) == jax.tree.structure(after)
    for one, other in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True):
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
