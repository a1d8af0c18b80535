"""Windows that a teacher simulates: whose regime, whose state, and which bars."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.data import load_packaged, split
from aurora_jax.teacher import reference_teacher
from aurora_jax.training import path_inputs, prepare, shares_of, teacher_batch, teacher_windows

FEATURES = ("return_1", "volatility_10", "range")


@pytest.fixture(scope="module")
def teacher():
    return reference_teacher(assets=1)


@pytest.fixture(scope="module")
def prepared():
    """An index with all columns: `range` is a feature that simulated closes cannot have."""
    market = load_packaged("sp500").between("2010-01-01", "2013-01-01")
    return prepare(split(market, train_end="2011-06-01", validation_end="2012-01-01", embargo_bars=0), FEATURES)


def _batch(teacher, shares, **changes):
    settings = {"paths": 5, "blocks": 6, "block_bars": 16} | changes
    return teacher_batch(teacher, jax.random.key(2), jnp.asarray(shares), **settings)


@pytest.fixture(scope="module")
def batch(teacher):
    return _batch(teacher, [0.2, 0.3, 0.5])


def test_a_batch_is_blocks_of_regimes_with_a_known_state(batch, teacher):
    assert batch.returns.shape == (5, 96, 1)
    assert batch.latent_mean.shape == (5, 96, teacher.factors)
    assert not batch.latent_covariance.any()
    blocks = np.asarray(batch.regime).reshape(5, 6, 16)
    assert np.all(blocks == blocks[:, :, :1])
    assert len(np.unique(blocks[:, :, 0])) > 1
    assert np.all(np.isfinite(batch.returns))
    assert np.unique(np.asarray(batch.returns)[:, 0]).size == 5  # every path its own


@pytest.mark.parametrize("regime", [0, 2])
def test_a_regime_without_a_share_never_comes(teacher, regime):
    batch = _batch(teacher, np.eye(3)[regime])
    assert np.all(np.asarray(batch.regime) == regime)


def test_the_first_block_is_left_out(batch):
    """Paths start with all factors at 0; a block later each has gone its own way."""
    assert float(jnp.std(batch.latent_mean[:, 0])) > 0.01


@pytest.mark.parametrize("name", ["paths", "blocks", "block_bars"])
def test_nothing_to_simulate_is_refused(teacher, name):
    with pytest.raises(ValueError, match="must be at least 1"):
        _batch(teacher, [1.0, 0.0, 0.0], **{name: 0})


def test_windows_are_the_last_bars_of_the_paths(batch, prepared):
    found = teacher_windows(batch, prepared, window_bars=20)
    log_price = jnp.concatenate([jnp.zeros((5, 1, 1)), jnp.cumsum(jnp.asarray(batch.returns, float), axis=1)], axis=1)
    whole = path_inputs(log_price, prepared.pipeline, prepared.standardiser, prepared.trailing)
    assert found.features.shape == (5, 20, 1, 3)
    np.testing.assert_allclose(found.features, whole.features[:, -20:], rtol=1e-5, atol=1e-6)
    # The scale remembers the whole path: bar by bar, by the law itself.
    trailing, returns = prepared.trailing, np.asarray(batch.returns, float)
    for path in (0, 3):
        state = trailing.init()
        state = trailing.step(state, jnp.zeros(1))  # the first price has no return and counts as 0
        for bar, now in enumerate(returns[path]):
            if bar >= 76:
                expected = now / trailing.scale(state)
                np.testing.assert_allclose(found.standard_returns[path, bar - 76], expected, rtol=1e-5)
            state = trailing.step(state, jnp.asarray(now))


def test_a_feature_of_columns_that_paths_lack_is_what_it_usually_is(batch, prepared):
    found = teacher_windows(batch, prepared, window_bars=20)
    assert not np.asarray(found.features[..., 2]).any()
    assert np.asarray(found.features[..., 1]).any()


def test_paths_too_short_for_a_window_are_refused(batch, prepared):
    with pytest.raises(ValueError, match=r"paths of 96 bars are too short .* window of 90; simulate \d+"):
        teacher_windows(batch, prepared, window_bars=90)


def test_shares_count_the_labels_of_blocks():
    """Three, none and two blocks, and one more of each: 4, 1 and 3 of 8."""
    np.testing.assert_allclose(shares_of(np.array([0, 2, 0, 0, 2])), [0.5, 0.125, 0.375])
