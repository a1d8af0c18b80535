import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import Columns
from aurora_jax.data import FeaturePipeline, batch_features, feature_by_name, feature_names
from tests.compiler import as_for_users
from tests.data.bars import market
from tests.data.features.batch import ALL, BARS


def test_names_follow_the_columns():
    everything = feature_names(Columns(ohlc=True, volume=True))
    close_only = feature_names(Columns(ohlc=False, volume=False))
    assert (len(everything), len(set(everything)), len(close_only)) == (21, 21, 15)
    assert {"average_true_range", "range"} <= set(feature_names(Columns(ohlc=True, volume=False)))
    assert "vwap_distance" not in feature_names(Columns(ohlc=True, volume=False))
    with_volume = feature_names(Columns(ohlc=False, volume=True))
    assert set(with_volume) - set(close_only) == {"volume_z_score", "illiquidity"}
    for name in everything:
        assert feature_by_name(name).name == name


@as_for_users
@pytest.mark.bits
def test_a_batch_is_the_step_bit_for_bit(history, real):
    state, step = ALL.init(4), jax.jit(ALL.step)
    for bar in range(BARS):
        state, values = step(state, history.bar(bar))
        np.testing.assert_array_equal(np.asarray(values).T, [real[name][bar] for name in ALL.names])
    assert int(state.bars_seen) == BARS


def test_a_feature_alone_gives_what_it_gives_in_the_pipeline(history, real):
    bar_of_asset = history.bars()._replace(
        **{name: jnp.asarray(getattr(history, name)[:, 1]) for name in ("open", "high", "low", "close", "volume")},
        imputed=jnp.zeros(BARS, bool),
    )

    @jax.jit
    def alone(bars):
        return {feature.name: jax.lax.scan(feature.step, feature.init(), bars)[1] for feature in ALL.features}

    for name, values in alone(bar_of_asset).items():
        np.testing.assert_allclose(values, real[name][:, 1], rtol=0, atol=1e-11, err_msg=name)


def test_each_warm_up_is_as_short_as_it_is_said(real):
    for feature in ALL.features:
        values = real[feature.name][:, 0]
        assert not values[: feature.warm_up_bars].any()
        assert values[feature.warm_up_bars] != 0.0, feature.name
    assert ALL.warm_up_bars == 64


def test_a_close_only_stream_needs_no_other_column(history, real):
    names = feature_names(Columns(ohlc=False, volume=False))
    data = market(history.close[:, :1])
    pipeline = FeaturePipeline(names)
    values = batch_features(pipeline, data.bars())
    assert values.shape == (BARS, 1, 15)
    expected = np.stack([real[name][:, :1] for name in names], axis=-1)
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-11)


def test_mistakes_of_the_caller_are_named():
    with pytest.raises(ValueError, match="no feature 'skewnes'; did you mean 'skewness'"):
        FeaturePipeline(["return_1", "skewnes"])
    with pytest.raises(ValueError, match="distinct and at least one, were return_1, return_1"):
        FeaturePipeline(["return_1", "return_1"])
    with pytest.raises(ValueError, match="at least one, were none"):
        FeaturePipeline([])
    with pytest.raises(ValueError, match="assets must be at least 1, was 0"):
        ALL.init(0)
    closes = market([1.0, 2.0])
    for name, columns in (("range", "ohlc"), ("volume_z_score", "volume"), ("vwap_distance", "ohlc and volume")):
        pipeline = FeaturePipeline([name])
        with pytest.raises(ValueError, match=f"feature '{name}' needs {columns}, which the bar does not have"):
            pipeline.step(pipeline.init(1), closes.bar(0))
        feature = feature_by_name(name)
        with pytest.raises(ValueError, match=f"feature '{name}' needs {columns}"):
            feature.step(feature.init(), closes.bar(0))
