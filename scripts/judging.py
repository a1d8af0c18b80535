"""The figures by which a router is judged, and the record that they are computed from."""

import io
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pandas as pd

from aurora_jax.core import PRNGKey
from aurora_jax.data import write_bytes_whole
from aurora_jax.inference import debiased_calibration_error, expected_calibration_error
from aurora_jax.router import FAMILIES, Router, bayes_family, draw_families, monotonicity_violations
from aurora_jax.training import Held, LabelledKnown

_BINS = 10
_RECORD = "held_out.parquet"


def drawn_families(key: PRNGKey, weights) -> np.ndarray:
    """Draw the family of each window from its BIC weights."""
    return np.asarray(draw_families(key, jnp.asarray(weights)))


def calibration_of(key: PRNGKey, probabilities: np.ndarray, weights: np.ndarray) -> dict:
    """Return the calibration against families drawn from the BIC weights, and against the heaviest family.

    The second cannot be 0 for a router that reports the weights exactly: what it then is, stands beside it.
    """
    drawn, heaviest = drawn_families(key, weights), np.argmax(weights, axis=1)
    logs = np.log(np.maximum(probabilities, 1e-12)), np.log(np.maximum(weights, 1e-12))
    return {
        "windows": len(weights),
        "ece": float(expected_calibration_error(probabilities, drawn, bins=_BINS)),
        "debiased_ece": float(debiased_calibration_error(probabilities, drawn, bins=_BINS)),
        "ece_against_heaviest": float(expected_calibration_error(probabilities, heaviest, bins=_BINS)),
        "ece_against_heaviest_of_bic_itself": float(expected_calibration_error(weights, heaviest, bins=_BINS)),
        "agrees_with_bic": float(np.mean(np.argmax(probabilities, axis=1) == heaviest)),
        "cross_entropy_nats": float(-np.mean(np.sum(weights * logs[0], axis=1))),
        "entropy_of_labels_nats": float(-np.mean(np.sum(weights * logs[1], axis=1))),
        "shares_bic": dict(zip(FAMILIES, weights.mean(axis=0).tolist(), strict=True)),
        "shares_router": dict(zip(FAMILIES, probabilities.mean(axis=0).tolist(), strict=True)),
    }


def monotonicity_of(held: Held) -> dict:
    """Return shares of falling steps: of the router and of BIC, averaged over mirror images and without."""
    weights = np.asarray(held.path_weights)
    points = weights.shape[2]
    found = {
        "violations": held.along,
        "violations_of_bic": weights.mean(axis=1),
        "violations_without_mirror": held.along_plain,
        "violations_of_bic_without_mirror": weights[:, 0],
    }
    shares = {name: monotonicity_violations(np.asarray(law), held.end_family) for name, law in found.items()}
    return {"paths": len(weights), "points": points, "steps": len(weights) * (points - 1), **shares}


def accuracy_of(router: Router, known: LabelledKnown) -> dict:
    """Return how often router, BIC and Bayes rule name the family that a window was simulated from."""
    truth = np.asarray(known.family)
    law = np.asarray(router.probabilities(known.labelled.inputs).probabilities)
    said = {
        "accuracy": np.argmax(law, axis=1),
        "bic_accuracy": np.argmax(np.asarray(known.labelled.weights), axis=1),
        "bayes_accuracy": np.asarray(bayes_family(known.windows)),
    }
    by_family = {name: float(np.mean(said["accuracy"][truth == code] == code)) for code, name in enumerate(FAMILIES)}
    return {
        "windows": len(truth),
        "window_bars": known.windows.shape[1],
        **{name: float(np.mean(code == truth)) for name, code in said.items()},
        "standard_error": float(np.std(said["accuracy"] == truth) / np.sqrt(len(truth))),
        "accuracy_by_family": by_family,
        "ece_against_truth": float(expected_calibration_error(law, truth, bins=_BINS)),
    }


def write_held_out(folder: Path, probabilities: np.ndarray, weights: np.ndarray) -> None:
    """Write what the routers said of windows that they had not seen, beside the BIC weights."""
    columns = {f"router_{name}": probabilities[:, code] for code, name in enumerate(FAMILIES)}
    columns |= {f"bic_{name}": weights[:, code] for code, name in enumerate(FAMILIES)}
    buffer = io.BytesIO()
    pd.DataFrame(columns).to_parquet(buffer, index=False)
    write_bytes_whole(buffer.getvalue(), folder / _RECORD)


def read_held_out(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read that record.

    Raises:
        ValueError: if the folder holds none.
    """
    path = folder / _RECORD
    if not path.is_file():
        raise ValueError(f"{path}: no such file; run scripts/train_router.py with --out {folder} first.")
    table = pd.read_parquet(path)
    names = [[f"{kind}_{name}" for name in FAMILIES] for kind in ("router", "bic")]
    if any(name not in table for part in names for name in part):
        raise ValueError(f"{path}: holds {', '.join(map(str, table.columns))}, not a router's record; make it anew.")
    return table[names[0]].to_numpy(), table[names[1]].to_numpy()
