"""A student's file gives back the student that was saved, whatever its encoder and emission."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from aurora_jax.data import Standardiser
from aurora_jax.engine import ArtifactError, TrainedStudent, load_student, save_student
from aurora_jax.student import DSSM, fit_trailing
from tests.small_engine import assert_bitwise

ASSETS, FEATURES = ("X", "Y"), ("return_1", "volatility_10")


def _trained(**model):
    returns = jnp.asarray(0.01 * np.random.default_rng(0).standard_t(4, (60, 2)))
    network = DSSM(len(FEATURES), hidden=6, latent=2, rngs=nnx.Rngs(3), **model)
    return TrainedStudent(ASSETS, FEATURES, network, Standardiser(jnp.zeros(2), jnp.ones(2)), fit_trailing(returns))


@pytest.mark.parametrize("model", [{}, {"encoder": "parallel"}, {"mixture_components": 3}, {"encoder": "gru"}])
def test_what_is_loaded_forecasts_as_what_was_saved(tmp_path, model):
    trained = _trained(**model)
    save_student(trained, tmp_path)
    found = load_student(tmp_path)
    assert found.network.encoder_kind == model.get("encoder", "gru")
    bar = jnp.asarray([[0.3, -1.0], [2.0, 0.1]], jnp.float32), jnp.asarray([0.01, -0.02])
    answers = []
    for student in (trained.bound(), found.bound()):
        state, _ = student.step(student.init(), *bar)
        answers.append(student.step(state, *bar)[1])
    assert_bitwise(*answers)


@pytest.mark.parametrize(("name", "message"), [(b'"gru"     ', "lacks|unknown"), (b'"paralle7"', "encoder 'paralle7'")])
def test_another_encoders_weights_are_refused(tmp_path, name, message):
    """Arrays of one encoder under the name of another."""
    save_student(_trained(encoder="parallel"), tmp_path)
    file = tmp_path / "student.safetensors"
    content = file.read_bytes()
    assert content.count(b'"parallel"') == 1
    file.write_bytes(content.replace(b'"parallel"', name))
    with pytest.raises(ArtifactError, match=message):
        load_student(tmp_path)
