"""The hidden record in a pull request's description: its changes, its files, and our last text.

Anybody who may edit the description may edit the record, so it is untrusted: one that does not
parse is dropped, and what it says is checked and quoted again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cachy.compare.catalogue.headlines import names_a_model
from cachy.compare.catalogue.rule_type import SEVERITIES
from cachy.drift.outcome.report import ChangeRow
from cachy.drift.outcome.typed_json import dump, parse

LONGEST = 24_000  # characters; the description as a whole may have 65,536
_LARGEST = 4 * 1024 * 1024  # bytes unpacked, so that nobody fills our memory with zeros
_BEGIN = "<!-- cachy-drift -->"
_END = re.compile(r"\n?<!-- cachy-drift 1 ([A-Za-z0-9+/=]+) -->")


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """A change that the pull request is about; `gone`: nights in a row without it."""

    surface: str
    change: ChangeRow
    gone: int = field(default=0, metadata={"optional": True})

    @property
    def identity(self) -> str:
        """A digest that names this change; no value, date or fixture is part of it."""
        change = self.change
        facts = [self.surface, change.rule, change.path, change.old, change.new, change.parameter]
        models = sorted(change.models) if names_a_model(change.rule) else []
        return digest(json.dumps([*facts, *models]))

    @property
    def said(self) -> tuple[object, ...]:
        """What a person reads of it: changes that are equal in this are one row, and one change."""
        change = self.change
        facts = (change.rule, change.severity, change.path, change.old, change.new, change.hint)
        return (*facts, change.models, change.parameter, change.message, change.note, self.gone)

    @property
    def rank(self) -> int:
        """Its severity as a number; 0 is the worst."""
        return SEVERITIES.index(self.change.severity)


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnedFile:
    """A file of the pull request, from the checkout's root, and the surfaces that it is about."""

    path: str
    surfaces: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What one run leaves to the next.

    project: the project's folder, from the checkout's root.
    title, text: digests of the title and the text that we wrote.
    others: what did not fit, as the digit of its severity and its identity.
    """

    project: str
    known: tuple[Known, ...] = ()
    files: tuple[OwnedFile, ...] = ()
    title: str = ""
    text: str = ""
    others: tuple[str, ...] = ()

    def severities(self) -> dict[str, int]:
        """Return each change's identity with its severity as a number."""
        return {key[1:]: int(key[0]) for key in self.others if key[:1] in "012"} | {
            known.identity: known.rank for known in self.known
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """A pull request's description in parts: a person's text, ours, and a person's again."""

    before: str
    record: Record | None
    after: str

    def with_ours(self, first: str, rest: str, record: Record) -> str:
        """Return the description with our text in its place, between the person's."""
        ours = f"{first} {_BEGIN}\n\n{rest}\n\n<!-- cachy-drift 1 {encode(record)} -->"
        return "\n\n".join(part for part in (self.before, ours, self.after) if part)


def split_description(body: str) -> Description:
    """Find our text in a description; without a record all of it is a person's."""
    text = body.replace("\r\n", "\n")
    ends = list(_END.finditer(text))
    if not ends:
        return Description(before=text.strip(), record=None, after="")
    above, end = text[: ends[-1].start()], ends[-1]
    person = ""
    if _BEGIN in above:
        person = above[: above.index(_BEGIN)].rpartition("\n")[0]
    return Description(
        before=person.strip(), record=decode(end.group(1)), after=text[end.end() :].strip()
    )


def without_record(body: str) -> str:
    """Return a description without the record, so that its changes do not count as declined."""
    return _END.sub("", body.replace("\r\n", "\n")).rstrip()


def encode(record: Record) -> str:
    """Return a record as one compact string, cut to what a description has room for."""
    slim = tuple(replace(one, change=_slim(one.change)) for one in record.known)
    for known in (record.known, slim, *_shorter(slim)):
        cut = [f"{one.rank}{one.identity}" for one in record.known[len(known) :]]
        word = _packed(replace(record, known=known, others=(*record.others, *cut)))
        if len(word) <= LONGEST:
            return word
    # Thousands of changes: even their names are too long, so the least severe are forgotten.
    while len(word) > LONGEST:
        cut = cut[: len(cut) * 3 // 4]
        word = _packed(replace(record, known=(), others=(*cut,)))
    return word


def _shorter(known: Sequence[Known]) -> list[tuple[Known, ...]]:
    sizes = [len(known) * share // 8 for share in (6, 4, 3, 2, 1, 0)]
    return [tuple(known[:size]) for size in sizes]


def _slim(change: ChangeRow) -> ChangeRow:
    return replace(change, message="", note="", fixtures=change.fixtures[:1], tests=())


def _packed(record: Record) -> str:
    text = json.dumps(dump(record), ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(errors="surrogatepass"), 9)).decode()


def decode(word: str) -> Record | None:
    """Return the record that a string holds; None if it does not parse."""
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(base64.b64decode(word, validate=True), _LARGEST)
        return None if unpacker.unconsumed_tail else parse(Record, json.loads(text))
    except (ValueError, zlib.error, RecursionError):
        return None


def digest(text: str) -> str:
    """Return twelve hexadecimal digits of a text's digest."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]
