"""Bodies as servers write them, odd ones too: what a property test of replay draws from."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import brotli
import zstandard
from hypothesis import strategies as st
from scripted_server import ScriptedResponse

WORDS = st.text(st.characters(codec="utf-8"), max_size=6)
LITTLE = ("0", "-0", "1.0", "0.1", "1e5", "1e-400", "-1.5e-7", "NaN")
BIG = ("1E400", "Infinity", "9007199254740993", "12345678901234567890123", "3.14159265358979323846")
BYTE_ORDER_MARK = "\ufeff"
NUMBERS = st.sampled_from([*LITTLE, *BIG])
SCALARS = st.sampled_from(
    ["true", "false", "null", '"\\ud800"', '"\\u2028"', '"\u2028\x85"', '"$x"', '"a\\nb\\nc\\nd"']
)
KEYS = st.sampled_from(["a", "b", "$lines", "$blob", "$", "data", "type", "cachy"]) | WORDS
SPACES = st.sampled_from(["", " ", "\n  ", "\t"])


@st.composite
def json_texts(draw: Any, depth: int = 2) -> str:
    """JSON as somebody spelled it: duplicate keys, escapes, numbers that no float can hold."""
    kind = draw(st.integers(0, 5 if depth else 3))
    if kind < 4:
        words = st.builds(json.dumps, WORDS, ensure_ascii=st.booleans())
        return str(draw((NUMBERS, SCALARS, words, words)[kind]))
    space, inner = draw(SPACES), json_texts(depth=depth - 1)
    if kind == 4:
        return f"[{space}{f',{space}'.join(draw(st.lists(inner, max_size=3)))}{space}]"
    key = st.builds(json.dumps, KEYS, ensure_ascii=st.booleans())
    pairs = draw(st.lists(st.tuples(key, inner), max_size=3))
    fields = f",{space}".join(f"{name}:{space}{item}" for name, item in pairs)
    return f"{{{space}{fields}}}"


def on_one_line(text: str) -> str:
    return text.replace("\n", " ").replace("\r", " ")


@st.composite
def event_streams(draw: Any) -> bytes:
    """Server-sent events, with each freedom that the standard gives to their sender."""
    end, space = draw(st.sampled_from(["\n", "\r\n", "\r"])), draw(st.sampled_from([" ", " ", ""]))
    data = (json_texts() | WORDS).map(on_one_line) | st.just("[DONE]")
    fields = st.one_of(
        data.map(lambda text: f"data:{space}{text}"),
        st.sampled_from(["event:{0}a", "event:{0}ü", "id:{0}1", "id:{0}", "retry:{0}100"]).map(
            lambda line: line.format(space)
        ),
        st.sampled_from([":", ": ping", ":ping", "data"]),
    )
    lines = st.lists(fields, min_size=1, max_size=3).map(lambda found: end.join(found) + end)
    blocks = draw(st.lists(lines, min_size=1, max_size=5))
    gap, tail = draw(st.sampled_from([end, end * 3])), draw(st.sampled_from(["", "", "data: cut"]))
    text = f"{draw(st.sampled_from(['', BYTE_ORDER_MARK]))}{gap.join(blocks)}{gap}{tail}"
    return text.encode()


@st.composite
def json_lines(draw: Any) -> bytes:
    """Newline-delimited JSON: the last line with its end or without, empty ones between."""
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\n\n"]))
    lines = draw(st.lists(json_texts().map(on_one_line), min_size=1, max_size=3))
    text = f"{end.join(lines)}{draw(st.sampled_from(['', end]))}"
    return text.encode()


def deflate(raw: bytes) -> bytes:
    return zlib.compress(raw)


def zstd(raw: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(raw)


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": deflate,
    "br": brotli.compress,
    "zstd": zstd,
}
FORMS = [b"a=1&b=%20x", b"a", b"a=1&a=2&c=%FF", b"a=+", b"=&"]
TEXTS = st.builds(lambda text, code: text.encode(code, "replace"), WORDS, st.just("latin-1"))
KINDS = {
    "application/json": json_texts().map(str.encode),
    "text/event-stream": event_streams(),
    "application/x-ndjson": json_lines(),
    "text/plain": WORDS.map(str.encode) | TEXTS,
    "application/octet-stream": st.binary(max_size=40),
    "application/x-www-form-urlencoded": st.sampled_from(FORMS),
    "multipart/form-data; boundary=x": st.binary(max_size=9).map(
        lambda raw: b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + raw + b"\r\n--x--"
    ),
}
TYPES = [*KINDS, "", "nonsense", "application/problem+json", "application/jsonl", "image/png"] + [
    f"{media}; charset={name}"
    for media in ("application/json", "text/event-stream", "text/plain", "text/json")
    for name in ("utf-8", "iso-8859-1")
]


@dataclass(frozen=True)
class Served:
    """An answer, the body that it holds, and the kind that it truly is."""

    answer: ScriptedResponse
    raw: bytes
    kind: str

    @property
    def content_type(self) -> str:
        return dict(self.answer.headers).get("Content-Type", "")


@st.composite
def answers(draw: Any) -> Served:
    """Any body under its own content type or a wrong one, encoded or not, whole or in pieces."""
    kind = draw(st.sampled_from(list(KINDS)))
    raw = draw(KINDS[kind])
    named = draw(st.sampled_from([kind] * 8 + TYPES))
    coding = draw(st.sampled_from(["", "", "", *CODINGS]))
    wire = CODINGS[coding](raw) if coding else raw
    headers = {"Content-Type": named, "Content-Encoding": coding}
    pairs = tuple((name, value) for name, value in headers.items() if value)
    cuts = draw(st.lists(st.integers(1, max(1, len(wire))), max_size=3).map(sorted))
    pieces = [wire[at:to] for at, to in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    body = tuple(piece for piece in pieces if piece) if draw(st.booleans()) else wire
    return Served(
        ScriptedResponse(body or b"", draw(st.sampled_from([200, 200, 201, 404])), pairs), raw, kind
    )
