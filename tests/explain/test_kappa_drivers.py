"""Drivers of kappa_plus: exact sums of what the engine reported, by part and asset, and between two bars."""

import numpy as np
import pytest

from aurora_jax.certification import KappaParts
from aurora_jax.engine import Meta
from aurora_jax.explain import Evidence, kappa_drivers
from aurora_jax.explain.plot_drivers import driver_names

# Parts weigh 1 : 2 : 1 within kappa, and kappa 0.6 within kappa_plus.
_META = Meta(KappaParts(1.0, 2.0, 1.0), 0.6, 1.0, 1.0)


def _evidence(uncertainty, weight):
    uncertainty, weight = np.asarray(uncertainty), np.asarray(weight)
    state, model, forecast, coverage = uncertainty @ weight
    kappa = (state + 2.0 * model + forecast) / 4.0
    return Evidence(uncertainty, weight, float(kappa), float(0.6 * kappa + 0.4 * coverage))


_BEFORE = _evidence([[0.4, 0.2], [0.5, 0.1], [0.8, 0.6], [0.0, 0.5]], [0.5, 0.5])
_NOW = _evidence([[0.4, 0.6], [0.1, 0.1], [0.8, 0.2], [1.0, 0.5]], [0.25, 0.75])


def test_two_assets_by_hand():
    found = kappa_drivers(_META, _NOW, _BEFORE, assets=["X", "Y"])
    rows = found.drivers.set_index(["part", "asset"])
    # The model of X: 0.6 (2/4) 0.25 0.1 now, half weight and 0.5 before.
    assert rows.loc[("model", "X"), "contribution"] == pytest.approx(0.3 * 0.25 * 0.1)
    assert rows.loc[("model", "X"), "change"] == pytest.approx(0.3 * (0.25 * 0.1 - 0.5 * 0.5))
    assert rows.loc[("model", "X"), "from_evidence"] == pytest.approx(0.3 * 0.375 * (0.1 - 0.5))
    assert rows.loc[("model", "X"), "from_weights"] == pytest.approx(0.3 * 0.3 * (0.25 - 0.5))
    # The coverage of Y did not move, its weight did.
    assert rows.loc[("coverage", "Y"), "from_evidence"] == 0.0
    assert rows.loc[("coverage", "Y"), "change"] == pytest.approx(0.4 * 0.5 * 0.25)
    assert rows.loc[("coverage", "Y"), "to_kappa"] == 0.0
    assert rows.loc[("state", "Y"), "to_kappa"] == pytest.approx(0.25 * 0.75 * 0.6)
    assert rows.loc[("state", "Y"), "change_to_kappa"] == pytest.approx(0.25 * (0.75 * 0.6 - 0.5 * 0.2))
    assert list(found.drivers["change"].abs()) == sorted(found.drivers["change"].abs(), reverse=True)


def test_the_table_sums_to_what_was_reported():
    found = kappa_drivers(_META, _NOW, _BEFORE)
    table = found.drivers
    assert found.completeness_error < 1e-15
    assert table["contribution"].sum() == pytest.approx(_NOW.kappa_plus, abs=1e-15)
    assert table["change"].sum() == pytest.approx(_NOW.kappa_plus - _BEFORE.kappa_plus, abs=1e-15)
    assert table["change_to_kappa"].sum() == pytest.approx(_NOW.kappa - _BEFORE.kappa, abs=1e-15)
    np.testing.assert_allclose(table["change"], table["from_evidence"] + table["from_weights"], atol=1e-15)
    parts = found.by_part
    assert list(parts.index) == ["state", "model", "forecast", "coverage"]
    assert parts.loc["coverage", "contribution"] == pytest.approx(0.4 * (0.25 * 1.0 + 0.75 * 0.5))


def test_turning_round_turns_the_signs():
    there, back = kappa_drivers(_META, _NOW, _BEFORE).drivers, kappa_drivers(_META, _BEFORE, _NOW).drivers
    there, back = (table.set_index(["part", "asset"]).sort_index() for table in (there, back))
    for column in ("change", "from_evidence", "from_weights", "change_to_kappa"):
        np.testing.assert_allclose(there[column], -back[column], atol=1e-15)


def test_without_a_reference_everything_is_compared_with_no_uncertainty():
    table = kappa_drivers(_META, _NOW).drivers
    np.testing.assert_allclose(table["change"], table["contribution"], atol=1e-15)
    assert (table["from_weights"] == 0.0).all()


def test_a_report_that_does_not_follow_from_its_parts_shows():
    assert kappa_drivers(_META, _NOW._replace(kappa_plus=_NOW.kappa_plus + 0.01)).completeness_error == pytest.approx(
        0.01
    )


def test_what_does_not_fit_is_refused():
    single = _evidence([[0.4], [0.5], [0.8], [0.0]], [1.0])
    with pytest.raises(ValueError, match="the bar is of 2 assets, its reference of 1, names are 2"):
        kappa_drivers(_META, _NOW, single)
    with pytest.raises(ValueError, match="names are 3"):
        kappa_drivers(_META, _NOW, _BEFORE, assets=["X", "Y", "Z"])


def test_it_can_be_drawn():
    found = kappa_drivers(_META, _NOW, _BEFORE, assets=["X", "Y"])
    axes = found.plot().axes[0]
    np.testing.assert_allclose([bar.get_width() for bar in axes.patches], found.drivers["change"])
    first = found.drivers.iloc[0]
    assert axes.get_yticklabels()[0].get_text() == f"{first['part']}, {first['asset']}"


def test_an_asset_is_named_where_there_are_several():
    assert driver_names(["state", "model"], ["X", "Y"]) == ["state, X", "model, Y"]
    assert driver_names(["state", "model"], ["X", "X"]) == ["state", "model"]
