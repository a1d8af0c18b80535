"""SLERP augmentation: which windows are joined, where the points lie, how violations are counted."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.router import LatentWindows, family_weights, interpolate, monotonicity_violations, slerp

PATHS, POINTS = 6, 3


@pytest.fixture(scope="module")
def joined(windows_of_known_family):
    """Latents that point north for AR and east for GARCH windows on both bars; decoded to one of the real windows."""
    autoregressive, garch = windows_of_known_family
    rng = np.random.default_rng(3)
    directions = np.repeat(np.eye(2), 4, axis=0)[:, None, :]
    latents = jnp.asarray(np.abs(rng.normal(1.0, 0.1, (8, 2, 1))) * directions)
    shocks = jnp.asarray(rng.normal(size=(8, 2)))
    weights = jnp.asarray(np.repeat([[0.8, 0.1, 0.1], [0.1, 0.2, 0.7]], 4, axis=0))
    seen = []

    def decode(latent, shock):
        seen.append((np.asarray(latent), np.asarray(shock)))
        north = np.asarray(latent[:, 0, 0] > latent[:, 0, 1])
        windows = np.where(north[:, None], autoregressive[: north.size], garch[: north.size])
        return jnp.asarray(windows), latent[:, -1].astype(jnp.float32)

    windows = LatentWindows(latents, shocks)
    result = interpolate(jax.random.key(5), windows, weights, decode=decode, paths=PATHS, points=POINTS)
    latent, shock = seen[0]
    return result, latent.reshape(PATHS, 2, POINTS, 2, 2), shock.reshape(PATHS, 2, POINTS, 2), windows


def test_every_path_joins_two_families_along_the_sphere(joined):
    """Each bar's states move on their own; the shocks of a window are one vector. Both ends are the windows."""
    result, latents, shocks, windows = joined
    for latent, shock, end_family in zip(latents[:, 0], shocks[:, 0], result.end_family, strict=True):
        at = [int(np.argmin(np.abs(np.asarray(windows.shock) - shock[i]).sum(axis=1))) for i in (0, -1)]
        for point, window in zip((0, -1), at, strict=True):
            np.testing.assert_allclose(latent[point], windows.latent[window], atol=1e-12)
            np.testing.assert_allclose(shock[point], windows.shock[window], atol=1e-12)
        assert (at[0] < 4) != (at[1] < 4)
        assert end_family == (0 if at[1] < 4 else 2)
        for bar in range(2):
            middle = slerp(jnp.asarray(latent[0, bar]), jnp.asarray(latent[-1, bar]), 0.5)
            np.testing.assert_allclose(latent[1, bar], middle, rtol=1e-12)
        middle = slerp(jnp.asarray(shock[0]), jnp.asarray(shock[-1]), 0.5)
        np.testing.assert_allclose(shock[1], middle, rtol=1e-12)
    assert len({tuple(shock[0, 0]) for shock in shocks}) > 1


def test_the_mirror_image_ends_in_the_opposite_shocks(joined):
    _, latents, shocks, _ = joined
    np.testing.assert_array_equal(latents[:, 0], latents[:, 1])
    np.testing.assert_allclose(shocks[:, 1, 0], shocks[:, 0, 0], atol=1e-12)
    np.testing.assert_allclose(shocks[:, 1, -1], -shocks[:, 0, -1], atol=1e-12)
    for plain, mirrored in shocks:
        middle = slerp(jnp.asarray(plain[0]), -jnp.asarray(plain[-1]), 0.5)
        np.testing.assert_allclose(mirrored[1], middle, rtol=1e-12)


def test_labels_are_those_of_the_decoded_windows(joined, windows_of_known_family):
    result, latents, _, _ = joined
    flat = latents[..., 0, :].reshape(-1, 2)
    north = flat[:, :1] > flat[:, 1:]
    windows = np.where(north, windows_of_known_family[0][: len(flat)], windows_of_known_family[1][: len(flat)])
    each = result.windows()
    np.testing.assert_allclose(each.weights, family_weights(windows).weights, atol=1e-6)
    np.testing.assert_allclose(each.inputs, latents[..., 1, :].reshape(-1, 2), rtol=1e-6)


