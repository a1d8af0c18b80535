"""The figure of a gamma grid: every gamma is named once, the choice stands out, the front is a line of its own."""

import numpy as np

from aurora_jax.report import gamma_figure
from aurora_jax.report.style import BLUE, ORANGE


def drawn(sharpe_min):
    chosen_on = np.array([[0.8, 0.014], [0.8, 0.014], [0.7, 0.013]])
    return gamma_figure(
        [0.0, 0.2, 0.4], chosen_on, chosen_on[::-1], efficient=[True, True, True], chosen=2, sharpe_min=sharpe_min
    )


def test_equal_points_share_a_name():
    first = drawn(0.0).axes[0]
    assert sorted(text.get_text() for text in first.texts) == ["0, 0.2", "0.4"]


def test_the_choice_stands_out_and_the_front_is_in_order():
    first = drawn(0.0).axes[0]
    front, *points = first.get_lines()
    np.testing.assert_allclose(front.get_xdata(), [0.7, 0.8, 0.8])
    assert front.get_color() == BLUE
    (marked,) = [point for point in points if point.get_color() == ORANGE]
    assert marked.get_xdata()[0] == 0.7


def test_a_bound_far_from_all_points_is_not_drawn():
    assert len(drawn(0.75).axes[0].get_lines()) == len(drawn(0.0).axes[0].get_lines()) + 1
