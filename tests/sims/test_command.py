"""The command without Ray: what it prints, and what it refuses in one line."""

import pytest
import yaml
from typer.testing import CliRunner

from sims.seb_plus import app
from tests.sims.conftest import REPOSITORY, TINY


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_list_prints_the_shipped_catalogue():
    result = call("--list")
    assert result.exit_code == 0
    for word in (
        "baseline",
        "rough",
        "hurst 0.07",
        "heavy_tail",
        "regime_flip",
        "exam_student_t",
        "AR AR GARCH GARCH x 128",
    ):
        assert word in result.output


def test_dry_run_prints_the_plan_and_writes_nothing(tiny, tmp_path):
    out = tmp_path / "out"
    result = call("--config", tiny, "--out", out, "--dry-run")
    assert result.exit_code == 0
    rows = [line.replace("│", " ").split() for line in result.output.splitlines()]
    assert ["exam", "2", "0", "4", "256"] in [row[:5] for row in rows]  # chunks, already there, paths, path-steps
    assert ["calm", "1", "0", "2", "16"] in [row[:5] for row in rows]
    assert ["total", "3", "0", "6", "272"] in [row[:5] for row in rows]
    assert not out.exists()


def test_options_may_come_from_the_environment(tiny, monkeypatch):
    """A cluster job is configured this way when its command line is fixed."""
    monkeypatch.setenv("AURORA_SEB_PLUS_CONFIG", str(tiny))
    monkeypatch.setenv("AURORA_SEB_PLUS_CELLS", "calm")
    result = call("--list")
    assert "calm" in result.output
    assert "exam" not in result.output


def test_help_teaches_the_first_steps():
    result = call("--help")
    assert result.exit_code == 0
    for word in ("--dry-run", "--cells baseline", "ray job submit", "resumes", "aurora_jax.scenarios.load"):
        assert word in result.output


def file_in_the_way(tmp_path):
    (tmp_path / "out").write_text("here")
    return []


def unknown_key(tmp_path):
    (tmp_path / "typo.yaml").write_text(yaml.safe_dump({**TINY, "shard_path": 3}))
    return ["--config", tmp_path / "typo.yaml"]


@pytest.mark.parametrize(
    ("arrange", "message"),
    [
        (
            lambda tmp_path: ["--config", tmp_path / "none.yaml"],
            "no such file; the shipped configurations are in",
        ),
        (unknown_key, "shard_path: unknown key; did you mean 'shard_paths'?"),
        (lambda tmp_path: ["--cells", "exma"], "no cell 'exma'; did you mean 'exam'?"),
        (lambda tmp_path: ["--paths", "0"], "paths must be at least 1, was 0"),
        (lambda tmp_path: ["--seed", "-1"], "seed must lie in"),
        (lambda tmp_path: ["--teacher", tmp_path / "none"], "none"),
        (lambda tmp_path: ["--memory-per-worker", "0.5"], "536,870,912 are available (0.50 GiB)"),
        (file_in_the_way, "cannot write here (File exists); choose another --out"),
        (
            lambda tmp_path: ["--out", tmp_path / "runtime_resources" / "working_dir_files" / "x" / "out"],
            "Ray's temporary upload, which Ray deletes; give an absolute path",
        ),
    ],
)
def test_a_run_that_cannot_be_is_refused_in_one_line(tiny, tmp_path, arrange, message):
    result = call("--config", tiny, "--out", tmp_path / "out", *arrange(tmp_path))
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_script_can_be_run_as_it_lies():
    script = REPOSITORY / "sims" / "seb_plus.py"
    assert script.stat().st_mode & 0o111 == 0o111
    assert script.read_text().startswith("#!/usr/bin/env python\n")