def test_ends_are_the_clearest_of_their_family(windows_of_known_family):
    """Half of four and four: only windows 1 and 2 of the first family, 4 and 7 of the other may be joined."""
    own = np.array([0.6, 0.9, 0.8, 0.7, 0.9, 0.5, 0.6, 0.8])
    weights = np.stack([own, 1.0 - own], axis=1)
    weights[4:] = weights[4:, ::-1]
    places = np.arange(8.0)
    seen = []

    def decode(latent, shock):
        seen.append(np.asarray(latent[:, 0, 0]).reshape(40, 2, 2)[:, 0])
        return jnp.asarray(np.resize(windows_of_known_family[0], (160, 250))), jnp.ones((160, 1), jnp.float32)

    windows = LatentWindows(jnp.asarray(places)[:, None, None] * jnp.ones((1, 2, 1)), jnp.ones((8, 2)))
    shape = {"paths": 40, "points": 2}
    found = interpolate(jax.random.key(1), windows, jnp.asarray(weights), decode=decode, clear_share=0.5, **shape)
    assert set(np.unique(seen[0])) == {1.0, 2.0, 4.0, 7.0}
    np.testing.assert_array_equal(np.asarray(found.end_family), (seen[0][:, 1] > 3).astype(int))
    with pytest.raises(ValueError, match=r"clear_share must lie in \(0, 1\], was 0.0"):
        interpolate(jax.random.key(1), windows, jnp.asarray(weights), decode=decode, clear_share=0.0, **shape)


def test_one_family_cannot_be_joined(key):
    weights = jnp.tile(jnp.array([0.6, 0.2, 0.2]), (4, 1))

    def decode(latent, shock):
        raise AssertionError("nothing to decode")

    with pytest.raises(ValueError, match="same family"):
        interpolate(key, LatentWindows(jnp.ones((4, 3, 2)), jnp.ones((4, 3))), weights, decode=decode, paths=2)


def test_paths_that_blow_up_are_left_out(windows_of_known_family):
    """The second of three paths has one window that is not finite; with all of them gone there is nothing to learn."""
    weights = jnp.asarray(np.repeat([[0.8, 0.1, 0.1], [0.1, 0.2, 0.7]], 2, axis=0))
    windows = LatentWindows(jnp.ones((4, 2, 2)), jnp.ones((4, 2)))

    def with_nan_at(place):
        def decode(latent, shock):
            return jnp.asarray(windows_of_known_family[0][:18]).at[place, 5].set(jnp.nan), jnp.ones(
                (18, 3), jnp.float32
            )

        return interpolate(jax.random.key(0), windows, weights, decode=decode, paths=3, points=3)

    found = with_nan_at(7)  # a mirror image that blows up takes its path with it
    assert found.weights.shape == (2, 2, 3, 3)
    assert bool(jnp.all(jnp.isfinite(found.weights)))
    ends = with_nan_at(jnp.arange(0)).end_family
    np.testing.assert_array_equal(found.end_family, ends[jnp.asarray([0, 2])])
    with pytest.raises(ValueError, match="none of 3 SLERP paths decodes to finite returns"):
        with_nan_at(jnp.arange(18))


def test_monotonicity_violations_by_hand():
    """Two paths of three points: one falls once in its end family (2 of 4 would be the other family's count)."""
    probabilities = np.array(
        [[0.1, 0.6, 0.3], [0.2, 0.3, 0.5], [0.3, 0.3, 0.4], [0.2, 0.5, 0.3], [0.5, 0.4, 0.1], [0.5, 0.3, 0.2]]
    )
    paths = probabilities.reshape(2, 3, 3)
    assert monotonicity_violations(paths, jnp.array([2, 0])) == pytest.approx(0.25)
    assert monotonicity_violations(paths, jnp.array([1, 1])) == pytest.approx(0.75)
