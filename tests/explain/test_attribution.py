"""Attribution of a student's forecast: it adds up, agrees with a slow twin, and is of the forecast that is served."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from matplotlib.figure import Figure

from aurora_jax.core import Outcome, strongly_typed
from aurora_jax.data import FeaturePipeline, Standardiser, batch_features
from aurora_jax.engine import TrainedStudent, save_student
from aurora_jax.explain import attribute
from aurora_jax.student import DSSM, QUANTILES, fit_trailing
from tests.data.bars import market
from tests.small_engine import some_law

NAMES = ("X", "Y", "Z")
FEATURES = ("return_1", "return_5", "volatility_10")
BARS = 80


def _random(seed):
    """A network whose every weight is random: nothing hides behind a small or zero starting value."""
    structure, weights = nnx.split(DSSM(len(FEATURES), hidden=6, latent=2, rngs=nnx.Rngs(seed)))
    leaves, tree = jax.tree.flatten(nnx.to_pure_dict(weights))
    rng = np.random.default_rng(seed)
    drawn = [jnp.asarray(rng.normal(0.0, 0.5, leaf.shape), leaf.dtype) for leaf in leaves]
    return structure, jax.tree.unflatten(tree, drawn)


def _history(assets=3):
    returns = 0.01 * np.random.default_rng(3).standard_t(4, (BARS, assets))
    return market(100.0 * np.exp(np.cumsum(returns, axis=0)), assets=NAMES[:assets])


@functools.cache
def _trained(seed=1, change=None):
    structure, weights = _random(seed)
    if change is not None:
        weights = change(weights)
    history = _history()
    trailing = eqx.tree_at(lambda tree: tree.law, fit_trailing(jnp.asarray(history.log_returns())), some_law())
    scales = Standardiser(jnp.asarray([1e-3, -2e-3, 0.012]), jnp.asarray([0.012, 0.03, 0.004]))
    return TrainedStudent(NAMES, FEATURES, nnx.merge(structure, weights), scales, strongly_typed(trailing))


@functools.cache
def _walked():
    """The served forecast of the last bar, and the states and features of all, by the student's own step."""
    trained, history = _trained(), _history()
    student = trained.bound()
    features = trained.standardiser.apply(batch_features(FeaturePipeline(FEATURES), history.bars()))
    states, info = [student.init()], None
    step = eqx.filter_jit(student.step)
    for bar in range(1, BARS):
        state, info = step(states[-1], features[bar], jnp.asarray(history.log_returns()[bar - 1]), jnp.ones(3, bool))
        states.append(state)
    return student, np.asarray(features), states, info


def _served(output, place):
    forecast = _walked()[3].forecast
    values = {"mean": forecast.mean, "scale": forecast.scale, "log_scale": jnp.log(forecast.scale)}
    values |= {f"quantile_{round(100 * q):02d}": forecast.quantiles[:, i] for i, q in enumerate(QUANTILES)}
    return float(values[output][place])


@pytest.mark.parametrize("output", ["mean", "scale", "log_scale", "quantile_05", "quantile_95"])
def test_the_parts_add_up_to_the_forecast_that_is_served(output):
    found = attribute(_trained(), _history(), asset="Y", output=output)
    assert found.outcome == Outcome.OK
    assert found.completeness_error < 1e-3
    assert found.forecast == pytest.approx(_served(output, 1), rel=1e-5)
    change = found.forecast - found.scale_law - found.network
    assert found.drivers["contribution"].sum() == pytest.approx(change, rel=1e-3)
    assert found.split.sum() == pytest.approx(found.forecast, rel=1e-3)
    assert abs(change) > 1e-4 * abs(found.forecast)


@pytest.mark.parametrize(("output", "bars"), [("quantile_05", 1), ("mean", 3)])
def test_a_slow_twin_agrees(output, bars):
    """Midpoint sums of central differences of `Student.step`, own and other assets' features, through the filter."""
    student, features, states, _ = _walked()
    before, last = states[BARS - 1 - bars], features[-bars:]
    returns = _history().log_returns()[-bars:]

    def forecast(values):
        bars_given = (values, jnp.asarray(returns), jnp.ones((bars, 3), bool))
        _, infos = jax.lax.scan(lambda state, bar: student.step(state, *bar), before, bars_given)
        return infos.forecast.mean[-1, 0] if output == "mean" else infos.forecast.quantiles[-1, 0, 0]

    size, width = 24, 2e-2
    middles = (np.arange(size) + 0.5) / size
    nudges = width * np.eye(last.size).reshape(last.size, *last.shape)
    points = middles[:, None, None, None, None, None] * last + np.stack([nudges, -nudges])[None]
    above, below = np.moveaxis(np.asarray(jax.jit(jnp.vectorize(forecast, signature="(b,a,f)->()"))(points)), 1, 0)
    expected = last * np.mean((above - below) / (2.0 * width), axis=0).reshape(last.shape)
    table = attribute(_trained(), _history(), asset="X", output=output, bars=bars).drivers
    found = np.zeros(last.shape)
    for row in table.itertuples():
        place = (bars - 1 - row.bars_ago, NAMES.index(row.asset), FEATURES.index(row.feature))
        found[place] = row.contribution
        assert row.value == pytest.approx(last[place])
    np.testing.assert_allclose(found, expected, atol=0.01 * np.abs(expected).max())
    assert np.abs(expected[:, 1:]).max() > 0.02 * np.abs(expected).max()  # others count


