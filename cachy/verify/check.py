"""Hold every fixture to the rules: offline, without an SDK or a key."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from cachy.config import Config
from cachy.errors import CachyError, Inconclusive
from cachy.fixtures.blobs import FOLDER as BLOBS
from cachy.fixtures.blobs import blob_names
from cachy.fixtures.document import request_of
from cachy.fixtures.files import CONTRACT, is_inside, list_fixtures, list_links_outside, read_text
from cachy.fixtures.fingerprint import identify_settled
from cachy.fixtures.format import VERSION, parse_body, parse_fixture
from cachy.fixtures.place import folder_of_host
from cachy.fixtures.redact import find_secrets
from cachy.fixtures.store import FILE_NAME, Store
from cachy.interaction import Json
from cachy.verify.contracts import Contracts
from cachy.verify.finding import Finding, shown


def verify(
    config: Config, paths: Sequence[Path] = (), *, now: datetime | None = None
) -> list[Finding]:
    """Check the fixtures below some paths, or all of them.

    Raises:
        CachyError: a path that does not exist.
        Inconclusive: there is nothing to check.
    """
    checked = sorted(set(list_checked(config, paths)))
    links = [*_links_outside(paths or (config.fixtures,))]
    if not checked and not links:
        raise Inconclusive(
            f"{shown(config, config.fixtures)} holds no fixtures: nothing to verify. "
            "Record some first: run your tests with cachy on."
        )
    store = Store(config.fixtures)
    moment, contracts = now or datetime.now(UTC), Contracts(config)
    findings = [_leads_outside(link, config) for link in links]
    for path in checked:
        findings += _check(path, store, config, moment, contracts)
    findings += contracts.find_behind()
    findings += _duplicates(checked, config)
    if not paths:
        findings += _unused_blobs(checked, config)
        findings += _ignored(config)
    return findings


def count_fixtures(config: Config, paths: Sequence[Path] = ()) -> int:
    """Count what `verify` checks."""
    return len(set(list_checked(config, paths)))


def list_checked(config: Config, paths: Sequence[Path] = ()) -> Iterator[Path]:
    """List the fixtures below some paths, or all of them; a path may come twice.

    Raises:
        CachyError: a path that does not exist.
    """
    for path in paths or (config.fixtures,):
        if path.is_file() and path.name.startswith(CONTRACT):
            yield from list_fixtures(path.parent.absolute())  # those that it speaks of
        elif path.is_file():
            yield path.absolute()
        elif path.is_dir():
            yield from list_fixtures(path.absolute())
        elif paths:
            raise CachyError(f"{path} does not exist. Name a fixture or a folder of fixtures.")


def _links_outside(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from list_links_outside(path.absolute())


def _leads_outside(path: Path, config: Config) -> Finding:
    return Finding("unsafe-path", shown(config, path), f"leads to {os.path.realpath(path)}")


def _check(
    path: Path, store: Store, config: Config, now: datetime, contracts: Contracts
) -> Iterator[Finding]:
    where = shown(config, path)
    if not is_inside(path, config.fixtures):
        yield _leads_outside(path, config)
        return
    try:
        text = read_text(path)
        document = parse_fixture(text, where)
    except CachyError as error:
        newer = f"reads up to {VERSION}" in str(error)
        yield Finding("newer-format" if newer else "unreadable", where, str(error))
        return
    for kind in sorted(set(find_secrets(text, config.redact))):
        yield Finding("secret-left", where, f"holds what looks like a secret: {kind}")
    if invalid := _invalid(document):
        yield Finding("invalid", where, invalid)
        return
    yield from _check_answer(document, where, config, now)
    yield from _check_place(path, document, store, config)
    with suppress(ValueError, KeyError, TypeError, AttributeError):  # told as invalid already
        yield from contracts.hold(document, where)


def _invalid(document: Json) -> str:
    """Say where a document breaks the format's schema; empty where it does not."""
    error = next(iter(_validator().iter_errors(document)), None)
    return f"at {error.json_path}: {_brief(error)}" if error else ""


