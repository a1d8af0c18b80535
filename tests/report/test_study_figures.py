"""The study's figures show the numbers they say; one asset has no dependence to show."""

import numpy as np
import pytest

from aurora_jax.report import distances_figure, invariants_figure, memory_figure, quantile_figure


@pytest.fixture
def paths():
    rng = np.random.default_rng(3)
    return lambda assets, scale=0.01: scale * rng.standard_t(4, (40, 64, assets))


def test_a_model_of_twice_the_size_has_twice_the_quantiles(paths):
    real = paths(3)
    figure = quantile_figure(real, {"same": real, "double": 2.0 * real})
    titles = ["Basket", "Worst asset of a bar", "Spread between assets"]
    assert [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes] == titles
    for axes in figure.axes:
        same, double = axes.lines[0], axes.lines[1]
        np.testing.assert_allclose(same.get_ydata(), same.get_xdata(), rtol=1e-12)
        np.testing.assert_allclose(double.get_ydata(), 2.0 * np.asarray(double.get_xdata()), rtol=1e-12)


def test_one_asset_has_a_margin_and_a_memory_alone(paths):
    real = paths(1)
    assert len(quantile_figure(real, {"teacher": paths(1)}).axes) == 1
    assert len(memory_figure(real, {"teacher": paths(1)}).axes) == 1
    assert len(memory_figure(paths(2), {"teacher": paths(2)}).axes) == 2


def test_alternating_calm_and_wild_bars_have_alternating_memory(paths):
    """Squares of 1 and 9 by turns have autocorrelation -1 at odd lags and 1 at even ones."""
    wave = np.tile([0.01, 0.03], 32)[None, :, None] * np.where(
        np.random.default_rng(1).random((50, 64, 1)) < 0.5, 1, -1
    )
    line = memory_figure(wave, {}).axes[0].lines[0]
    np.testing.assert_allclose(np.asarray(line.get_ydata())[:4], [-1.0, 1.0, -1.0, 1.0], atol=1e-9)


def test_comonotone_assets_always_fall_together(paths):
    one = paths(1)
    line = memory_figure(np.concatenate([one, 2.0 * one], axis=2), {}).axes[1].lines[0]
    np.testing.assert_allclose(line.get_ydata(), 1.0, rtol=1e-12)


def test_errors_are_drawn_at_two_standard_errors():
    figure = distances_figure({"teacher": (0.01, 0.002), "GARCH-t": (0.03, 0.004)})
    bars = [container.lines[2][0].get_segments()[0] for container in figure.axes[0].containers]
    np.testing.assert_allclose([bar[:, 0] for bar in bars], [[0.006, 0.014], [0.022, 0.038]])
    rows = [("real", "hurst", 0.5, 0.01), ("teacher", "hurst", 0.48, 0.02)]
    segment = invariants_figure(rows).axes[0].containers[0].lines[2][0].get_segments()[0]
    np.testing.assert_allclose(segment[:, 0], [0.44, 0.52])
