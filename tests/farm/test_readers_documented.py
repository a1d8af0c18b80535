"""The examples of docs/seb_plus.md, executed on a small data set, against each other."""

import re
import shutil

import numpy as np
import pytest

from aurora_jax.farm import plan
from tests.farm.conftest import EXAMS, catalogue, make
from tests.sims.conftest import REPOSITORY


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Return the names that the examples, run one after the other as a reader would, leave behind."""
    out = tmp_path_factory.mktemp("seb")
    specs = plan(catalogue(cells={"exam": EXAMS["fgn"], "other": EXAMS["clusters"]}))
    make(out, specs)
    (out / "_index.html").write_text("<p>a page must not be in the way</p>")
    examples = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs" / "seb_plus.md").read_text(), re.DOTALL)
    assert len(examples) == 4
    names = {"folder": str(out)}
    for example in examples:
        exec(example, names)
    yield names
    shutil.rmtree(out)


def test_every_reader_sees_the_same_paths(found):
    prices = np.asarray(found["paths"].log_price)
    returns = np.diff(prices, axis=1)
    assert found["names"] == ("exam", "other")
    assert prices.shape == (10, 257, 2)
    assert found["worst"] == returns.min()
    assert found["last"].sort_index().to_numpy() == pytest.approx(prices[:, -1, 0], abs=0.0)
    table = found["losses"].set_index("cell")
    assert table["bars"].to_dict() == {"exam": 2560, "other": 1280}
    assert table.loc["exam", "value_at_risk"] == pytest.approx(np.quantile(-returns[:, :, 0], 0.99), rel=1e-5)
