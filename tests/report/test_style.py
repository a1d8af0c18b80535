"""What every panel shares."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from aurora_jax.report.style import date_axis


@pytest.mark.parametrize("days", [5, 60, 370, 1390, 1435, 2900, 9000])
def test_dates_are_marked_without_crowding_over_any_span(days):
    """A span for which Matplotlib finds no step warns, and warnings are errors here."""
    dates = np.datetime64("2013-06-03") + np.array([0, days])
    figure = Figure()
    axes = figure.add_subplot()
    date_axis(axes, dates)
    figure.canvas.draw()
    assert 2 <= len([text for text in axes.get_xticklabels() if text.get_text()]) <= 11
