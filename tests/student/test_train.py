"""Training lowers the loss, keeps the best weights and refuses what it cannot do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy import stats

from aurora_jax.student import DSSM, SHARES, TrainData, Trainer, TrainSettings, Windows, filter_window, train
from tests.speaking_network import speaking


def _windows(seed, count, *, bars=12, assets=2):
    """Returns with a known scale of 0.4 trailing deviations: the loss of a scale of 1 can be beaten."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((count, bars, assets, 3)).astype(np.float32)
    whitening = np.broadcast_to(np.eye(assets, dtype=np.float32), (count, bars, assets, assets))
    return Windows(features, (0.4 * rng.standard_normal((count, bars, assets))).astype(np.float32), whitening)


def _network():
    return DSSM(3, hidden=8, latent=2, rngs=nnx.Rngs(0))


@pytest.fixture(scope="module")
def trained():
    calls = []
    result = train(
        _network(),
        jax.random.key(1),
        _windows(0, 16),
        _windows(1, 8),
        _windows(2, 8),
        TrainSettings(45, batch_windows=8, learning_rate=3e-2),
        validate_every=15,
        on_step=lambda step, loss: calls.append((step, loss)),
    )
    return result, calls


def test_training_lowers_the_loss_and_the_prediction(trained):
    """From a scale of 1 towards 0.4 the density of a bar gains up to log 2.5 less 0.42 per asset."""
    result, calls = trained
    assert np.mean(result.losses[-10:]) < np.mean(result.losses[:5]) - 0.3
    assert result.validation[-1].forecast < result.validation[0].forecast
    np.testing.assert_allclose([loss for _, loss in calls], result.losses)
    assert [step for step, _ in calls] == list(range(45))


def test_validation_happens_where_it_was_asked_for(trained):
    result, _ = trained
    assert result.validation_steps == (0, 15, 30, 45)
    assert len(result.validation) == 4


def test_of_a_network_that_only_gets_worse_the_state_is_kept_and_not_the_say():
    """Trained on returns a twentieth of those it is judged by: the start, at a scale of 1, forecasts these better."""
    small = _windows(3, 8)
    small = small._replace(standard_returns=0.05 * small.standard_returns)
    judged = small._replace(standard_returns=50.0 * small.standard_returns)
    start = jax.tree.map(np.asarray, nnx.to_pure_dict(nnx.split(_network())[1]))
    result = train(
        _network(), jax.random.key(2), small, small, judged, TrainSettings(20, learning_rate=3e-2), validate_every=10
    )
    assert min(part.forecast for part in result.validation[1:]) > result.validation[0].forecast
    assert result.best_score == pytest.approx(float(result.validation[0].forecast), rel=1e-6)
    kept = nnx.to_pure_dict(nnx.split(result.network)[1])
    for name in ("decoder_out", "emission"):
        jax.tree.map(np.testing.assert_array_equal, kept[name], start[name])
    assert not np.array_equal(kept["posterior"]["kernel"], start["posterior"]["kernel"])


def test_validation_hears_the_share_that_forecasts_best():
    """Training returns of deviation .2 pull the scale far below the .6 of validation: some way is better than all."""
    training = _windows(3, 16)
    training = training._replace(standard_returns=0.5 * training.standard_returns)
    validation = training._replace(standard_returns=3.0 * training.standard_returns)
    settings = TrainSettings(60, learning_rate=5e-2, batch_windows=16)
    trainer = Trainer(_network(), jax.random.key(2), TrainData(training, training, validation), settings)
    state = trainer.init()
    while not trainer.finished(state):
        state, _ = trainer.step(state)
    after, score = trainer.validate(state)
    scores = {share: float(trainer.score(trainer.believed(state.parameters, share)).forecast) for share in SHARES}
    best = min(scores, key=lambda share: scores[share])
    assert 0.0 < best < 1.0
    assert float(score) == float(after.best_score) == scores[best]
    kept, learnt = (np.asarray(part.network["decoder_out"]["bias"]) for part in (after.best, state.parameters))
    np.testing.assert_allclose(kept, best * learnt, rtol=1e-6)
    raw = [float(part.network["emission"]["raw_degrees_of_freedom"]) for part in (after.best, state.parameters)]
    begun = float(trainer.init().parameters.network["emission"]["raw_degrees_of_freedom"])
    assert raw[0] - begun == pytest.approx(best * (raw[1] - begun), rel=1e-4)
    jax.tree.map(np.testing.assert_array_equal, after.parameters, state.parameters)  # training goes on from there
    jax.tree.map(np.testing.assert_array_equal, after.best.network["encoder"], state.parameters.network["encoder"])