def test_the_law_stands_apart_exactly():
    """scale = law x exp(log scale of the network): the law's part is the same whatever the network says."""
    student, _, states, _ = _walked()
    law = float(student.trailing.scale(states[-1].trailing)[2])
    scale, logarithm, tail, mean = (
        attribute(_trained(), _history(), asset="Z", output=name)
        for name in ("scale", "log_scale", "quantile_05", "mean")
    )
    assert scale.scale_law == pytest.approx(law, rel=1e-12)
    assert logarithm.scale_law == pytest.approx(np.log(law), rel=1e-12)
    assert tail.scale_law == pytest.approx(law * float(student.standard_quantiles[0]), rel=1e-12)
    assert mean.scale_law == 0.0
    rest = logarithm.forecast - logarithm.scale_law
    assert scale.forecast == pytest.approx(law * np.exp(rest), rel=1e-6)
    assert attribute(_trained(2), _history(), asset="Z", output="log_scale").scale_law == logarithm.scale_law


def _blind_to_the_second(weights):
    """The encoder's inputs are own features, then their means: rows 1 and 4 are of the second feature."""
    return _edited(weights, lambda kernel: kernel.at[jnp.asarray([1, 4])].set(0.0))


def _alike(weights):
    return _edited(weights, lambda kernel: kernel.at[jnp.asarray([1, 4])].set(kernel[jnp.asarray([0, 3])]))


def _edited(weights, change):
    edited = jax.tree.map(lambda leaf: leaf, weights)
    layer = edited["encoder"]["dense_i"]
    layer["kernel"] = change(layer["kernel"])
    return edited


def test_a_feature_that_the_network_does_not_see_gets_nothing():
    table = attribute(_trained(1, _blind_to_the_second), _history(), asset="X").drivers
    unseen = table[table["feature"] == "return_5"]["contribution"]
    assert len(unseen) == 3
    assert (unseen == 0.0).all()
    assert (table[table["feature"] != "return_5"]["contribution"] != 0.0).all()


def test_features_that_the_network_sees_alike_get_parts_like_their_values():
    """Two features of equal weights: each gets its share of their sum."""
    table = attribute(_trained(1, _alike), _history(), asset="X").drivers.set_index(["feature", "asset"])
    for name in NAMES:
        one, other = table.loc[("return_1", name)], table.loc[("return_5", name)]
        assert one["contribution"] * other["value"] == pytest.approx(other["contribution"] * one["value"], rel=1e-4)


def test_an_asset_without_a_bar_explains_nothing():
    history = _history()
    gone = np.zeros((BARS, 3), bool)
    gone[-1, 1] = True
    table = attribute(_trained(), market(history.close, assets=NAMES, imputed=gone), asset="X").drivers
    assert (table[table["asset"] == "Y"]["contribution"] == 0.0).all()
    assert (table[table["asset"] != "Y"]["contribution"] != 0.0).all()


def test_the_table_is_tidy_and_can_be_drawn():
    found = attribute(_trained(), _history(), asset="X", bars=3)
    assert list(found.drivers.columns) == [
        "feature", "asset", "bars_ago", "value", "contribution", "share", "completeness_error",
    ]  # fmt: skip
    assert len(found.drivers) == 3 * 3 * 3
    assert found.drivers["share"].abs().sum() == pytest.approx(1.0)
    assert found.drivers["contribution"].abs().is_monotonic_decreasing
    summed = found.by_feature
    assert len(summed) == 9
    assert summed["contribution"].sum() == pytest.approx(found.drivers["contribution"].sum())
    one = found.drivers[(found.drivers["feature"] == "return_1") & (found.drivers["asset"] == "Z")]
    row = summed[(summed["feature"] == "return_1") & (summed["asset"] == "Z")].iloc[0]
    assert row["contribution"] == pytest.approx(one["contribution"].sum())
    figure = found.plot()
    assert isinstance(figure, Figure)
    bars = figure.axes[0].patches
    np.testing.assert_allclose([bar.get_width() for bar in bars], summed["contribution"])


def test_too_few_nodes_are_told():
    """A network of huge weights, a tolerance that rounding cannot meet: an outcome, and no silent table."""
    found = attribute(_trained(), _history(), asset="X", tolerance=1e-13, max_nodes=8)
    assert found.outcome == Outcome.NOT_CONVERGED
    assert found.completeness_error > 1e-13


def test_a_student_in_a_folder_and_an_artifact_are_found(tmp_path):
    (tmp_path / "student").mkdir()
    save_student(_trained(), tmp_path / "student")
    loaded, given = (
        attribute(source, _history(), asset="Y", output="mean") for source in (tmp_path / "student", _trained())
    )
    assert loaded.forecast == given.forecast
    assert loaded.drivers.equals(given.drivers)


def test_what_does_not_fit_is_refused():
    trained, history, short = _trained(), _history(), _history().rows(0, 15)
    prices = history.close.copy()
    prices[7, 1] = np.nan
    for message, changed in {
        "output must be one of mean, scale": {"output": "median"},
        "asset must be one of X, Y, Z, was None": {"asset": None},
        "asset must be one of X, Y, Z, was Q": {"asset": "Q"},
        "bars must be at least 1, was 0": {"bars": 0},
        "at least 73 bars, 9 to explain after the features. warm-up; held 15": {"history": short, "bars": 9},
        "the history is of X, Y; this student reads X, Y, Z": {"history": _history(2)},
        "the open of bar 7, asset 1, is nan": {"history": market(prices, assets=NAMES)},
        "must have 3 assets, those of the student, had 2": {"history": _history(2).bars()},
    }.items():  # fmt: skip
        arguments = {"history": history, "asset": "X", "output": "mean", "bars": 1} | changed
        with pytest.raises(ValueError, match=message):
            attribute(trained, arguments.pop("history"), **arguments)
