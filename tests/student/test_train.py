"""Training lowers the loss, keeps the best weights and refuses what it cannot do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from aurora_jax.student import DSSM, TrainSettings, Windows, train


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
    assert result.validation[-1].prediction < result.validation[0].prediction
    np.testing.assert_allclose([loss for _, loss in calls], result.losses)
    assert [step for step, _ in calls] == list(range(45))


def test_validation_happens_where_it_was_asked_for(trained):
    result, _ = trained
    assert result.validation_steps == (0, 15, 30, 45)
    assert len(result.validation) == 4


def test_a_network_that_only_gets_worse_is_not_kept():
    """Trained on returns a twentieth of those it is judged by: the start, at a scale of 1, forecasts these better."""
    small = _windows(3, 8)
    small = small._replace(standard_returns=0.05 * small.standard_returns)
    judged = small._replace(standard_returns=50.0 * small.standard_returns)
    start = jax.tree.map(np.asarray, nnx.to_pure_dict(nnx.split(_network())[1]))
    result = train(
        _network(), jax.random.key(2), small, small, judged, TrainSettings(20, learning_rate=3e-2), validate_every=10
    )
    assert min(part.prediction for part in result.validation[1:]) > result.validation[0].prediction
    kept = nnx.to_pure_dict(nnx.split(result.network)[1])
    jax.tree.map(np.testing.assert_array_equal, kept, start)


def test_the_trained_scale_is_near_the_truth(trained):
    """A t law with location 0: what was learnt is a forecast scale well below the start of 1."""
    result, _ = trained
    _, log_scale = result.network.emit(jnp.zeros(2, jnp.float32))
    assert 0.25 < float(jnp.exp(log_scale)) < 0.65


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