def test_the_trained_scale_is_near_the_truth(trained):
    """A t law with location 0: what was learnt is a forecast scale well below the start of 1."""
    result, _ = trained
    _, log_scale = result.network.emit(jnp.zeros(2, jnp.float32))
    assert 0.25 < float(jnp.exp(log_scale)) < 0.65


def test_the_start_is_scored_as_the_law_alone():
    """A t law around 0 whose scale is the one expected, by scipy, each asset on its own."""
    some = _windows(4, 3)
    network = _network()
    score = Trainer(network, jax.random.key(5), TrainData(some, some, some), TrainSettings(1)).init().best_score
    ahead = np.asarray(some.standard_returns, float)[:, 1:]
    nu = float(network.degrees_of_freedom)
    joint = stats.multivariate_t(np.zeros(2), np.eye(2), df=nu).logpdf(ahead).mean() / 2
    np.testing.assert_allclose(score, -0.5 * (joint + stats.t(nu).logpdf(ahead).mean()), rtol=1e-5)


def test_validation_scores_what_is_served_not_a_draw():
    """The network's state moves its forecast, and yet no key moves the score."""
    some, network = _windows(6, 3), speaking(_network(), size=1.0)
    trainers = [Trainer(network, jax.random.key(n), TrainData(some, some, some), TrainSettings(1)) for n in (0, 1)]
    one, other = (trainer.init().best_score for trainer in trainers)
    assert one == other
    served = jax.vmap(lambda features: filter_window(network, features))(some.features).forecast
    scale = np.exp(np.asarray(served[1], float))[:, :-1]
    assert np.std(scale) > 0.01
    law = stats.t(float(network.degrees_of_freedom), loc=np.asarray(served[0])[:, :-1], scale=scale)
    score = trainers[0].score(trainers[0].init().parameters).single
    np.testing.assert_allclose(score, -law.logpdf(some.standard_returns[:, 1:]).mean(), rtol=1e-5)


def test_a_mixture_learns_a_law_that_is_one():
    """Nine bars in ten of deviation .3, one of 3, for both assets alike: kurtosis that no t law of nu > 2 has."""
    rng = np.random.default_rng(8)

    def windows(count):
        wild = np.where(rng.random((count, 12, 1)) < 0.1, 3.0, 0.3)
        returns = (wild * rng.standard_normal((count, 12, 2))).astype(np.float32)
        return _windows(0, count)._replace(standard_returns=returns)

    network = DSSM(3, hidden=8, latent=2, mixture_components=2, rngs=nnx.Rngs(0))
    real, validation = windows(64), windows(32)
    settings = TrainSettings(250, batch_windows=24, learning_rate=5e-2, divergence_weight=0.01)
    result = train(network, jax.random.key(3), real, real, validation, settings, validate_every=50)
    emission = result.network.emission
    scale = np.exp(np.asarray(result.network.emit(jnp.zeros(2, jnp.float32))[1]))
    found = np.sort(np.asarray(emission.scales)) * scale
    np.testing.assert_allclose(found, [0.3, 3.0], rtol=0.25)
    np.testing.assert_allclose(np.sort(np.asarray(emission.weights)), [0.1, 0.9], atol=0.03)
    truth = 0.9 * stats.norm.pdf(validation.standard_returns, scale=0.3)
    truth = truth + 0.1 * stats.norm.pdf(validation.standard_returns, scale=3.0)
    assert float(min(part.single for part in result.validation)) < -np.log(truth[:, 1:]).mean() + 0.03


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_of_teacher_windows_outside_its_range_is_refused(share, key):
    some = _windows(0, 2)
    with pytest.raises(ValueError, match="teacher_share"):
        train(_network(), key, some, some, some, TrainSettings(1, teacher_share=share))


def test_training_and_validation_need_real_windows(key):
    some, none = _windows(0, 2), _windows(0, 0)
    for real, validation in ((none, some), (some, none)):
        with pytest.raises(ValueError, match="at least one real window"):
            train(_network(), key, real, some, validation, TrainSettings(1))
