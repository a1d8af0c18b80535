"""From a configuration to a student's training: what it may see, and that it goes on to the bit."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from aurora_jax.config import ConfigError, StudentConfig, load_config, parse_config
from aurora_jax.data import DataError, load_packaged
from aurora_jax.engine import Units, load_student, save_student
from aurora_jax.student import NO_REGIME, ParallelEncoder
from aurora_jax.teacher import initial_embedder, reference_teacher, teacher_embed
from aurora_jax.training import TaughtBy, run_training, student_digest, student_set, student_trainer, trained_student
from aurora_jax.training.run import bits
from tests.training.walk import Stopped

CONTENT = {
    "seed": 3,
    "data": "sp500",
    "periods": {"train_end": "2011-06-01", "validation_end": "2012-01-01", "embargo_bars": 10},
    "features": ["return_1", "volatility_10"],
    "model": {"hidden": 4, "latent": 2},
    "windows": {"window_bars": 16, "stride_bars": 8},
    "teacher": {"share": 0.5, "paths": 12, "block_bars": 16},
    "distillation": {"paths": 12, "path_bars": 64, "depth": 2, "channels": 1, "compare_every": 1},
    "optimiser": {"steps": 6, "batch_windows": 4, "learning_rate": 1e-2, "validate_every": 2, "checkpoint_every": 2},
}


def config(**changes):
    return parse_config(StudentConfig, CONTENT | changes, source="test")


@pytest.fixture(scope="module")
def market():
    return load_packaged("sp500").between("2010-01-01", "2013-01-01")


def taught_by(assets=1, bars=16, units=None):
    embedder = initial_embedder(
        jax.random.key(0),
        mean_return=jnp.zeros(assets, jnp.float32),
        covariance=1e-4 * jnp.eye(assets, dtype=jnp.float32),
        factors=1,
        bars=bars,
        width=3,
    )
    return TaughtBy(reference_teacher(assets=assets), embedder, units)


@pytest.fixture(scope="module")
def found(market):
    return student_set(config(), market, taught_by())


def test_windows_lie_in_their_periods(market, found):
    """Real ones before the cut, without the features' warm-up; validation ones between the cuts, embargoed."""
    whole = found.prepared.inputs(market)
    train = int(np.sum(market.times < np.datetime64("2011-06-01").astype("datetime64[s]").astype(int)))
    validation = int(np.sum(market.times < np.datetime64("2012-01-01").astype("datetime64[s]").astype(int)))
    lead = found.prepared.pipeline.warm_up_bars
    assert found.data.real.features.shape[0] == (train - lead - 16) // 8 + 1
    np.testing.assert_array_equal(found.data.real.features[0], whole.features[lead : lead + 16])
    np.testing.assert_array_equal(
        found.data.real.standard_returns[-1, -1], whole.standard_returns[lead + 8 * ((train - lead - 16) // 8) + 15]
    )
    first = train + 10
    assert found.data.validation.features.shape[0] == (validation - first) // 16
    np.testing.assert_array_equal(found.data.validation.features[0], whole.features[first : first + 16])
    assert found.data.teacher.features.shape == (12, 16, 1, 2)


def test_what_follows_the_training_period_moves_nothing_fitted(market, found):
    close = market.close.copy()
    close[-150:] *= 2.0
    later = student_set(config(), dataclasses.replace(market, close=close))
    for one, other in zip(jax.tree.leaves(later.prepared[1:4]), jax.tree.leaves(found.prepared[1:4]), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(later.data.real.features, found.data.real.features)


def test_without_a_teacher_there_are_no_simulated_windows(market):
    alone = student_set(config(), market)
    assert alone.data.teacher.features.shape[0] == 0
    batch = student_trainer(config(), alone).batch(0)
    assert batch.windows.features.shape[0] == 4
    assert batch.targets is None


def test_half_a_batch_is_simulated(found):
    batch = student_trainer(config(), found).batch(3)
    assert batch.windows.features.shape[0] == 4
    simulated = {row.tobytes() for row in np.asarray(found.data.teacher.standard_returns)}
    origin = [row.tobytes() in simulated for row in np.asarray(batch.windows.standard_returns)]
    assert origin == [False, False, True, True]
    assert np.all(batch.targets.regime[:2] == NO_REGIME)
    assert np.all(batch.targets.regime[2:] >= 0)


def test_targets_are_what_the_embedder_says_of_each_windows_returns(market, found):
    lead = found.prepared.pipeline.warm_up_bars
    returns = jnp.asarray(market.log_returns(), jnp.float32)  # row t ends at bar t + 1
    for place in (0, 7):
        start = lead + 8 * place - 1
        latent = teacher_embed(taught_by().embedder, returns[None, start : start + 16])
        np.testing.assert_allclose(found.data.real_targets.mean[place], latent.mean[0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found.data.real_targets.covariance[place], latent.covariance[0], rtol=1e-4)


@pytest.mark.parametrize("part", ["latent", "overlap", "tail", "signature"])
def test_each_part_of_the_distillation_can_be_left_out(found, part):
    """Its entry is 0, those of the others are not, and the loss is the weighted sum."""
    weights = {"latent_weight": 0.5, "separation_weight": 0.25, "tail_weight": 0.125, "signature_weight": 2.0}
    names = dict(zip(("latent", "overlap", "tail", "signature"), weights, strict=True))
    chosen = CONTENT["distillation"] | weights | {names[part]: 0.0}
    optimiser = CONTENT["optimiser"] | {"batch_windows": 16}
    trainer = student_trainer(config(distillation=chosen, optimiser=optimiser), found)
    state, _ = trainer.step(trainer.init())
    assert len(set(trainer.batch(1).targets.regime)) == 3  # two, and that of real windows, which is not known
    parts = trainer.step(state)[1].parts
    values = {name: float(getattr(parts, name)) for name in names}
    assert values.pop(part) == 0.0
    assert all(values.values())
    expected = parts.reconstruction + 0.1 * parts.divergence + 1e-3 * parts.jacobian + parts.forecast
    expected += sum(chosen[names[name]] * value for name, value in values.items())
    assert float(parts.total) == pytest.approx(float(expected), rel=1e-5)


def test_regimes_are_told_apart_by_the_last_bars_of_simulated_windows(found):
    chosen = CONTENT["distillation"] | {"separation_windows": 30, "separation_bars": 5}
    trainer = student_trainer(config(distillation=chosen), found)
    batch, again, later = (trainer.regime_windows(step) for step in (3, 3, 4))
    assert batch.windows.features.shape == (30, 5, 1, 2)
    ends = {row[-5:].tobytes(): code for row, code in zip(*_simulated(found), strict=True)}
    assert [ends[row.tobytes()] for row in np.asarray(batch.windows.standard_returns)] == list(batch.targets.regime)
    np.testing.assert_array_equal(batch.targets.regime, again.targets.regime)
    assert not np.array_equal(batch.windows.features, later.windows.features)


def _simulated(found):
    return np.asarray(found.data.teacher.standard_returns), np.asarray(found.data.teacher_targets.regime)


def test_paths_are_compared_every_so_many_steps(found):
    trainer = student_trainer(config(distillation=CONTENT["distillation"] | {"compare_every": 2}), found)
    state, compared = trainer.init(), []
    for _ in range(3):
        state, info = trainer.step(state)
        compared.append(float(info.parts.signature) != 0.0)
    assert compared == [True, False, True]


def _stop_at(step):
    def on_step(now, info, score):
        if now == step:
            raise Stopped

    return on_step


@pytest.mark.bits
def test_a_stopped_run_goes_on_to_the_bit(market, found, tmp_path):
    trainer = student_trainer(config(), found)
    settings = {"digest": "a", "validate_every": 2, "checkpoint_every": 2}
    whole = run_training(trainer, tmp_path / "whole", **settings)
    with pytest.raises(Stopped):
        run_training(trainer, tmp_path / "cut", **settings, on_step=_stop_at(3))
    resumed = run_training(trainer, tmp_path / "cut", **settings)
    assert resumed.resumed_at == 2
    one, other = (nnx.to_pure_dict(nnx.split(run.last)[1]) for run in (whole, resumed))
    assert bits(one) == bits(other)
    assert resumed.best_score == whole.best_score
    save_student(trained_student(market, found, whole.model), tmp_path)
    assert load_student(tmp_path).features == ("return_1", "volatility_10")


def test_a_configuration_may_ask_for_the_parallel_encoder(market, found, tmp_path):
    trainer = student_trainer(config(model={**CONTENT["model"], "encoder": "parallel"}), found)
    ended = run_training(trainer, tmp_path / "run", digest="p", validate_every=2, checkpoint_every=2)
    start, encoder = ParallelEncoder(4, 4, rngs=nnx.Rngs(0)), ended.last.encoder
    assert isinstance(encoder, ParallelEncoder)
    assert not np.allclose(encoder.gate.bias[...], start.gate.bias[...], atol=1e-4)  # where all start: it has learnt
    assert np.isfinite(ended.best_score)
    save_student(trained_student(market, found, ended.model), tmp_path)
    assert load_student(tmp_path).network.encoder_kind == "parallel"


def test_the_digest_names_settings_and_teacher(market, found):
    same = student_digest(config(), market, found, code="c")
    assert same == student_digest(config(), market, student_set(config(), market, taught_by()), code="c")
    alone = student_set(config(), market)
    others = (
        student_digest(config(), market, alone, code="c"),
        student_digest(config(seed=4), market, found, code="c"),
        student_digest(config(), market, found, code="d"),
    )
    assert len({same, *others}) == 4


def test_features_that_the_data_do_not_allow_are_named():
    closes = load_packaged("us20").select(("AAPL",)).between("2010-01-01", "2013-01-01")
    found = student_set(config(features=["return_1", "range"]), closes)
    assert found.removed == {"range": "us20 has no ohlc"}
    with pytest.raises(ConfigError, match="allows none of them"):
        student_set(config(features=["range"]), closes)


def test_a_teacher_of_other_assets_is_refused(market):
    with pytest.raises(ConfigError, match="the teacher has 2 assets, sp500 has 1"):
        student_set(config(), market, taught_by(2))
    units = Units(("NASDAQ",), None)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigError, match="the teacher was trained on NASDAQ; sp500 holds"):
        student_set(config(), market, taught_by(units=units))
    with pytest.raises(ConfigError, match="window_bars must be at least 40"):
        student_set(config(), market, taught_by(bars=40))


def test_too_short_a_period_is_refused(market):
    with pytest.raises(DataError, match="the validation period holds"):
        student_set(config(windows={"window_bars": 150, "stride_bars": 8}), market)


@pytest.mark.parametrize("name", ["dssm", "dssm_btc", "dssm_coins"])
def test_the_configurations_that_are_there_are_valid(name, request):
    found = load_config(StudentConfig, request.config.rootpath / "configs" / f"{name}.yaml")
    assert found.optimiser.steps >= 300
