"""The study's page says what the numbers say."""

import re

import pytest

from aurora_jax.report import picture, study_page, verdict
from aurora_jax.report.study import distances_figure


def gap(difference, error=0.01):
    return {"difference": difference, "standard_error": error}


@pytest.fixture
def result():
    def row(market, name, value, error, z):
        return {"market": market, "name": name, "value": value, "standard_error": error, "z": z}

    def distance(value):
        return {"value": value, "standard_error": 0.0118, "p_value": 0.31}

    return {
        "market": "coins <hourly>",
        "held_out_from": "2021-03-01T00:00:00",
        "windows": 30,
        "window_bars": 64,
        "copies": 16,
        "distances": {"teacher": distance(0.0154), "GARCH-t": distance(0.0671), "Gaussian": distance(0.097)},
        "differences": {"teacher less GARCH-t": gap(-0.0517, 0.0088), "teacher less Gaussian": gap(-0.0816, 0.0279)},
        "invariants": [
            row("real", "hurst", 0.452, 0.016, 0.0),
            row("real", "tail_index", 0.311, 0.057, 0.0),
            row("teacher", "hurst", 0.493, 0.001, 2.4),
            row("teacher", "tail_index", 0.333, 0.002, 0.4),
            row("GARCH-t", "hurst", 0.5, 0.001, 2.9),
        ],
        "provenance": {"settings": {"seed": 1337}, "data": {"SHA-256": "abc"}},
    }


def rows_of(page):
    """Return the cells of each table row, without tags."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.S)
    return [[re.sub("<[^>]+>", "", c) for c in re.findall(r"<t[hd][^>]*>.*?</t[hd]>", row, re.S)] for row in rows]


def test_the_tables_hold_the_numbers(result):
    rows = rows_of(study_page(result, {}))
    assert ["teacher", "0.0154", "0.0118", "0.310", "", ""] in rows
    assert ["GARCH-t", "0.0671", "0.0118", "0.310", "-0.0517 ± 0.0088", "-5.9"] in rows
    assert ["Market", "Hurst exponent H", "Tail index ξ"] in rows
    assert ["held-out market", "0.452 ± 0.016", "0.311 ± 0.057"] in rows
    assert ["teacher", "0.493 ± 0.001 (+2.4)", "0.333 ± 0.002 (+0.4)"] in rows
    assert ["GARCH-t", "0.500 ± 0.001 (+2.9)", "–"] in rows


def test_colours_are_for_two_standard_errors(result):
    page = study_page(result, {})
    assert '<td class="number nearer">-5.9</td>' in page
    assert '<td class="number farther">0.493 ± 0.001 (+2.4)</td>' in page
    assert '<td class="number nearer">0.333 ± 0.002 (+0.4)</td>' in page
    assert '<td class="number real">0.452 ± 0.016</td>' in page


def test_names_are_escaped_and_nothing_is_fetched(result):
    page = study_page(result, {"distances": picture(distances_figure({"teacher": (0.1, 0.02)}))})
    assert "coins &lt;hourly&gt;" in page
    assert "<hourly>" not in page
    assert "data:image/png;base64," in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert page == study_page(result, {"distances": picture(distances_figure({"teacher": (0.1, 0.02)}))})


@pytest.mark.parametrize(
    ("differences", "said"),
    [
        ({"A": -0.03}, "is nearer to the market than A (-3.0)."),
        ({"A": 0.015}, "is not told apart from A (+1.5)."),
        ({"A": 0.021}, "is farther from the market than A (+2.1)."),
        ({"A": -0.03, "B": 0.0}, "is nearer to the market than A (-3.0); it is not told apart from B (+0.0)."),
    ],
)
def test_the_verdict_by_hand(differences, said):
    found = verdict({f"teacher less {name}": gap(value) for name, value in differences.items()})
    assert found.startswith("The teacher " + said)


def test_differences_without_an_error_are_not_told_apart():
    """Two models that are one and the same have no difference, and no error of it."""
    assert "is not told apart from A" in verdict({"teacher less A": gap(0.0, 0.0)})
