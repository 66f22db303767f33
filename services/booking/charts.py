"""Bar charts as SVG, drawn on the server: legible without colour, without a font of the reader's, and on paper.

Only `draw` is for the event loop. Drawing takes some hundredths of a second of one core, so it happens in a thread, one
picture at a time: matplotlib keeps state of its own that threads must not share.
"""

import asyncio
import atexit
import io
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from fastapi import Response

# The tokens of style.css by day. A picture has its own light ground, so that it is the same by night and on paper.
_GROUND, _INK, _QUIET, _LINE = "#ffffff", "#24211d", "#5b554c", "#ddd5c8"
# A legend stands in two columns where its names are no longer than this.
_SHORT = 22
# Each series has a colour and a pattern, dark and light in turn: they differ in grey, too.
_LOOKS = (
    ("#1f5f4a", ""),
    ("#f0c987", "//"),
    ("#6f8fb3", ".."),
    ("#d9d3ea", "xx"),
    ("#8a4b3c", "--"),
    ("#cfe3d4", "\\\\"),
)
# Pixels of a reader's screen, of which matplotlib has 72 in an inch. The picture is narrow so that a telephone, which
# shrinks it, leaves its words legible.
_WIDTH, _BAR, _APART, _WORDS = 480, 19, 14, 12
_TITLE, _LEGEND = 64, 26
_INCH = 72

_STYLE_RULE = re.compile(r'<style type="text/css">.*?</style>', re.DOTALL)
_STYLE = re.compile(r' style="([^"]*)"')
_LONG_NUMBER = re.compile(r"-?[0-9]+\.[0-9]{4,}")

_PEN = ThreadPoolExecutor(max_workers=1, thread_name_prefix="charts")


@dataclass(frozen=True)
class Series:
    """One bar in each group, in their order. A string stands where there is no bar, and says why."""

    name: str
    values: Sequence[float | str]


