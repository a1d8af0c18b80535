"""The training's figures hold its numbers: each line's data, not only that there is a line."""

import numpy as np
import pytest

from aurora_jax.report import picture, regimes_figure, training_figure

STEPS = 6


def record(step, **changes):
    """Every column another number in every step."""
    columns = ("negative_log_likelihood", "signature_distance", "separation", "gradient_norm", "learning_rate")
    numbers = {name: 10.0 * place + 0.5 * step + 0.125 for place, name in enumerate(columns)}
    return {"step": float(step), **numbers, "held_out": None, **changes}


def drawn(axes, name):
    """Return x and y of the line that the legend calls `name`."""
    (found,) = [line for line in axes.get_lines() if line.get_label() == name]
    return np.asarray(found.get_xdata(), float), np.asarray(found.get_ydata(), float)


@pytest.fixture(scope="module")
def metrics():
    scores = {1: -1.5, 3: -1.75, 5: -1.6}
    return [record(step, held_out=scores.get(step)) for step in range(STEPS)]


@pytest.fixture(scope="module")
def panels(metrics):
    return training_figure(metrics, -1.0).axes


def test_the_likelihood_is_drawn_over_steps_taken_with_the_start_and_the_best(panels):
    x, y = drawn(panels[0], "training")
    np.testing.assert_array_equal(x, [1, 2, 3, 4, 5, 6])
    np.testing.assert_allclose(y, [0.125, 0.625, 1.125, 1.625, 2.125, 2.625])
    np.testing.assert_array_equal(drawn(panels[0], "held out"), [[0, 2, 4, 6], [-1.0, -1.5, -1.75, -1.6]])
    np.testing.assert_array_equal(drawn(panels[0], "kept"), [[4], [-1.75]])


def test_a_start_that_nothing_beats_is_what_was_kept(metrics):
    fit = training_figure(metrics, -9.0).axes[0]
    np.testing.assert_array_equal(drawn(fit, "kept"), [[0], [-9.0]])


def test_the_distance_is_drawn_where_it_was_part_of_the_loss(metrics):
    """Steps 1, 3 and 5 without it; smoothed with the weights 1, 10/11 and (10/11)^2 of what is behind."""
    some = [
        {**line, "signature_distance": value}
        for line, value in zip(metrics, [3.0, 0.0, -1.0, 0.0, 2.0, 0.0], strict=True)
    ]
    axes = training_figure(some, -1.0).axes[1]
    np.testing.assert_array_equal(drawn(axes, "each step's windows"), [[1, 3, 5], [3.0, -1.0, 2.0]])
    k = 10.0 / 11.0
    smooth = [3.0, (3.0 * k - 1.0) / (1.0 + k), (3.0 * k**2 - k + 2.0) / (1.0 + k + k**2)]
    x, y = drawn(axes, "smoothed")
    np.testing.assert_array_equal(x, [1, 3, 5])
    np.testing.assert_allclose(y, smooth, rtol=1e-12)


def test_a_training_without_the_distance_says_so(metrics):
    axes = training_figure([{**line, "signature_distance": 0.0} for line in metrics], -1.0).axes[1]
    assert not axes.get_lines()
    assert [text.get_text() for text in axes.texts] == ["not part of the loss"]


def test_separation_gradient_and_rate_are_their_columns(panels, metrics):
    (line,) = panels[2].get_lines()
    np.testing.assert_array_equal(line.get_ydata(), [row["separation"] for row in metrics])
    np.testing.assert_array_equal(drawn(panels[3], "gradient norm before clipping")[1], 30.125 + 0.5 * np.arange(STEPS))
    np.testing.assert_array_equal(drawn(panels[3], "learning rate")[1], 40.125 + 0.5 * np.arange(STEPS))
    assert panels[3].get_yscale() == "log"


def test_the_first_step_of_a_warm_up_has_no_rate_to_draw_on_a_log_scale(metrics):
    axes = training_figure([{**metrics[0], "learning_rate": 0.0}, *metrics[1:]], -1.0).axes[3]
    np.testing.assert_array_equal(drawn(axes, "learning rate")[0], [2, 3, 4, 5, 6])


def test_a_run_of_one_step_can_be_drawn():
    figure = training_figure([record(0)], -1.0)
    assert figure.axes[3].get_xlim() == (0.0, 1.0)
    assert picture(figure).png.startswith(b"\x89PNG")


def test_each_regimes_value_stands_over_its_name():
    learnt = {"H": [0.1, 0.2, 0.4], "leverage": [-0.3, -0.3, -0.3]}
    panels = regimes_figure(learnt, ["AR", "ARMA", "GARCH"]).axes
    for axes, (name, values) in zip(panels, learnt.items(), strict=True):
        (line,) = axes.get_lines()
        np.testing.assert_array_equal(line.get_data(), [[0, 1, 2], values])
        assert axes.get_title(loc="left") == name
        assert [text.get_text() for text in axes.get_xticklabels()] == ["AR", "ARMA", "GARCH"]
        low, high = axes.get_ylim()
        assert low < min(values) <= max(values) < high
    # A parameter that is the same in all regimes shall not look as if it were not: 6 % of its size to either side.
    np.testing.assert_allclose(panels[1].get_ylim(), [-0.336, -0.264])
