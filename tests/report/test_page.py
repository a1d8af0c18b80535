"""The page: what it says, that it needs nothing else, and that its bytes repeat."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from aurora_jax.report import Fan, HeadlineRow, write_report
from tests.report.market import report_content, scenario_fan, stream_report

SIZE_MAX = 850_000  # bytes: 250 thousand for the models and 600 for a stream, so three streams need two megabytes


@pytest.fixture(scope="module")
def content():
    """A basket over six years, with all that a report can hold."""
    return report_content([stream_report("US/20 <b>", bars=1500, assets=20, seed=4)])


@pytest.fixture(scope="module")
def page(content, tmp_path_factory):
    return write_report(tmp_path_factory.mktemp("full"), content)


def test_says_the_headline_and_where_it_came_from(page):
    text = page.read_text(encoding="utf-8")
    for said in ("0.71 [0.12, 1.30]", "0.52 [-0.09, 1.12]", "net of costs", "9f2c51d07ab14e33", "sha256:6a1c9e"):
        assert said in text
    assert "fewer observations than the method needs" in text  # the student's tail dependence
    assert "0.480 ± 0.010" in text


def test_captions_carry_the_stream_s_numbers(page, content):
    text, (stream,) = page.read_text(encoding="utf-8"), content.streams
    settlement = stream.rows.info.settlement
    coverage = 1.0 - settlement.missed[settlement.observed].mean()
    assert f"(all 20 assets: {coverage:.1%})" in text
    assert f"kappa_plus averaged {stream.rows.info.kappa_plus[stream.rows.info.outcome == 0].mean():.2f}" in text


def test_needs_nothing_else(page):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"(https?:)?//[a-z]", re.sub(r"base64,[^\"]*", "", text))
    assert "<script" not in text
    sources = re.findall(r'src="([^"]{0,40})', text)
    assert len(sources) == 11
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert page.stat().st_size < SIZE_MAX


def test_names_are_escaped_and_safe_as_file_names(page):
    text = page.read_text(encoding="utf-8")
    assert "US/20 &lt;b&gt;" in text
    assert "<b>" not in text
    assert (page.parent / "figures" / "US-20-b-price.png").exists()


def test_figures_are_sharp_pngs_on_white(page):
    figures = sorted((page.parent / "figures").iterdir())
    assert len(figures) == 11
    for figure in figures:
        image = Image.open(io.BytesIO(figure.read_bytes()))
        assert image.format == "PNG"
        assert image.width == 1600
        assert image.convert("RGB").getpixel((1, 1)) == (255, 255, 255)


def test_the_same_content_gives_the_same_bytes(tmp_path):
    def written(name):
        content = report_content([stream_report("ONE", bars=60, seed=8)], invariants={}, router=None, losses=())
        page = write_report(tmp_path / name, content)
        return {file.name: file.read_bytes() for file in sorted(page.parent.rglob("*")) if file.is_file()}

    assert written("first") == written("second")


def test_what_is_absent_is_left_out(tmp_path):
    content = report_content(
        [stream_report("TWO", bars=2, warm_up=0)], fan=None, invariants={}, router=None, losses=(), provenance={}
    )
    text = write_report(tmp_path, content).read_text(encoding="utf-8")
    assert 'id="models"' not in text
    assert 'id="provenance"' not in text
    assert 'href="#models"' not in text
    assert len(list((tmp_path / "figures").iterdir())) == 7


def test_a_folder_that_is_a_file_is_refused(tmp_path, content):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OSError, match="taken"):
        write_report(tmp_path / "taken", content)


def changed(stream, **fields):
    return type(stream)(**{**stream.__dict__, **fields})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"assets": ("A", "B")}, "1 columns"),
        ({"benchmark": np.zeros(3)}, "benchmark must cover the 400 bars of close, had 3"),
        ({"nominal_coverage": 90.0}, "was 90.0"),
        ({"close": np.ones((1, 1))}, "close had 1"),
    ],
)
def test_a_stream_that_does_not_fit_together_is_refused(single, fields, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        changed(single, **fields)


def test_a_report_that_does_not_fit_together_is_refused(single):
    with pytest.raises(ValueError, match="at least one stream"):
        report_content([])
    with pytest.raises(ValueError, match="BTC-USDT"):
        report_content([single, changed(single, symbol="BTC-USDT")])
    fan = scenario_fan(horizon=10)
    with pytest.raises(ValueError, match="one horizon"):
        report_content([single], fan=Fan(fan.simulated, fan.history[:, :5]))
    with pytest.raises(ValueError, match="one horizon"):
        report_content([single], fan=Fan(fan.simulated, fan.history[:0]))


def test_headline_cells_may_be_empty():
    assert HeadlineRow("Coverage", "90%") == ("Coverage", "90%", "", "")
