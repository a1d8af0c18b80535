"""SLERP augmentation: which windows are joined, where the points lie, how violations are counted."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.router import family_weights, interpolate, monotonicity_violations, slerp

PATHS, POINTS = 6, 3


@pytest.fixture(scope="module")
def joined(windows_of_known_family):
    """Latents that point north for AR and east for GARCH windows; decoded to one of the real windows."""
    autoregressive, garch = windows_of_known_family
    rng = np.random.default_rng(3)
    latents = jnp.asarray(np.abs(rng.normal(1.0, 0.1, (8, 1))) * np.repeat(np.eye(2), 4, axis=0))
    weights = jnp.asarray(np.repeat([[0.8, 0.1, 0.1], [0.1, 0.2, 0.7]], 4, axis=0))
    seen = []

    def generate(key, between):
        seen.append(np.asarray(between))
        north = np.asarray(between[:, 0] > between[:, 1])
        windows = np.where(north[:, None], autoregressive[: between.shape[0]], garch[: between.shape[0]])
        return jnp.asarray(windows), between.astype(jnp.float32)

    result = interpolate(jax.random.key(5), latents, weights, generate=generate, paths=PATHS, points=POINTS)
    return result, seen[0].reshape(PATHS, POINTS, 2), np.asarray(latents)


def test_every_path_joins_two_families_along_the_sphere(joined):
    result, points, latents = joined
    for path, end_family in zip(points, np.asarray(result.end_family).reshape(PATHS, POINTS)[:, 0], strict=True):
        at = [int(np.argmin(np.linalg.norm(latents - path[i], axis=1))) for i in (0, -1)]
        np.testing.assert_allclose(path[0], latents[at[0]], rtol=1e-12)
        np.testing.assert_allclose(path[-1], latents[at[1]], rtol=1e-12)
        assert (at[0] < 4) != (at[1] < 4)
        assert end_family == (0 if at[1] < 4 else 2)
        middle = slerp(jnp.asarray(path[0]), jnp.asarray(path[-1]), 0.5)
        np.testing.assert_allclose(path[1], middle, rtol=1e-12)
    assert len({tuple(path[0]) for path in points}) > 1


def test_labels_are_those_of_the_decoded_windows(joined, windows_of_known_family):
    result, points, _ = joined
    flat = points.reshape(-1, 2)
    north = flat[:, :1] > flat[:, 1:]
    windows = np.where(north, windows_of_known_family[0][: len(flat)], windows_of_known_family[1][: len(flat)])
    np.testing.assert_allclose(result.labelled.weights, family_weights(windows).weights, atol=1e-6)
    np.testing.assert_allclose(result.labelled.inputs, flat, rtol=1e-6)
    np.testing.assert_allclose(np.asarray(result.share).reshape(PATHS, POINTS), np.tile([0.0, 0.5, 1.0], (PATHS, 1)))


def test_one_family_cannot_be_joined(key):
    weights = jnp.tile(jnp.array([0.6, 0.2, 0.2]), (4, 1))

    def generate(key, between):
        raise AssertionError("nothing to decode")

    with pytest.raises(ValueError, match="same family"):
        interpolate(key, jnp.ones((4, 2)), weights, generate=generate, paths=2)


def test_monotonicity_violations_by_hand():
    """Two paths of three points: one falls once in its end family (2 of 4 would be the other family's count)."""
    probabilities = np.array(
        [[0.1, 0.6, 0.3], [0.2, 0.3, 0.5], [0.3, 0.3, 0.4], [0.2, 0.5, 0.3], [0.5, 0.4, 0.1], [0.5, 0.3, 0.2]]
    )
    end_family = jnp.array([2, 2, 2, 0, 0, 0])
    assert monotonicity_violations(probabilities, end_family, points=3) == pytest.approx(0.25)
    assert monotonicity_violations(probabilities, jnp.array([1, 1, 1, 1, 1, 1]), points=3) == pytest.approx(0.75)
