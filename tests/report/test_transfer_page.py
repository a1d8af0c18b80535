"""The transfer study's page says what the numbers are."""

import numpy as np

from aurora_jax.report import graphs_figure, picture, power_figure, transfer_page, transfer_reading, transfer_tables


def _result():
    power = {"ready": 0.9, "not_ready": 0.04, "undecided": 0.06, "standard_error": 0.03, "pairs": 50}
    number = {"value": 0.912, "standard_error": 0.021}
    return {
        "null": {
            "calm": {"false_discovery_rate": 0.02, "standard_error": 0.01, "edges_per_market": 0.1}
            | {"rejected_at_5_percent": 0.041},
            "late": {"false_discovery_rate": 0.5, "standard_error": 0.05, "edges_per_market": 2.0}
            | {"rejected_at_5_percent": 0.1},
        },
        "recovery": {"4 assets": {"f1": 0.8, "standard_error": 0.02, "precision": 0.9, "recall": 0.7}},
        "power": {"same law": {"1024": power | {"ready": 0.4}, "4096": power}},
        "pairs": {
            "A to B": {"verdict": "NOT_READY", "ctr": number, "dcts": number, "d_tail_index": number}
            | {"d_hurst": {"value": None, "standard_error": None}}
        },
        "provenance": {"settings": {"seed": 0}},
    }


def test_tables_by_hand():
    null, recovery, power, pairs = transfer_tables(_result())
    assert null.rows[0] == ["calm", "2 ± 1 %", "0.10", "4.1 %"]
    assert recovery.rows == [["4 assets", "0.80 ± 0.02", "0.90", "0.70"]]
    assert power.rows[1] == ["same law", "4,096", "90 ± 3 %", "4 %", "6 %"]
    assert pairs.rows == [["A to B", "NOT_READY", "0.912 ± 0.021", "0.912 ± 0.021", "0.912 ± 0.021", "none"]]


def test_the_reading_names_what_is_over_the_rate():
    told = transfer_reading(_result())
    assert "late" in told
    assert "calm" not in told
    assert "same law, 4,096 bars: READY 90 %" in told


def test_the_page_holds_tables_and_figures():
    truth = np.zeros((3, 3), bool)
    truth[0, 1] = truth[1, 2] = True
    figures = {
        "graph": graphs_figure(truth.T, truth),
        "power": power_figure({"same law": [(1024.0, 0.4, 0.05), (4096.0, 0.9, 0.03)]}),
    }
    page = transfer_page(_result(), {name: picture(figure) for name, figure in figures.items()})
    assert page.count("<table>") == 4
    assert page.count("<img") == 2
    assert "90 ± 3 %" in page
