"""The allocation study's page and figures say what the numbers say."""

import re

import numpy as np
import pytest

from aurora_jax.report import (
    allocation_cells,
    allocation_page,
    allocation_verdict,
    growth_figure,
    picture,
    radius_figure,
)

STATISTICS = ("shortfall", "sharpe", "volatility", "drawdown", "turnover")


def told(*values):
    return {name: [value, 0.1 * value] for name, value in zip(STATISTICS, values, strict=True)}


@pytest.fixture
def found():
    rules = {
        "CVaR (radius 0)": told(0.024, 0.6, 0.16, 0.39, 7.5),
        "DRO-ES 1": told(0.023, 0.7, 0.15, 0.37, 1.6),
        "equal <weight>": told(0.031, 0.7, 0.2, 0.49, 0.6),
    }
    return {
        "lower": -0.2,
        "upper": 0.5,
        "periods": {"earlier": rules, "reported": rules},
        "chosen": {"shortfall": "DRO-ES 1", "sharpe": "DRO-ES 1"},
        "differences": {
            "CVaR (radius 0)": {"shortfall": [-0.001, 0.0004], "sharpe": [0.1, 0.04]},
            "least variance": {"shortfall": [0.0002, 0.0004], "sharpe": [0.0, 0.1]},
            "equal <weight>": {"shortfall": [0.008, 0.002], "sharpe": [0.0, 0.1]},
        },
        "solver": {"asked": 2232, "solved": 2231, "repaired": 2, "largest_gap": 3.2e-12},
    }


def test_the_table_holds_the_numbers(found):
    assert allocation_cells(told(0.0231, 0.58, 0.156, 0.38, 3.6)) == [
        "2.31 ± 0.23",
        "0.58 ± 0.06",
        "15.6 ± 1.6",
        "38 ± 4",
        "3.6 ± 0.4",
    ]
    figure = radius_figure([0.0, 1.0], ["CVaR (radius 0)", "DRO-ES 1"], found["periods"], ["equal <weight>"])
    result = {
        "market": "us20",
        "assets": 20,
        "first": "1992-01-10",
        "last": "2022-12-28",
        "reported_from": "2007-01-03",
        "cost_per_turnover": 5e-4,
        "bounds": {"long short": found},
        "provenance": {"settings": {"seed": 0}},
    }
    page = allocation_page(result, {"long short": {"radius": picture(figure)}})
    rows = [
        [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<t[hd][^>]*>.*?</t[hd]>", row, re.S)]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", page, re.S)
    ]
    assert ["DRO-ES 1", "2.30 ± 0.23", "0.70 ± 0.07", "15.0 ± 1.5", "37 ± 4", "1.6 ± 0.2"] in rows
    assert ["CVaR (radius 0)", "-0.10 ± 0.04", "+0.10 ± 0.04"] in rows
    assert page.count('<tr class="own">') == 2  # once in each period
    assert "2,231 of 2,232 robust programs solved, 2 of them by the fallback; largest duality gap 3.2e-12" in page
    assert "Net of 5 hundredths of a per cent" in page
    assert "equal &lt;weight&gt;" in page
    assert page.count("<img") == 1


def test_the_verdict_tells_noise_from_difference(found):
    verdict = allocation_verdict(found)
    assert "Chosen before by least ES: DRO-ES 1. Its ES of 2.30 ± 0.23 % a day is" in verdict
    assert "less than CVaR (radius 0) (-0.10 ± 0.04)" in verdict
    assert "not told apart from least variance (+0.02 ± 0.04)" in verdict
    assert "more than equal <weight> (+0.80 ± 0.20)" in verdict
    assert "differs from that of CVaR (radius 0) (+0.10 ± 0.04) by two standard errors" in verdict
    found["differences"]["CVaR (radius 0)"]["sharpe"] = [0.0, 0.1]
    assert "differs from that of none of them" in allocation_verdict(found)


def test_the_figure_draws_each_period_and_rival(found):
    names = ["CVaR (radius 0)", "DRO-ES 1"]
    shortfall, sharpe = radius_figure([0.0, 1.0], names, found["periods"], ["equal <weight>"]).axes
    assert [line.get_label() for line in shortfall.get_lines()] == [
        "DRO-ES, earlier",
        "DRO-ES, reported",
        "equal <weight>",
    ]
    assert list(shortfall.get_lines()[1].get_ydata()) == [0.024, 0.023]
    assert list(sharpe.get_lines()[2].get_ydata()) == [0.7, 0.7]
    band = shortfall.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx((0.9 * 0.023, 1.1 * 0.024))


def test_growth_ends_where_the_returns_lead():
    dates = np.arange("2020-01-01", "2020-03-01", dtype="datetime64[D]").astype("datetime64[s]")
    net = np.full(dates.size, 0.01)
    growth, falls = growth_figure(dates, {"one": net, "two": -net}, reported_from=dates[30]).axes
    assert growth.get_lines()[0].get_ydata()[-1] == pytest.approx(1.01**dates.size)
    assert growth.get_lines()[0].get_label() == "one: 1.8"
    assert falls.get_lines()[1].get_ydata()[-1] == pytest.approx(0.99**dates.size - 1.0)
