"""The studied forecasts are those that are served."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy import stats

from aurora_jax.data import FeaturePipeline, batch_features, fit_standardiser, load_packaged
from aurora_jax.engine import TrainedStudent, load_student, save_student
from aurora_jax.engine.artifact_error import ArtifactError
from aurora_jax.student import DSSM, QUANTILES, ScaleLaw, fit_trailing, trailing_law
from aurora_jax.study import scale_law_forecast, student_forecast
from tests.small_engine import assert_bitwise, small, some_law
from tests.speaking_network import speaking

FEATURES = ("return_1", "volatility_10", "bollinger_width")


@pytest.fixture(scope="module")
def market():
    return load_packaged("us20").select(("AAPL", "JPM")).between("2015-01-01", None).rows(0, 90)


@pytest.fixture(scope="module")
def student(market):
    pipeline = FeaturePipeline(FEATURES)
    standardiser = fit_standardiser(np.asarray(batch_features(pipeline, market.bars()))[20:])
    trailing = eqx.tree_at(lambda tree: tree.law, fit_trailing(jnp.asarray(market.log_returns())), some_law())
    network = speaking(DSSM(3, hidden=4, latent=2, degrees_of_freedom=5.0, rngs=nnx.Rngs(1)))
    return TrainedStudent(market.assets, FEATURES, network, standardiser, trailing)


def test_it_forecasts_what_the_engine_forecasts():
    """Bar by bar through the whole engine, against the study's scan, on the same student and stream."""
    trio = small("TRIO")
    engine = trio.engine
    network = nnx.merge(engine.student.structure, engine.student.weights)
    student = TrainedStudent(
        trio.data.assets, engine.features.names, network, engine.standardiser, engine.student.trailing
    )
    market = trio.data.rows(0, 12)
    law = student_forecast(student, market, first=4)
    state, step = engine.init(), eqx.filter_jit(engine.step)
    served = []
    for place in range(11):
        state, info = step(state, market.bar(place))
        served.append(info.forecast)
    # The forecast made at bar 4 is of the return that ends at bar 5, which is row 4 of the returns.
    np.testing.assert_allclose(law.mean, [one.mean for one in served[4:]], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(law.scale, [one.scale for one in served[4:]], rtol=1e-6)
    assert law.degrees_of_freedom[0, 0] == pytest.approx(float(served[0].degrees_of_freedom), rel=1e-6)


def test_the_law_alone_is_what_a_new_network_forecasts(student, market):
    new = student._replace(network=DSSM(3, hidden=4, latent=2, degrees_of_freedom=5.0, rngs=nnx.Rngs(2)))
    served = student_forecast(new, market, first=10)
    law = scale_law_forecast(student, market, first=10, degrees_of_freedom=5.0)
    np.testing.assert_allclose(law.scale, served.scale, rtol=1e-12)  # two compilations
    np.testing.assert_array_equal(law.mean, served.mean)
    np.testing.assert_allclose(law.degrees_of_freedom, served.degrees_of_freedom, rtol=1e-6)
    assert not np.allclose(student_forecast(student, market, first=10).scale, law.scale, rtol=1e-3)
    with pytest.raises(ValueError, match="the market holds JPM, AAPL"):
        scale_law_forecast(student, market.select(("JPM", "AAPL")), first=10, degrees_of_freedom=5.0)


def test_later_bars_change_no_earlier_forecast(student, market):
    law = student_forecast(student, market, first=10)
    close = market.close.copy()
    close[60:] *= 1.5
    other = student_forecast(student, dataclasses.replace(market, close=close), first=10)
    assert law.mean.shape == (79, 2)
    np.testing.assert_allclose(other.scale[:49], law.scale[:49], rtol=1e-7)


@pytest.mark.slow  # as compiled for users: a network in single precision is 2e-6 off at the fast tests' level
def test_a_mixture_is_scored_and_served_by_the_same_quantiles(student, market, tmp_path):
    """And comes back from its file as a mixture."""
    network = speaking(DSSM(3, hidden=4, latent=2, mixture_components=3, rngs=nnx.Rngs(1)))
    save_student(student._replace(network=network), tmp_path)
    mixed = load_student(tmp_path)
    law, bound = student_forecast(mixed, market, first=10), mixed.bound()
    features = mixed.standardiser.apply(batch_features(mixed.pipeline, market.bars()))
    returns = np.concatenate([np.zeros((1, 2)), market.log_returns()])
    state, step, served = bound.init(), eqx.filter_jit(bound.step), []
    for place in range(len(returns) - 1):
        after, info = step(state, features[place], jnp.asarray(returns[place]))
        state = after if place else state  # as in the engine: the first bar has no return to learn from
        served.append(info.forecast.quantiles)
    served = np.asarray(served)[10:]
    for place, level in enumerate(QUANTILES):
        np.testing.assert_allclose(law.quantile(level), served[..., place], rtol=1e-6, atol=1e-9)
    # Who goes by scale and degrees of freedom meets the same quartiles and nearly the same tail.
    state = bound.init()
    _, info = bound.step(state, jnp.zeros((2, 3), jnp.float32), jnp.zeros(2))
    like = stats.t(float(info.forecast.degrees_of_freedom), scale=np.asarray(info.forecast.scale)[0])
    quantiles = np.asarray(info.forecast.quantiles[0] - info.forecast.mean[0])
    np.testing.assert_allclose(like.ppf([0.25, 0.75]), quantiles[[1, 3]], rtol=1e-6)
    np.testing.assert_allclose(like.ppf(0.95), quantiles[4], rtol=0.1)
    assert not np.allclose(bound.standard_quantiles, student.bound().standard_quantiles, rtol=1e-2)


def test_other_assets_are_refused(student, market):
    with pytest.raises(ValueError, match="the student is of AAPL, JPM; the market holds JPM, AAPL"):
        student_forecast(student, market.select(("JPM", "AAPL")), first=10)


def test_a_student_comes_back_to_the_bit(student, market, tmp_path):
    path = save_student(student, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["student.safetensors"]
    for place in (tmp_path, path):
        found = load_student(place)
        assert (found.assets, found.features) == (student.assets, student.features)
        assert_bitwise(nnx.to_pure_dict(nnx.split(found.network)[1]), nnx.to_pure_dict(nnx.split(student.network)[1]))
        assert_bitwise((found.standardiser, found.trailing), (student.standardiser, student.trailing))
    np.testing.assert_array_equal(
        student_forecast(found, market, first=50).scale, student_forecast(student, market, first=50).scale
    )


def test_a_file_that_is_none_is_refused(student, tmp_path):
    with pytest.raises(ArtifactError, match="no such file"):
        load_student(tmp_path)
    path = save_student(student, tmp_path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ArtifactError, match="damaged"):
        load_student(path)


def test_a_file_of_other_half_lives_is_refused(student, tmp_path):
    """The arrays would fit, and forecast by another law."""
    slower = dataclasses.replace(student.trailing, volatility_half_life_bars=20.0)
    save_student(student._replace(trailing=slower), tmp_path)
    with pytest.raises(ArtifactError, match="half-lives are those of another version"):
        load_student(tmp_path)


def test_the_law_is_part_of_the_student(student, market):
    """Another law, another scale: what is stored beside the network matters."""
    plain = eqx.tree_at(lambda tree: tree.law, student.trailing, trailing_law())
    assert isinstance(plain.law, ScaleLaw)
    one = student_forecast(student, market, first=50)
    other = student_forecast(student._replace(trailing=plain), market, first=50)
    assert np.all(np.abs(one.scale / other.scale - 1.0) > 1e-3)