def _brief(error: Any) -> str:
    """Say what is wrong without the value, which may be long or secret."""
    match error.validator:
        case "required" | "unevaluatedProperties" | "additionalProperties":
            return str(error.message)[:200]
        case _:
            return f"breaks {error.validator!r}"


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator  # a heavy import, for this command only

    schema = files("cachy.fixtures").joinpath("fixture.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(schema))


def _check_answer(
    document: dict[str, Json], where: str, config: Config, now: datetime
) -> Iterator[Finding]:
    response = document["response"]
    if response.get("truncated"):
        yield Finding("truncated", where, "the stream was cut while recording")
    if "sse" in response:
        yield from _check_stream(document, where)
    recorded = document.get("recorded", {}).get("at")
    if config.max_age is not None and recorded:
        age = now - datetime.strptime(recorded, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        if age > timedelta(days=config.max_age):
            yield Finding(
                "too-old", where, f"recorded {age.days} days ago, max_age is {config.max_age}"
            )


# The last event of a whole stream, by the path of the surface (the providers' API references).
_TERMINATORS = {
    "/chat/completions": ("[DONE]",),
    "/messages": ("message_stop",),
    "/responses": (
        "response.completed",
        "response.failed",
        "response.incomplete",
        "[DONE]",
        "error",
    ),
}


def _check_stream(document: dict[str, Json], where: str) -> Iterator[Finding]:
    events = document["response"]["sse"]
    if not events:
        yield Finding("empty-stream", where, "no event was recorded")
        return
    url = str(document["request"]["url"]).partition("?")[0]
    wanted = next((names for path, names in _TERMINATORS.items() if url.endswith(path)), ())
    last = [event for event in events if "data" in event or "event" in event][-1:]
    seen = {_event_name(event) for event in last}
    if wanted and document["response"]["status"] == 200 and not seen & set(wanted):
        yield Finding("no-terminator", where, f"the last event is not {' or '.join(wanted[:1])}")


def _event_name(event: dict[str, Json]) -> str:
    data = event.get("data")
    named = data.get("type") if isinstance(data, dict) else data
    return str(event.get("event") or named)


def _check_place(
    path: Path, document: dict[str, Json], store: Store, config: Config
) -> Iterator[Finding]:
    where = shown(config, path)
    try:
        identity = identify_settled(request_of(document, store.load_blob), config)
        parse_body(document["response"])
        for name in blob_names(document):
            store.load_blob(name)
    except CachyError as error:
        yield Finding("blob-missing", where, str(error))
        return
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        yield Finding(
            "invalid", where, f"its request or answer can't be read: {type(error).__name__}"
        )
        return
    named = FILE_NAME.fullmatch(path.name)
    host = folder_of_host(identity.target.authority)
    if named is None or named["fingerprint"] != identity.fingerprint:
        yield Finding(
            "wrong-place", where, f"its request has the fingerprint {identity.fingerprint}"
        )
    elif host not in path.parts:
        yield Finding("wrong-place", where, f"it does not lie below {host}")


def find_rivals(paths: Iterable[Path]) -> list[list[Path]]:
    """Group the files that answer the same request in the same turn."""
    groups: dict[str, list[Path]] = {}
    for path in paths:
        if found := FILE_NAME.fullmatch(path.name):
            key = f"{found['fingerprint']}-{found['index']}"
            groups.setdefault(key, []).append(path)
    return [group for group in groups.values() if len(group) > 1]


def _duplicates(paths: Iterable[Path], config: Config) -> Iterator[Finding]:
    for first, *others in find_rivals(paths):
        for path in others:
            detail = f"{shown(config, first)} answers the same"
            yield Finding("duplicate", shown(config, path), detail)


def _unused_blobs(paths: Iterable[Path], config: Config) -> Iterator[Finding]:
    folder = config.fixtures / BLOBS
    present = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in paths if present)
    for text in texts:
        present = {name for name in present if name not in text}
    for name in sorted(present):
        yield Finding("blob-unused", shown(config, folder / name), "no fixture names it")


def _ignored(config: Config) -> Iterator[Finding]:
    for kind in ("ignore", "normalize"):
        for entry in getattr(config.match, kind):
            yield Finding("match-ignored", "pyproject.toml", f"[tool.cachy.match] {kind}: {entry}")
