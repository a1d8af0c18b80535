"""A figure as the bytes of a small PNG, the same for the same figure."""

import base64
import io
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from ..core import Number

_DOTS_PER_INCH = 160
_COLOURS = 256  # a chart needs few; a third of the bytes of 24-bit colour


class Picture(NamedTuple):
    """A PNG and its size in pixels."""

    png: bytes
    width: int
    height: int

    @property
    def source(self) -> str:
        """Return the picture as a data URL, what an `img` of a page that needs nothing else shows."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()


def picture(figure: Figure, *, dots_per_inch: Number = _DOTS_PER_INCH) -> Picture:
    """Draw `figure` and pack it."""
    figure.set_dpi(float(dots_per_inch))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    image = Image.fromarray(pixels).quantize(_COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    with io.BytesIO() as file:
        image.save(file, format="png", optimize=True)
        return Picture(file.getvalue(), image.width, image.height)
