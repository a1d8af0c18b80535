"""The command without Ray: what it prints, and what it refuses in one line."""

import shutil

import pytest
import yaml
from typer.testing import CliRunner

from aurora_jax.config import load_config
from aurora_jax.config.seb_plus import SebPlusConfig
from aurora_jax.farm import FarmError, plan
from aurora_jax.scenarios import cells
from aurora_jax.teacher import reference_teacher
from sims.seb_plus import app, generate
from tests.farm.conftest import make
from tests.sims.conftest import REPOSITORY, TINY


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def made(tiny, tmp_path_factory):
    """Return the tiny data set, made without Ray."""
    teacher = reference_teacher(3)
    return make(tmp_path_factory.mktemp("made"), plan(load_config(SebPlusConfig, tiny), teacher=teacher), teacher)


@pytest.fixture
def complete(made, tmp_path):
    return shutil.copytree(made, tmp_path / "made")


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--memory-per-worker", "0"], "greater than or equal to 0.01"),
        (["--gpus-per-worker", "-1"], "greater than or equal to 0"),
        (["--workers", "0"], "greater than or equal to 1"),
    ],
)
def test_an_option_out_of_range_is_refused_with_its_range(tiny, tmp_path, arguments, message):
    result = call("--config", tiny, "--out", tmp_path / "out", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())
    assert not (tmp_path / "out").exists()


def test_no_memory_is_not_as_much_as_there_is(tiny, tmp_path):
    config = load_config(SebPlusConfig, tiny)
    with pytest.raises(FarmError, match=r"and 0 are available"):
        generate(config, tmp_path / "out", memory_per_worker=0)


def test_a_gpus_plan_is_another_one(tiny, tmp_path, complete):
    """Its chunks have other digests, so those of the CPU are in the way, and refused."""
    result = call("--config", tiny, "--out", complete, "--cells", "exam", "--gpus-per-worker", "0.5")
    assert result.exit_code == 1
    assert "chunks of another plan" in result.stderr
    result = call("--config", tiny, "--out", tmp_path, "--cells", "exam", "--gpus-per-worker", "1.5")
    assert "gpus_per_worker must be 0, a fraction of one GPU, or a whole number, was 1.5" in result.stderr


def test_cells_that_are_gone_are_told_and_the_rest_is_done(tiny, complete):
    """Both cells made, then one folder deleted: a command for the other says that it is no longer listed."""
    shutil.rmtree(complete / "cell=calm")
    result = call("--config", tiny, "--out", complete, "--cells", "exam", "--no-page")
    assert result.exit_code == 0, result.output
    assert "no longer listed: cell 'calm' (" in result.output
    assert cells(complete) == ("exam",)
    (complete / "_dataset.json").write_text("{")
    (complete / "cell=calm").mkdir()
    (complete / "cell=calm" / "_part-00000-0123456789ab.json").write_text("{}")
    result = call("--config", tiny, "--out", complete, "--cells", "exam", "--no-page")
    assert result.exit_code == 1
    assert "it alone lists earlier runs' cells: calm" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_page_that_cannot_be_written_is_one_line_after_the_summary(tiny, complete, monkeypatch):
    (complete / "_index.html").mkdir()
    monkeypatch.setattr("sims.page._drawn", lambda *_: "<p>drawn</p>")
    result = call("--config", tiny, "--out", complete)
    assert result.exit_code == 1
    assert "0 chunks made, 3 kept" in result.output
    assert (
        result.stderr
        == f"error: {complete}: cannot write here (Is a directory); choose another --out or change its permissions.\n"
    )


@pytest.mark.parametrize("error", [OSError(5, "Input/output error", "/x/part"), OSError("no font")])
def test_a_disk_that_fails_under_the_page_is_one_line(tiny, complete, monkeypatch, error):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("sims.page._drawn", fail)
    result = call("--config", tiny, "--out", complete)
    assert result.exit_code == 1
    assert "the page could not be drawn (" in result.stderr
    assert "the data are complete, and --no-page leaves the page out" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_script_can_be_run_as_it_lies():
    script = REPOSITORY / "sims" / "seb_plus.py"
    assert script.stat().st_mode & 0o111 == 0o111
    assert script.read_text().startswith("#!/usr/bin/env python\n")
