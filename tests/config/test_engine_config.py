import pytest

from aurora_jax.config import ConfigError, EngineConfig, parse_config


def parsed(**changes):
    content = {
        "features": ["return_1"],
        "conformal": {"miscoverage": 0.1},
        "allocation": {"tail_probability": 0.05},
        **changes,
    }
    return parse_config(EngineConfig, content, source="engine.yaml")


def stream(count, **changes):
    return {"S": {"assets": [f"A{i}" for i in range(count)], "ohlc": False, "volume": False, **changes}}


def test_the_decisions_have_no_default():
    for decision, field in (("conformal", "miscoverage"), ("allocation", "tail_probability")):
        with pytest.raises(ConfigError, match=rf"engine.yaml: {decision}.{field}: Field required"):
            parsed(**{decision: {}})


def test_the_engine_is_named_by_its_digest():
    same, other = parsed(), parsed(conformal={"miscoverage": 0.11})
    assert same.digest() == parsed().digest() != other.digest()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"conformal": {"miscoverage": 0.1, "window_bar": 9}}, "conformal.window_bar: .*did you mean 'window_bars'"),
        ({"alocation": {}}, "alocation: unknown key; did you mean 'allocation'"),
        ({"meta": {"warmup_bars": 9}}, "meta.warmup_bars: unknown key; did you mean 'warm_up_bars'"),
        ({"streams": stream(3, weight_maximum=1)}, "streams.S.weight_maximum: .*did you mean 'weight_max'"),
    ],
)
def test_an_unknown_key_suggests_the_nearest(changes, message):
    with pytest.raises(ConfigError, match=message):
        parsed(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crossbar": {"index_on": 1.0}}, "index_off must not exceed index_on, were 1.4 and 1"),
        ({"crossbar": {"momentum_off": 0.6}}, "momentum_off must not exceed momentum_on, were 0.6 and 0.5"),
        ({"crossbar": {"recent_bars": 256}}, "recent_bars must be below long_bars, were 256 and 256"),
        ({"crossbar": {"window_bars": 257}}, "window_bars must not exceed long_bars, were 257 and 256"),
        ({"crossbar": {"recent_bars": 31}}, "crossbar.recent_bars: .*was 31"),
        ({"conformal": {"miscoverage": 1.0}}, "conformal.miscoverage: .*was 1.0"),
        ({"conformal": {"miscoverage": 0.1, "inflation_max": 1.3}}, "conformal.inflation_max: .*was 1.3"),
        ({"allocation": {"tail_probability": 0.05, "simulated_share": 1.0}}, "allocation.simulated_share: .*was 1.0"),
        ({"meta": {"gamma": float("nan")}}, "meta.gamma"),
        ({"features": []}, "features: "),
        ({"streams": stream(0)}, "streams.S.assets"),
    ],
)
def test_contradictions_and_values_out_of_range_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        parsed(**changes)


@pytest.mark.parametrize(
    ("count", "low", "high", "possible"),
    [(3, 0.0, 0.3, False), (4, 0.0, 0.25, True), (3, 0.4, 0.5, False), (2, 0.5, 0.5, True), (1, -0.2, 0.5, False)],
)
def test_weights_must_be_able_to_sum_to_one(count, low, high, possible):
    streams = stream(count, weight_min=low, weight_max=high)
    if possible:
        assert parsed(streams=streams).streams["S"].weight_max == high
    else:
        with pytest.raises(ConfigError, match=rf"weights of {count} assets in .* cannot sum to 1"):
            parsed(streams=streams)
