"""Pictures that a page may show: no style, no address, no font of the reader's, and the numbers that were given."""

import os
import re
from xml.etree import ElementTree as ET

from booking import charts
from booking.charts import Chart, Series

CHART = Chart(
    "Dagar till mötet",
    "dagar",
    ("Höör", "Hörby", "Eslöv $x^2$"),
    (Series("Hälften", (3, 12.5, "färre än 5")), Series("Nio av tio", (-8, 20, "–"))),
    decimals=1,
)


def test_a_picture_needs_nothing_from_outside_and_no_style() -> None:
    picture = charts.svg(CHART).decode()
    assert "style" not in picture
    assert "<text" not in picture, "words are paths"
    root = ET.fromstring(picture)  # noqa: S314 - our own
    links = [v for e in root.iter() for k, v in e.attrib.items() if k.endswith("href")]
    assert links
    assert all(link.startswith("#") for link in links)
    addresses = set(re.findall(r'https?://[^"<\s]+', picture))
    assert {a.split("/")[2] for a in addresses} == {"www.w3.org"}, "names of formats alone"


def test_the_same_chart_is_the_same_picture() -> None:
    assert charts.svg(CHART) == charts.svg(CHART)


def test_bars_are_as_long_as_their_numbers() -> None:
    picture = charts.svg(Chart("t", "u", ("a", "b", "c"), (Series("s", (10, 5, "–")),)))
    bars = re.findall(r'<path d="M ([0-9.-]+) [0-9.]+ \s*L ([0-9.-]+) [^"]*"[^>]*fill="#1f5f4a"', picture.decode())
    lengths = [float(end) - float(start) for start, end in bars]
    assert len(lengths) == 3
    assert abs(lengths[0] - 2 * lengths[1]) < 0.1
    assert lengths[2] == 0


def test_series_differ_in_more_than_colour() -> None:
    assert len({pattern for _, pattern in charts._LOOKS}) == len(charts._LOOKS)


def test_numbers_are_written_as_the_page_writes_them() -> None:
    assert CHART.written(-1.25) == "\N{MINUS SIGN}1,2"
    assert CHART.written(1105) == "1\N{NO-BREAK SPACE}105,0"
    assert Chart("t", "u", (), (), 1, ".").written(1102.5) == "1,102.5"


async def test_it_is_answered_with_headers_of_its_own_and_leaves_nothing_in_the_home_folder() -> None:
    answer = await charts.draw(CHART)
    assert answer.media_type == "image/svg+xml"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "samtid-charts-" in os.environ["MPLCONFIGDIR"]
