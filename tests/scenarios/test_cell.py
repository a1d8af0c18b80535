import pytest

from aurora_jax.core import Regime
from aurora_jax.scenarios import Cell, Family, FractionalGaussian, Severity

AR, GARCH = Regime.AR, Regime.GARCH


def cell(**changes):
    settings = {"name": "a", "family": Family.BASELINE, "regimes": (AR, GARCH), "block_steps": 8, "paths": 4}
    return Cell(**{**settings, **changes})


def test_steps_are_those_of_all_blocks():
    assert cell().steps == 16


def test_description_is_plain_and_tells_cells_apart():
    rough = cell(family=Family.ROUGH, severity=Severity(hurst=0.05))
    assert rough.severity.changes() == {"hurst": 0.05}
    assert rough.description()["severity"].items() >= {"volatility": 1.0, "hurst": 0.05, "contagion": None}.items()
    assert rough.description()["regimes"] == ["AR", "GARCH"]
    assert rough.description() != cell(family=Family.ROUGH, severity=Severity(hurst=0.06)).description()
    exam = cell(family=Family.GROUND_TRUTH_FGN, law=FractionalGaussian(hurst=0.3))
    assert exam.description()["law"] == {"name": "FractionalGaussian", "hurst": 0.3, "assets": 2, "scale": 0.01}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Has Space"}, "'Has Space'"),
        ({"name": "../up"}, "up'"),
        ({"paths": 0}, "paths must be at least 1, was 0"),
        ({"block_steps": -1}, "block_steps must be at least 1, was -1"),
        ({"regimes": ()}, "at least one block"),
        ({"regimes": (AR, Regime.TRANS)}, "TRANS is what a flip looks like"),
        ({"law": FractionalGaussian(hurst=0.3)}, "baseline takes no closed-form law"),
        ({"family": Family.GROUND_TRUTH_FGN}, "needs a closed-form law"),
        ({"severity": Severity(drift=0.1)}, "baseline must leave severity at its defaults"),
        ({"family": Family.ROUGH}, r"rough needs severity\.hurst"),
        ({"family": Family.HEAVY_TAIL}, r"jump_intensity > 1, was 1\.0"),
        ({"family": Family.PERSISTENT}, r"needs severity\.scale_persistence_bars"),
        ({"family": Family.JUMP_CLUSTER}, r"needs severity\.branching_ratio"),
        ({"family": Family.CONTAGION}, r"needs severity\.contagion"),
        ({"family": Family.LIQUIDITY_CRASH}, r"needs severity\.liquidity < 1, was 1\.0"),
        ({"family": Family.FRACTIONAL_PRICES}, r"needs severity\.price_hurst"),
        ({"family": Family.REGIME_FLIP, "regimes": (AR, AR)}, "two different regimes"),
        (
            {
                "family": Family.GROUND_TRUTH_FGN,
                "law": FractionalGaussian(hurst=0.3),
                "severity": Severity(volatility=2.0),
            },
            "would falsify",
        ),
    ],
)
def test_a_cell_that_is_not_what_its_family_says_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        cell(**changes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"volatility": 0.0}, r"severity\.volatility must be positive, was 0\.0"),
        ({"liquidity": -1.0}, r"severity\.liquidity must be positive, was -1\.0"),
        ({"contagion": 1.0}, r"severity\.contagion must lie in \(0, 1\), was 1\.0"),
        ({"degrees_of_freedom": 2.0}, r"severity\.degrees_of_freedom must exceed 2\.0, was 2\.0"),
        ({"scale_persistence_bars": 0.1}, r"severity\.scale_persistence_bars must exceed 0\.2, was 0\.1"),
        ({"jump_intensity": float("inf")}, "severity.jump_intensity must be positive, was inf"),
        ({"hurst": 1.0}, r"severity\.hurst must lie in \(0, 1\), was 1\.0"),
        ({"drift": float("nan")}, r"severity\.drift must be finite"),
    ],
)
def test_severity_out_of_range_names_the_value(settings, message):
    with pytest.raises(ValueError, match=message):
        Severity(**settings)


def test_only_ground_truth_families_do_without_a_teacher():
    assert {family for family in Family if not family.needs_teacher} == {
        Family.GROUND_TRUTH_FGN,
        Family.GROUND_TRUTH_STUDENT_T,
        Family.GROUND_TRUTH_MAX_AUTOREGRESSION,
        Family.GROUND_TRUTH_ARCH,
        Family.GROUND_TRUTH_HAWKES,
    }


def test_families_promise_what_they_stress_and_the_catalogue_may_ask_otherwise():
    """By hand: impact of a quarter of the depth doubles, of two quiet bars each."""
    rough = cell(family=Family.ROUGH, severity=Severity(hurst=0.05), targets={"hurst": 0.5})
    assert rough.asked() == ({"volatility_hurst": 0.05, "hurst": 0.5}, {})
    crash = {"family": Family.LIQUIDITY_CRASH, "severity": Severity(liquidity=0.25)}
    assert cell(**crash).asked() == ({}, {"jump_impact": (4.0, None)})
    assert cell(**crash, bounds={"jump_impact": (3.0, None)}).asked() == ({}, {"jump_impact": (3.0, None)})
    assert cell(**crash, targets={"jump_impact": 5.0}).asked() == ({"jump_impact": 5.0}, {})
    assert cell().asked() == ({}, {})
    assert rough.description()["targets"] == {"hurst": 0.5}  # what the catalogue says decides the digest
