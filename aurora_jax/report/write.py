"""Writing a report to disk."""

from pathlib import Path

from .content import ReportContent
from .html import Drawn, Section, render
from .image import picture
from .plots import Plot, model_plots, stream_plots


def write_report(folder: Path, content: ReportContent) -> Path:
    """Draw every figure of `content` into `folder/figures/` and write `folder/report.html` with all of them inside.

    The same content gives the same bytes. Files of the same names are overwritten; nothing else is touched.

    Returns:
        The path of the page.

    Raises:
        OSError: if the folder cannot be made or written.
    """
    figures = folder / "figures"
    figures.mkdir(parents=True, exist_ok=True)

    def draw(plot: Plot) -> Drawn:
        drawn = Drawn(plot, picture(plot.draw()))
        (figures / f"{plot.name}.png").write_bytes(drawn.picture.png)
        return drawn

    sections = [Section(stream, [draw(plot) for plot in stream_plots(stream)]) for stream in content.streams]
    models = [draw(plot) for plot in model_plots(content)]
    page = folder / "report.html"
    page.write_text(render(content, sections=sections, models=models), encoding="utf-8")
    return page
