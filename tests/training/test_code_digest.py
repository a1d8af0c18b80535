"""The name of the code changes with what the code does, and with nothing else."""

import shutil
from pathlib import Path

import jax
import pytest

import aurora_jax
from aurora_jax.training import code_digest

SOURCE = '"""An idea."""\n\n\ndef idea(x):\n    """Do."""\n    return 2 * x\n'
LIBRARY = Path(aurora_jax.__file__).parent


@pytest.fixture
def library(tmp_path):
    """A small library with a module in every package that decides a result, and one that decides none."""
    for package in ("core", "router", "signatures", "stochastic", "teacher", "timeseries", "training", "report"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "idea.py").write_text(SOURCE)
    return tmp_path


@pytest.mark.parametrize("package", ["core", "router", "signatures", "stochastic", "teacher", "timeseries", "training"])
def test_another_sign_in_any_deciding_package_is_another_code(library, package):
    before = code_digest(library)
    path = library / package / "idea.py"
    path.write_text(path.read_text().replace("2 * x", "-2 * x"))
    assert code_digest(library) != before


def test_a_file_more_or_of_another_name_is_another_code(library):
    before = code_digest(library)
    shutil.move(library / "teacher" / "idea.py", library / "teacher" / "other.py")
    moved = code_digest(library)
    (library / "teacher" / "inner").mkdir()
    (library / "teacher" / "inner" / "more.py").write_text("x = 1\n")
    assert len({before, moved, code_digest(library)}) == 3


def test_other_packages_may_decide(library):
    before = code_digest(library, packages=("report",))
    (library / "teacher" / "idea.py").write_text("x = 1\n")
    assert code_digest(library, packages=("report",)) == before
    (library / "report" / "idea.py").write_text("x = 1\n")
    assert code_digest(library, packages=("report",)) != before


def test_words_layout_and_other_packages_are_not(library):
    before = code_digest(library)
    (library / "teacher" / "idea.py").write_text('"""Another text."""\n# Why.\ndef idea( x ):\n    return (2*x)\n')
    (library / "report" / "idea.py").write_text("x = 1\n")
    assert code_digest(library) == before


def test_another_jax_is_another_code(library, monkeypatch):
    before = code_digest(library)
    monkeypatch.setattr(jax, "__version__", "0.0.1")
    assert code_digest(library) != before


def test_the_librarys_own_likelihood_decides(tmp_path):
    """The real sources, with one line of the likelihood changed."""
    for package in ("core", "router", "signatures", "stochastic", "teacher", "timeseries", "training"):
        shutil.copytree(LIBRARY / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    assert code_digest(tmp_path) == code_digest()
    path = tmp_path / "teacher" / "likelihood.py"
    path.write_text(path.read_text().replace("jnp.mean(", "jnp.sum(", 1))
    assert code_digest(tmp_path) != code_digest()
