"""Draw what `replay.py` has measured: bars by shape and contender, written as SVG by hand."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import log2

LEFT, WIDTH, BAR, GAP, TOP = 150, 560, 11, 16, 64
LARGEST = 256  # times the floor, where the scale ends
COLOURS = ("#2563eb", "#f59e0b", "#10b981", "#a855f7")
LABELS = {
    "chat": "small chat",
    "get": "GET of a list",
    "long-chat": "22 KB chat",
    "embedding": "1,536 floats",
    "stream": "stream of 60 events",
}


def draw(table: dict[str, dict[str, tuple[float, float]]]) -> str:
    """Return the figure: the first pass of each contender is a bar, the second a tick on it."""
    names = list(next(iter(table.values())))
    height = TOP + len(table) * (len(names) * BAR + GAP) + 30
    parts = [*_head(height), *_legend(names), *_scale(height)]
    for at, (row, found) in enumerate(table.items()):
        parts += _row(TOP + at * (len(names) * BAR + GAP), row, found)
    return "\n".join([*parts, "</svg>", ""])


def _head(height: int) -> Iterator[str]:
    size = f'width="{LEFT + WIDTH + 60}" height="{height}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">'
    yield '<rect width="100%" height="100%" fill="#ffffff"/>'
    yield (
        '<text x="10" y="20" font-size="14" font-weight="bold">A replayed request, in multiples '
        "of httpx2's own MockTransport (CPU time)</text>"
    )


def _legend(names: list[str]) -> Iterator[str]:
    for at, name in enumerate(names):
        x = 10 + 110 * at
        yield f'<rect x="{x}" y="30" width="10" height="10" fill="{COLOURS[at]}"/>'
        yield f'<text x="{x + 15}" y="39">{escape(name)}</text>'
    x = 10 + 110 * len(names)
    yield f'<text x="{x}" y="39">bar: first time; tick: second time; logarithmic</text>'


def _scale(height: int) -> Iterator[str]:
    for power in range(int(log2(LARGEST)) + 1):
        x = _x(2**power)
        yield f'<line x1="{x}" y1="{TOP - 12}" x2="{x}" y2="{height - 24}" stroke="#e5e7eb"/>'
        yield f'<text x="{x}" y="{height - 10}" text-anchor="middle">{2**power}x</text>'


def _row(y: int, row: str, found: dict[str, tuple[float, float]]) -> Iterator[str]:
    shape, _, way = row.partition(", ")
    middle = y + len(found) * BAR / 2 + 4
    label = f"{LABELS[shape]}, {way}"
    yield f'<text x="{LEFT - 8}" y="{middle:.0f}" text-anchor="end">{escape(label)}</text>'
    for at, (first, again) in enumerate(found.values()):
        top, end, tick = y + at * BAR, _x(first), _x(again)
        size = f'width="{end - LEFT:.1f}" height="{BAR - 2}"'
        yield f'<rect x="{LEFT}" y="{top}" {size} fill="{COLOURS[at]}"/>'
        yield f'<rect x="{tick - 1:.1f}" y="{top}" width="2" height="{BAR - 2}" fill="#111827"/>'
        beside = max(end, tick) + 4
        said = f"{first:.2f}, {again:.2f}"
        yield f'<text x="{beside:.1f}" y="{top + 9}" font-size="9">{said}</text>'


def _x(ratio: float) -> float:
    return LEFT + WIDTH * min(max(log2(ratio), 0.0) / log2(LARGEST), 1.0)
