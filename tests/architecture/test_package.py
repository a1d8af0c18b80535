"""What is installed: every package that is imported is declared, and the wheel holds the library and nothing else."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("aurora_jax", "serve", "sims", "scripts")
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

# pydantic is in two pieces that fit each other only: it asks for one exact version of its core.
PART_OF = {"pydantic-core": "pydantic"}
# Only data are read from it, through importlib.resources.
NEVER_IMPORTED = {"skfolio"}
# What one study compares with, imported where it is used; it comes with `.[peers]`.
OPTIONAL = {"dynamax"}


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def imported():
    """Return the first name of every absolute import."""
    names = set()
    for package in PACKAGES:
        for path in (REPOSITORY / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    names |= {alias.name.split(".")[0] for alias in node.names}
                if isinstance(node, ast.ImportFrom) and node.level == 0:
                    names.add((node.module or "").split(".")[0])
    return names - sys.stdlib_module_names - set(PACKAGES) - OPTIONAL


def test_what_is_imported_is_what_is_declared():
    declared = {normal(re.match(r"[\w.-]+", line)[0]) for line in PROJECT["dependencies"]}
    of = importlib.metadata.packages_distributions()
    needed = {name: {PART_OF.get(normal(found), normal(found)) for found in of[name]} for name in imported()}
    undeclared = {name: found for name, found in needed.items() if not found & declared}
    assert not undeclared
    assert declared - set.union(*needed.values()) == NEVER_IMPORTED


def test_what_is_optional_comes_with_an_extra():
    peers = {normal(re.match(r"[\w.-]+", line)[0]) for line in PROJECT["optional-dependencies"]["peers"]}
    assert peers >= OPTIONAL


def test_the_wheel_holds_the_library_and_nothing_else(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    library = {path for path in (REPOSITORY / "aurora_jax").rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert held == {path.relative_to(REPOSITORY).as_posix() for path in library}
    assert {"aurora_jax/py.typed", "aurora_jax/report/templates/report.html.j2"} < held
