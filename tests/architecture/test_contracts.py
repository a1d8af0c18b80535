"""Every contract on imports is broken on purpose, in each way that it forbids, to see that it is kept."""

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("aurora_jax", "serve", "sims", "scripts")
SETTINGS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract for contract in SETTINGS["contracts"]}

FLOORS = [{name.strip() for name in layer.split("|")} for layer in reversed(CONTRACTS["floors"]["layers"])]
PURE = set.union(*FLOORS[:3]) - {"data", "scenarios"}

# Importing module, what it imports, and the contract that forbids it.
OFFENCES = [
    ("aurora_jax.core.offence", "scripts", "shells"),
    ("sims.offence", "serve.deployment", "shells"),
    ("aurora_jax.stochastic.offence", "aurora_jax.invariants", "floors"),
    ("aurora_jax.engine.offence", "aurora_jax.serving", "floors"),
    ("aurora_jax.crossbar.offence", "pandas", "pure-maths"),
    ("aurora_jax.core.offence", "os", "pure-maths"),
    *(
        ("aurora_jax.teacher.offence", name, "pure-maths")
        for name in ("os", "io", "csv", "shutil", "tempfile", "sqlite3")
    ),
    ("aurora_jax.student.offence", "pickle", "pure-maths"),
    ("aurora_jax.router.offence", "json", "pure-maths"),
    ("aurora_jax.optimise.offence", "subprocess", "pure-maths"),
    ("aurora_jax.engine.offence", "ray", "ray-in-shells"),
    ("scripts.offence", "ray", "ray-in-commands"),
    ("aurora_jax.student.offence", "aurora_jax.teacher", "student-teacher"),
    ("aurora_jax.certification.offence", "flax", "certification-models"),
    ("aurora_jax.certification.offence", "aurora_jax.crossbar", "certification-models"),
    ("aurora_jax.serving.offence", "httpx", "offline"),
    ("aurora_jax.engine.offence", "urllib.request", "offline"),
    ("aurora_jax.engine.offence", "http.client", "offline"),
    ("aurora_jax.data.offence", "socket", "offline"),
]


def lint(folder: Path, *arguments: str) -> str:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", program, "--no-cache", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120).stdout


def copy_to(folder: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(REPOSITORY / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "*.j2"))
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    return folder


@pytest.fixture(scope="module")
def complaints(tmp_path_factory):
    """Commit every offence at once; return what the linter says of each contract, by its name."""
    folder = copy_to(tmp_path_factory.mktemp("offences"))
    for importer, imported, _ in OFFENCES:
        with (folder / f"{importer.replace('.', '/')}.py").open("a") as file:
            file.write(f"import {imported}\n")
    heading = "Broken contracts"
    said = lint(folder).partition(heading)[2]
    names = [contract["name"] for contract in CONTRACTS.values()]
    starts = sorted((said.index(f"{name}\n---"), name) for name in names if f"{name}\n---" in said)
    ends = [start for start, _ in starts[1:]] + [len(said)]
    return {name: said[start:end] for (start, name), end in zip(starts, ends, strict=True)}


@pytest.mark.parametrize(("importer", "imported", "contract"), OFFENCES)
def test_a_forbidden_import_is_noticed(complaints, importer, imported, contract):
    # The standard library and other packages are known by their first name.
    known_as = imported if imported.split(".")[0] in PACKAGES else imported.split(".")[0]
    assert f"{importer} -> {known_as} (l." in complaints[CONTRACTS[contract]["name"]]


def test_every_contract_has_an_offence_against_it():
    assert {contract for _, _, contract in OFFENCES} == set(CONTRACTS)


def test_the_contracts_are_kept():
    said = lint(REPOSITORY)
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in said, said


def test_a_module_without_a_floor_is_noticed(tmp_path):
    (copy_to(tmp_path) / "aurora_jax" / "stray.py").write_text("import aurora_jax.serving\n")
    assert "stray" in lint(tmp_path, "--contract", "floors").partition("Broken contracts")[2]


def test_every_package_of_the_lowest_floors_is_pure_maths():
    assert set(CONTRACTS["pure-maths"]["source_modules"]) == {f"aurora_jax.{name}" for name in PURE}


def test_pure_maths_opens_no_file_without_an_import():
    builtin = {"open", "exec", "eval", "__import__"}
    methods = {"load", "loadtxt", "genfromtxt", "fromfile", "memmap", "save", "savez", "savetxt", "tofile"}
    found = []
    for name in sorted(PURE):
        for path in (REPOSITORY / "aurora_jax" / name).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                called = node.func if isinstance(node, ast.Call) else None
                if isinstance(called, ast.Name) and called.id in builtin:
                    found.append(f"{path}:{node.lineno}")
                if isinstance(called, ast.Attribute) and called.attr in methods:
                    found.append(f"{path}:{node.lineno}")
    assert not found


def test_the_service_knows_nothing_of_http_but_the_statuses():
    """The linter sees only that something of `http` is imported, not what."""
    imported = set()
    for path in (REPOSITORY / "aurora_jax" / "serving").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names if alias.name.startswith("http")}
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("http"):
                imported |= {f"{node.module}.{alias.name}" for alias in node.names}
    assert imported == {"http.HTTPStatus"}


def python_files():
    return [path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py")]


def test_files_are_small_and_named_after_what_they_hold():
    too_long = {str(p): n for p in python_files() if (n := len(p.read_text().splitlines())) > 400}
    assert not too_long
    assert not [p for p in python_files() if p.stem in ("utils", "helpers", "common", "misc")]
