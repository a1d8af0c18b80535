"""A calibration read back from its folder, and a SEB+ catalogue drawn from it."""

import json
import zipfile
from pathlib import Path

import numpy as np
import yaml

from aurora_jax.config import SebPlusConfig, load_config, parse_config
from aurora_jax.training.posterior import PARAMETERS, Posterior, severities
from aurora_jax.training.posterior.sample import marginal


def read_posterior(folder: Path) -> Posterior:
    """Read what `calibrate` left in `folder`.

    Raises:
        ValueError: if they are not there, or not the whole files of one calibration.
    """
    file = folder / "posterior.json"
    if not file.exists():
        raise ValueError(f"{file}: no such file; write it with `calibrate_teacher.py fit --out {folder}`.")
    try:
        content = json.loads(file.read_text())
        with np.load(folder / "draws.npz", allow_pickle=False) as arrays:
            draws = {name: np.asarray(arrays[name], float) for name in arrays.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{folder}: its posterior is damaged ({error}); fit again.") from error
    if sorted(draws) != sorted(PARAMETERS):
        raise ValueError(f"{folder / 'draws.npz'}: holds {', '.join(draws)}, not {', '.join(PARAMETERS)}; fit again.")
    marginals = {name: marginal(draws[name]) for name in PARAMETERS}
    for name, one in marginals.items():
        if not np.isclose(one.mean, content["parameters"][name]["mean"]):
            raise ValueError(f"{folder}: draws.npz and posterior.json are of different runs ({name}); fit again.")
    return Posterior(draws, marginals, content["divergences"], content["warm_up"], content["r_hat_below"])


def write_cells(folder: Path, base: Path, out: Path, *, cells: int, seed: int) -> list[dict[str, float]]:
    """Write the catalogue of `base` with its teacher cells replaced by cells drawn from a posterior.

    Blocks, regimes and paths are those of the base's first teacher cell; ground-truth cells stay.

    Raises:
        ValueError: if the posterior did not converge, or the base has no teacher cell.
    """
    posterior = read_posterior(folder)
    catalogue = load_config(SebPlusConfig, base)
    content = yaml.safe_load(base.read_text())
    like = [name for name, cell in catalogue.cells.items() if cell.family.needs_teacher]
    if not like:
        raise ValueError(f"{base}: has no cell of the teacher to take regimes and paths from; give another --base.")
    model = {name: content["cells"][like[0]][name] for name in ("regimes", "block_steps", "paths")}
    drawn = severities(posterior, cells=cells, seed=seed)
    kept = {name: cell for name, cell in content["cells"].items() if name not in like}
    new = {f"posterior_{i:03d}": {"family": "rough", **model, "severity": one} for i, one in enumerate(drawn)}
    content["cells"] = {**new, **kept}
    parse_config(SebPlusConfig, content, source=str(out))
    out.parent.mkdir(parents=True, exist_ok=True)
    head = f"# Cells drawn from the posterior in {folder} with seed {seed}; the rest is that of {base}.\n"
    out.write_text(head + yaml.safe_dump(content, sort_keys=False))
    return drawn
