"""Every contract on imports is broken once, on purpose, to see that it is kept."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("aurora_jax", "serve", "sims", "scripts")
SETTINGS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]

OFFENCES = {
    "floors": ("aurora_jax/stochastic/offence.py", "import aurora_jax.invariants\n"),
    "pure-maths": ("aurora_jax/crossbar/offence.py", "import pandas\n"),
    "ray-in-shells": ("aurora_jax/engine/offence.py", "import ray\n"),
    "student-teacher": ("aurora_jax/student/offence.py", "import aurora_jax.teacher\n"),
    "certification-models": ("aurora_jax/certification/offence.py", "import flax\n"),
    "offline": ("aurora_jax/serving/offence.py", "import httpx\n"),
}


@pytest.fixture
def copy(tmp_path):
    for package in PACKAGES:
        shutil.copytree(REPOSITORY / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "*.j2"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path, contract: str) -> subprocess.CompletedProcess:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", program, "--contract", contract, "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("contract", [contract["id"] for contract in SETTINGS["contracts"]])
def test_a_broken_contract_is_noticed(copy, contract):
    path, line = OFFENCES[contract]
    (copy / path).write_text(line)
    done = lint(copy, contract)
    assert done.returncode != 0, done.stdout
    assert "BROKEN" in done.stdout
    (copy / path).unlink()
    kept = lint(copy, contract)
    assert kept.returncode == 0, kept.stdout + kept.stderr


def test_every_package_has_a_floor():
    floors = {name.strip() for layer in SETTINGS["contracts"][0]["layers"] for name in layer.split("|")}
    packages = {f"aurora_jax.{path.parent.name}" for path in (REPOSITORY / "aurora_jax").glob("*/__init__.py")}
    assert packages <= floors


def python_files():
    return [path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py")]


def test_files_are_small_and_named_after_what_they_hold():
    too_long = {str(p): n for p in python_files() if (n := len(p.read_text().splitlines())) > 400}
    assert not too_long
    assert not [p for p in python_files() if p.stem in ("utils", "helpers", "common", "misc")]
