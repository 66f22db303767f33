"""Styles, script and icon, served with a hash of their content in the address so that they can be kept for a year."""

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Response

from kit.refusal import NotFound

router = APIRouter(include_in_schema=False)

_FILES = Path(__file__).parent / "files"
_MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_ADDRESS = re.compile(r"([a-z]+(?:-[0-9a-f]{6})?)-([0-9a-f]{10})\.([a-z]+)")
_ACCENT = re.compile(r"accent-([0-9a-f]{6})\.css")
# The backgrounds that accents stand on, as in style.css: the page by day and the card by night, the harder of the two.
_DAY, _NIGHT = "fbf8f3", "292622"
# WCAG 2.1 asks for 4.5. By night a colour that barely passes looks dull.
_BY_DAY, _BY_NIGHT = 4.6, 7.0


def address(name: str) -> str:
    """Where a file is served: `style.css`, or `accent-1f5f3f.css` for a colour. Raises NotFound."""
    stem, suffix = name.rsplit(".", 1)
    return f"/static/{stem}-{hashlib.sha256(_content(name)).hexdigest()[:10]}.{suffix}"


@router.get("/static/{name}")
async def static(name: str) -> Response:
    """A file. One whose hash is another release's is answered with today's content, which is then not kept."""
    match = _ADDRESS.fullmatch(name)
    if match is None:
        raise NotFound
    plain = f"{match[1]}.{match[3]}"
    content = _content(plain)
    kept = address(plain) == f"/static/{name}"
    return Response(
        content,
        media_type=_MEDIA_TYPES[match[3]],
        headers={
            "Cache-Control": "public, max-age=31536000, immutable" if kept else "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


@router.get("/favicon.ico")
async def icon() -> Response:
    """The icon, for programs that do not read which one a page names."""
    return Response(
        _content("icon.svg"),
        media_type=_MEDIA_TYPES["svg"],
        headers={"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"},
    )


@lru_cache(maxsize=512)
def _content(name: str) -> bytes:
    if match := _ACCENT.fullmatch(name):
        return accent_style(match[1]).encode()
    path = _FILES / name
    if path.parent != _FILES or not path.is_file():
        raise NotFound
    return path.read_bytes()


def accent_style(colour: str) -> str:
    """The stylesheet that sets an accent colour, `rrggbb`, made readable on the page by day and by night."""
    day = readable(colour, on=_DAY, towards="000000", ratio=_BY_DAY)
    night = readable(colour, on=_NIGHT, towards="ffffff", ratio=_BY_NIGHT)
    return (
        f":root {{ --accent: #{day}; --on-accent: #fff; }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ --accent: #{night}; --on-accent: #1d1b19; }} }}\n"
    )


def readable(colour: str, *, on: str, towards: str, ratio: float) -> str:
    """The colour, mixed with another until it has this contrast to a background; all are `rrggbb`."""
    for share in range(101):
        mixed = _mix(colour, towards, share / 100)
        if contrast(mixed, on) >= ratio:
            return mixed
    return towards


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.1 between two colours, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[0:2], 16), int(colour[2:4], 16), int(colour[4:6], 16)


def _mix(colour: str, other: str, share: float) -> str:
    pairs = zip(_parts(colour), _parts(other), strict=True)
    return "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _luminance(colour: str) -> float:
    linear = [
        part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - WCAG's
        for part in _parts(colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