@dataclass(frozen=True)
class Chart:
    """Bars in groups, one group under the other. `unit` says what the numbers are; `decimals` how they are written."""

    title: str
    unit: str
    groups: Sequence[str]
    series: Sequence[Series]
    decimals: int = 0
    decimal_sign: str = ","

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, in pixels of the reader's screen."""
        return _WIDTH, len(self.groups) * (len(self.series) * _BAR + _APART) + self.legend + _TITLE

    @property
    def legend(self) -> int:
        """The height of the legend, which is there where the bars of a group differ."""
        rows = -(-len(self.series) // self.legend_columns)
        return _LEGEND * rows if len(self.series) > 1 else 0

    @property
    def legend_columns(self) -> int:
        """How many names stand side by side."""
        return 2 if all(len(series.name) <= _SHORT for series in self.series) else 1

    def written(self, value: float) -> str:
        """A number as it stands beside its bar."""
        thousands = "\N{NO-BREAK SPACE}" if self.decimal_sign == "," else ","
        signs: dict[str, str | int | None] = {"-": "\N{MINUS SIGN}", ".": self.decimal_sign, ",": thousands}
        return f"{value:,.{self.decimals}f}".translate(str.maketrans(signs))


async def draw(chart: Chart) -> Response:
    """The picture as an answer to a request."""
    content = await asyncio.get_running_loop().run_in_executor(_PEN, svg, chart)
    headers = {
        # What is in it is all that it needs, also where it is opened by itself.
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type="image/svg+xml", headers=headers)


def prepare() -> None:
    """Begin what the first picture of a process would wait a second for, and do not wait for it."""
    _PEN.submit(_imported)


def _imported() -> Any:
    _keep_out_of_home()
    # Slow to import, and only needed by whoever looks at figures.
    import matplotlib.backends.backend_svg  # noqa: PLC0415 - see above
    import matplotlib.figure  # noqa: PLC0415 - see above

    return matplotlib


def svg(chart: Chart) -> bytes:
    """The picture as an SVG document, the same for the same chart. For one thread at a time."""
    mpl = _imported()
    Figure, FigureCanvasSVG = mpl.figure.Figure, mpl.backends.backend_svg.FigureCanvasSVG  # noqa: N806 - classes
    look: dict[Any, Any] = {
        "font.family": ["DejaVu Sans"],  # it comes with matplotlib
        "font.size": _WORDS,
        "svg.fonttype": "path",
        "svg.hashsalt": "samtid",
        "text.hinting": "no_hinting",
        "text.parse_math": False,
        "hatch.linewidth": 1.0,
        "hatch.color": _INK,
        "text.color": _INK,
    }
    width, height = chart.size
    with mpl.rc_context(look):
        figure = Figure(figsize=(width / _INCH, height / _INCH), dpi=_INCH, facecolor=_GROUND)
        FigureCanvasSVG(figure)
        _bars(figure, chart)
        made = io.StringIO()
        figure.savefig(made, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return _without_styles(made.getvalue()).encode()


def _bars(figure: Any, chart: Chart) -> None:
    """Lay the picture out: title, legend, then the groups with their bars and numbers."""
    _, height = chart.size
    left = min(190, 20 + 7.4 * max(map(len, chart.groups), default=0))
    axes = figure.add_axes((left / _WIDTH, 8 / height, 1 - (left + 12) / _WIDTH, 1 - (chart.legend + _TITLE) / height))
    figure.text(12 / _WIDTH, 1 - 22 / height, chart.title, fontsize=_WORDS + 2, fontweight="bold")
    figure.text(12 / _WIDTH, 1 - 42 / height, chart.unit, color=_QUIET)
    numbers = [value for series in chart.series for value in series.values if not isinstance(value, str)]
    most, least = max([*numbers, 0.0]), min([*numbers, 0.0])
    span = most - least or 1.0
    # Room for the number at the end of the longest bar.
    axes.set_xlim(least - (span * 0.22 if least < 0 else 0), most + span * 0.22)
    each = _BAR / (len(chart.series) * _BAR + _APART)
    middle = (len(chart.series) - 1) / 2
    handles = []
    for number, series in enumerate(chart.series):
        colour, pattern = _LOOKS[number % len(_LOOKS)]
        rows = [place + (number - middle) * each for place in range(len(chart.groups))]
        lengths = [0.0 if isinstance(value, str) else value for value in series.values]
        handles.append(
            axes.barh(rows, lengths, each * 0.86, color=colour, hatch=pattern, edgecolor=_INK, linewidth=0.8)
        )
        for row, value in zip(rows, series.values, strict=True):
            said = value if isinstance(value, str) else chart.written(value)
            below = not isinstance(value, str) and value < 0
            axes.annotate(
                said,
                (0.0 if isinstance(value, str) else value, row),
                xytext=(-5 if below else 5, 0),
                textcoords="offset points",
                ha="right" if below else "left",
                va="center",
                color=_QUIET if isinstance(value, str) else _INK,
            )
    axes.set_ylim(len(chart.groups) - 0.5, -0.5)
    axes.set_yticks(range(len(chart.groups)), chart.groups)
    axes.set_xticks([])
    axes.tick_params(axis="y", length=0, labelcolor=_INK)
    for side in ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(False)
    axes.axvline(0, color=_QUIET, linewidth=1)
    for place in range(1, len(chart.groups)):
        axes.axhline(place - 0.5, color=_LINE, linewidth=0.8)
    if chart.legend:
        figure.legend(
            handles,
            [series.name for series in chart.series],
            loc="upper left",
            bbox_to_anchor=(4 / _WIDTH, 1 - 48 / height),
            ncols=chart.legend_columns,
            frameon=False,
        )


def _keep_out_of_home() -> None:
    """Let matplotlib write what it notes of fonts into a folder that goes when the process does."""
    if "MPLCONFIGDIR" not in os.environ:
        os.environ["MPLCONFIGDIR"] = folder = tempfile.mkdtemp(prefix="samtid-charts-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


def _without_styles(document: str) -> str:
    """The same picture without a word of CSS, which the content security policy of our pages does not let in; and
    without the decimals that nobody can see.
    """

    def as_attributes(match: "re.Match[str]") -> str:
        pairs = (part.split(":", 1) for part in match[1].split(";") if part.strip())
        return "".join(f' {name.strip()}="{value.strip()}"' for name, value in pairs)

    plain = _LONG_NUMBER.sub(lambda match: f"{float(match[0]):.6g}", _STYLE_RULE.sub("", document))
    return _STYLE.sub(as_attributes, plain).replace("<svg ", '<svg stroke-linejoin="round" ', 1)
