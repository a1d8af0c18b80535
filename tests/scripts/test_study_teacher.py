"""The study as its user runs it: one command trains what it lacks, keeps what it has, and leaves a page."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from aurora_jax.config import TeacherConfig
from aurora_jax.data import load_packaged, split
from aurora_jax.signatures import robust_normalised, signature, with_time_and_lag
from aurora_jax.training import code_digest
from scripts import study_variants
from scripts.study_teacher import app
from scripts.study_variants import is_trained, train_variants

SMALL = {
    "seed": 3,
    "data": "sp500",
    "periods": {"train_end": "2003-01-01", "validation_end": "2005-01-01", "embargo_bars": 0},
    "block_bars": 64,
    "model": {"width": 4, "depth": 1, "embedding_size": 2},
    "signature": {"windows": 4, "window_bars": 16, "channels": 1, "depth": 2},
    "optimiser": {"steps": 2, "learning_rate": 1e-3, "validate_every": 2, "checkpoint_every": 2},
}


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def fails(*arguments):
    done = run(*arguments)
    assert done.exit_code == 1, done.output
    lines = [line for line in done.output.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, done.output
    assert "Traceback" not in done.output
    return lines[0]


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "teacher.yaml"
    path.write_text(yaml.safe_dump(SMALL))
    return path


def test_a_teacher_that_is_not_there_is_told_with_both_remedies(config, tmp_path):
    line = fails("--config", config, "--teacher", tmp_path / "none", "--out", tmp_path / "out")
    assert f"{tmp_path / 'none'} holds no teacher.safetensors" in line
    assert "scripts/train_teacher.py" in line
    assert "--train" in line
    assert not (tmp_path / "out").exists()


def test_an_unknown_part_is_refused_before_any_training(config, tmp_path):
    line = fails("--config", config, "--train", "--ablations", "no jump", "--out", tmp_path / "out")
    assert "'no jump' is unknown; choose among no jumps, no roughness, no excitation." in line
    assert not (tmp_path / "out").exists()


def test_an_ablation_needs_its_folder(config, tmp_path):
    assert "--ablation must be NAME=FOLDER, was bare" in fails("--config", config, "--ablation", "bare")


@pytest.fixture
def trained(monkeypatch):
    """Replace the training by one that only says what it was asked for."""
    asked = []

    def train(config, out, *, console):
        out.mkdir(parents=True)
        summary = {"config_digest": config.digest(), "data": {"sha256": load_packaged("sp500").digest}}
        summary["code_digest"] = code_digest()
        (out / "summary.json").write_text(json.dumps(summary))
        (out / "teacher.safetensors").write_bytes(b"")
        asked.append((out.name, config.model.ablation))

    monkeypatch.setattr(study_variants, "train", train)
    return asked


def test_each_variant_lacks_its_own_part_and_what_is_trained_is_kept(trained, tmp_path, monkeypatch):
    path = tmp_path / "teacher" / "summary.json"
    config, market = TeacherConfig(**SMALL), load_packaged("sp500")
    names = ["no jumps", "no roughness", "no excitation"]
    found = train_variants(config, market, tmp_path, names, console=Console(quiet=True))
    assert list(found) == ["teacher", *names]
    assert [name for name, _ in trained] == ["teacher", "no_jumps", "no_roughness", "no_excitation"]
    switches = [(one.no_jumps, one.no_rough, one.no_hawkes) for _, one in trained]
    assert switches == [(False, False, False), (True, False, False), (False, True, False), (False, False, True)]
    train_variants(config, market, tmp_path, names, console=Console(quiet=True))
    assert len(trained) == 4
    # Other settings or data are another training.
    assert is_trained(tmp_path / "teacher", config, market)
    assert not is_trained(tmp_path / "teacher", config.updated(seed=4), market)
    assert not is_trained(tmp_path / "teacher", config, load_packaged("nasdaq"))
    assert not is_trained(tmp_path / "no_jumps", config, market)
    # So is other code: another likelihood must not be compared as if it were this one.
    with monkeypatch.context() as patch:
        patch.setattr(study_variants, "code_digest", lambda: "0123456789abcdef")
        assert not is_trained(tmp_path / "teacher", config, market)
    old = {name: value for name, value in json.loads(path.read_text()).items() if name != "code_digest"}
    path.write_text(json.dumps(old))  # trained before its code had a name
    assert not is_trained(tmp_path / "teacher", config, market)
    path.write_text(json.dumps({**old, "code_digest": code_digest()}))
    assert is_trained(tmp_path / "teacher", config, market)
    (tmp_path / "teacher" / "teacher.safetensors").unlink()
    assert not is_trained(tmp_path / "teacher", config, market)


def training_bandwidth():
    """The median distance between windows of 64 bars of the training years alone: pairs one by one."""
    returns = np.asarray(split(load_packaged("sp500"), **SMALL["periods"]).train.log_returns(), float)[:, 0]
    windows = returns[: len(returns) // 64 * 64].reshape(-1, 64) / returns.std()
    paths = np.concatenate([np.zeros((len(windows), 1)), np.cumsum(windows, axis=1)], axis=1)[:, :, None]
    one = jax.jit(lambda path: signature(with_time_and_lag(path), depth=3))
    z = np.asarray(robust_normalised(jnp.stack([one(path) for path in paths])))
    z = z / np.sqrt(1.0 + (z / 8.0) ** 2)
    squares = [np.mean((z[i] - z[j]) ** 2) for i in range(len(z)) for j in range(i)]
    return np.sqrt(np.median(squares))


@pytest.mark.slow  # trains a teacher for two steps, and its embedder
def test_one_command_trains_studies_and_leaves_a_page(config, tmp_path):
    arguments = ["--config", config, "--train", "--ablations", "", "--out", tmp_path / "out", "--copies", "2"]
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    result = json.loads((tmp_path / "out" / "study.json").read_text())
    assert list(result["distances"]) == ["GARCH-t", "Gaussian", "teacher"]  # canonical: sorted
    assert result["held_out_from"] > "2005-01-01"
    assert {row["market"] for row in result["invariants"]} == {"real", "teacher", "GARCH-t", "Gaussian"}
    assert result["provenance"]["settings"]["bandwidth"] == pytest.approx(training_bandwidth(), rel=1e-4)
    page = (tmp_path / "out" / "study.html").read_text()
    assert f"{result['distances']['GARCH-t']['value']:.4f}" in page
    assert page.count("data:image/png;base64,") == 4
    again = run(*arguments)
    assert "kept, trained before" in again.output
    assert json.loads((tmp_path / "out" / "study.json").read_text()) == result
