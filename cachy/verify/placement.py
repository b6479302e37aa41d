"""Where a misplaced fixture belongs, and whether `verify --fix` may move or delete it."""

from __future__ import annotations

import json
import os
import re
from itertools import count
from pathlib import Path
from typing import NamedTuple

from cachy.config import Config
from cachy.fixture.document import request_of
from cachy.fixture.environment_advice import explain_guarded
from cachy.fixture.identity.fingerprint import Identity, identify_settled
from cachy.fixture.store.files import is_inside
from cachy.fixture.store.store import Store, file_name, load_fixture, parse_file_name
from cachy.interaction import Fixture, Request
from cachy.redact.environment import MARK, secret_values
from cachy.redact.personal import search_for
from cachy.redact.placeholders import placeholder
from cachy.verify.duplicates import find_identity, is_of_other_settings, was_named
from cachy.verify.finding import shown

RECORD_AND_FIX = "record the request again; `cachy verify --fix` then deletes this file."


class Move(NamedTuple):
    """What `--fix` does with a misplaced fixture, or why it does nothing.

    `kept` answers in its place, so that it is deleted; else it moves to `target`.
    """

    why_not: str = ""
    kept: Path | None = None
    is_copy: bool = True  # `kept` holds the same response
    target: Path | None = None
    is_by_hand: bool = False


def plan_move(path: Path, config: Config) -> Move:
    """Return what has one right answer for a misplaced fixture.

    A name with another fingerprint is a sign of an edit: moved, the file would answer what was
    never recorded. What is not in the project's folder of fixtures stays: it may be another
    project's.
    """
    store = Store(config.fixtures)
    named, home = parse_file_name(path.name), find_identity(path, config, store)
    if home is None:
        return Move("Its request cannot be read: restore it from git, or record it again.")
    if not is_inside(path, config.fixtures):
        where = shown(config, config.fixtures)
        return Move(f"It is not in {where}, so it stays: move it there, or record it again.")
    if kept := _find_same(path, home, named, config):
        return Move(kept=kept)
    if named is None:
        target = store.find(home)
        is_by_hand = Move(target=Path(store.path_of(home)), is_by_hand=True)
        return _taken(Path(target), config) if target else is_by_hand
    if not is_proven(named["fingerprint"], path, home, config):
        return _plan_guarded(path, home, named, config)
    return _move_to(home, named, config)


def _move_to(home: Identity, named: re.Match[str], config: Config) -> Move:
    name = file_name((named["slug"] or "") + home.fingerprint, int(named["index"] or 1))
    target = config.fixtures / home.target.folder / name
    return _taken(target, config) if target.exists() else Move(target=target)


def _taken(target: Path, config: Config) -> Move:
    return Move(
        f"{shown(config, target)} has its place: delete one of the two, or record the request "
        "again."
    )


def _plan_guarded(path: Path, home: Identity, named: re.Match[str], config: Config) -> Move:
    """Return what to do with a fixture whose name counts a secret that is not in the file.

    With the secret in the environment its name proves it; else only a newer recording, made in
    its place, shows that nothing needs it.
    """
    store, fixture = Store(config.fixtures), load_fixture(path)
    request = request_of(fixture.document, store.load_blob)
    body, index = request.body, int(named["index"] or 1)
    if explain_guarded(fixture.request, body, config.match.ignore):
        kept = _find_by_pattern(request, index, config)
        if kept and not kept.samefile(path) and _moment(load_fixture(kept)) >= _moment(fixture):
            return Move(kept=kept, is_copy=False)
        return Move(f"Set it and {RECORD_AND_FIX}")
    if not explain_guarded(fixture.request, body):
        return Move("Its request was edited: undo that, or record it again.")
    newer = store.find(home, index)
    if newer and find_identity(Path(newer), config, store) is None:
        return _taken(Path(newer), config)
    if newer and _moment(load_fixture(Path(newer))) >= _moment(fixture):
        return Move(kept=Path(newer), is_copy=False)
    if newer is None and _has_secret_of_environment(fixture, named["fingerprint"], config):
        return _move_to(home, named, config)
    return Move(f"{RECORD_AND_FIX[0].upper()}{RECORD_AND_FIX[1:]}")


def _find_by_pattern(request: Request, index: int, config: Config) -> Path | None:
    """Return what was recorded in its place since the setting `redact` finds the secret."""
    kinds = {search_for(entry).kind for entry in config.redact}
    for value in (*map(placeholder, sorted(kinds)), *secret_values(os.environ)):
        other = _with_secret(request, value)
        if found := Store(config.fixtures).find(identify_settled(other, config), index):
            return Path(found)
    return None


def _with_secret(request: Request, value: str) -> Request:
    """Return a recorded request with a value where a secret of the environment was."""
    escaped = json.dumps(value, ensure_ascii=False)[1:-1].encode("utf-8", "surrogateescape")
    return request._replace(
        url=request.url.replace(MARK, value),
        headers=tuple((name, text.replace(MARK, value)) for name, text in request.headers),
        body=request.body.replace(MARK.encode(), escaped),
    )


def _moment(fixture: Fixture) -> str:
    return str(fixture.document.get("recorded", {}).get("at", ""))


def _has_secret_of_environment(fixture: Fixture, fingerprint: str, config: Config) -> bool:
    """Return whether the name is right for the request with a secret of today's environment."""
    request = request_of(fixture.document, Store(config.fixtures).load_blob)
    values = secret_values(os.environ)
    return any(was_named(_with_secret(request, one), fingerprint, config) for one in values)


def is_proven(fingerprint: str, path: Path, home: Identity, config: Config) -> bool:
    """Return whether a name is right, or was before the settings that change what matches."""
    return fingerprint == home.fingerprint or is_of_other_settings(path, fingerprint, config)


def _find_same(
    path: Path, home: Identity, named: re.Match[str] | None, config: Config
) -> Path | None:
    """Return the fixture that replays the response of a misplaced one: in its turn, or in any."""
    store = Store(config.fixtures)
    for index in [int(named["index"] or 1)] if named else count(1):
        found = store.find(home, index)
        if found is None or is_copy(path, Path(found), config, store):
            return Path(found) if found else None
    return None


def is_copy(path: Path, kept: Path, config: Config, store: Store) -> bool:
    """Return whether two files hold one request and response, and neither links to the other."""
    asked = [find_identity(one, config, store) for one in (path, kept)]
    is_same = asked[0] is not None and asked[0] == asked[1] and not path.samefile(kept)
    return is_same and load_fixture(path).response == load_fixture(kept).response
