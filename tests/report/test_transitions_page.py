"""The transition study's page and figure say what the numbers say."""

import re

import pytest

from aurora_jax.report import delays_figure, picture, transitions_page, transitions_verdict

CURVE = [[0.005, 20.0], [0.001, 33.0]]


def told(median, low, high, found):
    delay = {"median_bars": median, "low_bars": low, "high_bars": high, "found_share": found}
    return {"delays": {"0.001": delay, "0.0005": delay}, "curve": CURVE}


@pytest.fixture
def result():
    def change(own, process, hidden):
        return {
            "detectors": {
                "crossbar, as served": told(own, 28.0, None, 0.914),
                "BOCPD": told(process, None, None, 0.05),
                "HMM, 4 states": told(hidden, 60.0, 90.0, 0.99),
            },
            "configured": {"rate": 0.00025, "median_bars": None, "found_share": 0.12},
        }

    return {
        "scenarios": {"AR to GARCH": change(33.0, None, 73.0), "ARMA <to> AR": change(None, 61.0, 80.0)},
        "rates": ["0.001", "0.0005"],
        "sizes": {"flips": 400, "stationary": 160, "bars": 3000},
        "provenance": {"settings": {"seed": 0}},
    }


def test_the_table_holds_the_numbers(result):
    page = transitions_page(result, {"delays": picture(delays_figure({"AR to GARCH": {"BOCPD": CURVE}}))})
    rows = [
        [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<t[hd][^>]*>.*?</t[hd]>", row, re.S)]
        for row in re.findall(r"<tr>(.*?)</tr>", page, re.S)
    ]
    assert ["Change", "Detector", "1 in 1,000", "1 in 2,000"] in rows
    cell = "33 (28 to never); 91 %"
    assert ["AR to GARCH", "crossbar, as served", cell, cell] in rows
    assert "AR to GARCH: 0.25 false alarms in 1,000 bars, median delay never, 12 % found" in page
    assert "ARMA &lt;to&gt; AR" in page
    assert page.count("<img") == 1


def test_the_verdict_compares_with_the_better_rival(result):
    verdict = transitions_verdict(result)
    assert "AR to GARCH: 33, no later than HMM, 4 states (73)" in verdict
    assert "ARMA <to> AR: never, later than BOCPD (61)" in verdict


def test_the_figure_draws_each_detector():
    figure = delays_figure({"one": {"a": CURVE, "b": []}, "two": {"a": CURVE, "b": CURVE}})
    lines = figure.axes[1].get_lines()
    assert [line.get_label() for line in lines] == ["a", "b"]
    assert list(lines[0].get_xdata()) == [5.0, 1.0]
    assert list(lines[0].get_ydata()) == [20.0, 33.0]
