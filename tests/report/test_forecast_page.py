"""The forecast study's page and figures say what the numbers say."""

import re

import numpy as np
import pytest

from aurora_jax.report import (
    forecast_page,
    forecast_verdict,
    gains_figure,
    picture,
    student_training_figure,
    transforms_figure,
)


def gap(statistic, p_value, relative=-0.0123):
    return {"difference": relative, "relative": relative, "statistic": statistic, "p_value": p_value}


@pytest.fixture
def result():
    def scores(crps, likelihood):
        means = {"CRPS": crps} | ({} if likelihood is None else {"NLL": likelihood}) | {"pinball 5 %": 0.002}
        return {"means": means, "levels": {"5 %": 0.0512}, "kolmogorov_smirnov": 0.0123}

    return {
        "market": "coins <hourly>",
        "assets": 6,
        "bars": 5182,
        "first": "2021-03-03",
        "last": "2021-10-05",
        "lags": 9,
        "scores": {
            "student": scores(0.00638, -3.14),
            "GARCH": scores(0.00641, -3.127),
            "history": scores(0.0065, None),
        },
        "differences": {
            "GARCH": {"CRPS": gap(-5.4, 5.9e-8), "NLL": gap(2.5, 0.012, 0.0129)},
            "history": {"CRPS": gap(-1.2, 0.23)},
        },
        "provenance": {"settings": {"historical bars": 500}},
    }


def rows_of(page):
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.S)
    return [[re.sub("<[^>]+>", "", c) for c in re.findall(r"<t[hd][^>]*>.*?</t[hd]>", row, re.S)] for row in rows]


def test_the_tables_hold_the_numbers(result):
    page = forecast_page(result, {})
    rows = rows_of(page)
    assert ["Forecaster", "CRPS", "NLL", "pinball 5 %", "KS"] in rows
    assert ["student", "63.800", "-3.1400", "20.000", "0.0123"] in rows
    assert ["history", "65.000", "–", "20.000", "0.0123"] in rows
    assert ["GARCH", "CRPS", "-1.23 %", "-5.40", "6e-08"] in rows
    assert ["GARCH", "NLL", "+0.0129 nats", "+2.50", "0.0120"] in rows
    assert ["Share at or below, %", "5 %"] in rows
    assert ["student", "5.12"] in rows
    assert "coins &lt;hourly&gt;" in page
    assert "<hourly>" not in page


def test_colours_are_for_five_per_cent(result):
    page = forecast_page(result, {})
    assert '<td class="number nearer">-1.23 %</td>' in page  # significant, and the student loses less
    assert '<td class="number farther">+0.0129 nats</td>' in page
    assert '<td class="number ">-1.23 %</td>' in page  # p = .23


def test_the_verdict_names_wins_ties_and_losses(result):
    assert forecast_verdict(result["differences"]) == (
        "In CRPS the student is better than GARCH; not told apart from history. "
        "In NLL the student is worse than GARCH. Two-sided tests at 5%."
    )


def test_gains_add_up():
    dates = np.arange("2020-01-01", "2020-01-06", dtype="datetime64[D]")
    gains = {"CRPS": {"GARCH": np.array([0.01, -0.02, 0.0, 0.03, 0.01])}, "NLL": {"GARCH": np.full(5, 0.5)}}
    crps, likelihood = gains_figure(dates, gains).axes
    line = crps.get_lines()[0]
    np.testing.assert_allclose(line.get_ydata(), [1.0, -1.0, -1.0, 2.0, 3.0])  # per cent
    np.testing.assert_allclose(likelihood.get_lines()[0].get_ydata(), [0.5, 1.0, 1.5, 2.0, 2.5])


def test_months_are_told_where_ticks_are_months_apart():
    """Three years and a half have two ticks a year: a year alone would be said twice."""
    dates = np.arange("2015-04-01", "2018-12-31", dtype="datetime64[D]")
    figure = gains_figure(dates, {"CRPS": {"a": np.zeros(dates.size)}, "NLL": {"a": np.zeros(dates.size)}})
    picture(figure)
    labels = [tick.get_text() for tick in figure.axes[-1].get_xticklabels()]
    assert len(set(labels)) == len(labels)


def test_transforms_are_drawn_as_they_are():
    shares = {"student": np.full(10, 0.1), "wide": np.linspace(0.01, 0.19, 10)}
    panels = transforms_figure(shares).axes
    assert [axes.get_title(loc="left") for axes in panels] == ["student", "wide"]
    np.testing.assert_allclose([bar.get_height() for bar in panels[1].patches], shares["wide"])


def test_the_student_training_figure_marks_the_kept_step():
    names = ("prediction", "single", "reconstruction", "divergence", "jacobian", "gradient_norm")
    lines = [{"step": i, **{name: 1.0 + i for name in names}, "held_out": None} for i in range(6)]
    lines[1]["held_out"], lines[3]["held_out"], lines[5]["held_out"] = 1.3, 1.1, 1.2
    forecast = student_training_figure(lines, 1.4).axes[0]
    kept = next(line for line in forecast.get_lines() if line.get_label() == "kept")
    assert (kept.get_xdata()[0], kept.get_ydata()[0]) == (4, 1.1)
    validation = next(line for line in forecast.get_lines() if line.get_label() == "validation")
    np.testing.assert_allclose(validation.get_ydata(), [1.4, 1.3, 1.1, 1.2])
