"""A request that nothing recorded answers: what is said of it, and the memory of them all."""

from __future__ import annotations

import heapq
import json
import os
import sys
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import Literal, NoReturn

from cachy.config import Config, Mode
from cachy.errors import NAME_A_VARIANT, CachyError, UnrecordedRequest
from cachy.fixture.compose import request_fields, without_values
from cachy.fixture.environment_advice import explain_guarded
from cachy.fixture.format.blobs import extract_blobs
from cachy.fixture.identity.fingerprint import Identity, identify_settled
from cachy.fixture.identity.ignored import without
from cachy.fixture.identity.request_diff import comparable, describe_differences, likeness
from cachy.fixture.identity.varying import explain_varying
from cachy.fixture.placeholder_source import find_giver
from cachy.fixture.store.blocking import may_block
from cachy.fixture.store.files import list_fixtures
from cachy.fixture.store.store import Store, load_fixture, parse_file_name
from cachy.interaction import Fixture, Json, Request, host_and_port
from cachy.redact import redact_text, redact_url, redact_values
from cachy.redact.given_secrets import find_placeholder
from cachy.replay import placeholder_keys
from cachy.replay.coverage import explain_coverage, refuses, suggest_alias
from cachy.replay.owner import current_owner, variants_to_try
from cachy.replay.process import PROCESS

_COMPARED = 200  # of a surface's fixtures, the newest

FILE = "CACHY_MISSES"
"""The variable that names the file which tells a process of its children's misses."""


def find_refusal(
    request: Request,
    is_chosen: bool,
    config: Config,
    used: Collection[str] = (),
    variant: str = "",
) -> tuple[str, str] | None:
    """Return why a request must not go live, and how to record it; None if it may.

    `used` are the fixtures that the run has used, `variant` is that of a new recording.
    """
    if config.mode is Mode.REPLAY:
        return _why_not_live(request, config), _how_to_allow(request, config, variant)
    if not is_chosen:
        why = f"mode {config.mode.value}, for --only {config.only}"
        return why, "take it into --only, or leave --only out"
    if key := placeholder_keys.missing_for(request):
        return (
            f"nothing recorded, and {key} isn't set",
            f"set {key}, then {_how_to_record(config, variant)}",
        )
    if mark := find_placeholder(request):
        giver = find_giver(config.fixtures, used, mark)
        given = f", which {giver} gave" if giver else ""
        why = f"it carries {mark}{given}: a placeholder is never sent"
        return why, f"refresh both: {_how_to_record(config, variant, 'refresh')}"
    return None


def ambiguous(places: list[str], refusal: tuple[str, str]) -> tuple[str, str]:
    """Return a refusal that says why the fixture of a request does not answer it."""
    where = ", ".join(places)
    why = f"{refusal[0]}; another request of this run differs from it only in {where}"
    return f"{why}. {NAME_A_VARIANT}", refusal[1]


def _why_not_live(request: Request, config: Config) -> str:
    why = explain_coverage(request.url, config)
    return f"mode replay, from {config.mode_from}" + (f"; {why}" if why else "")


def _how_to_record(
    config: Config, variant: str, mode: Literal["record", "refresh"] = "record"
) -> str:
    from cachy.replay.hint import how_to_record  # only a miss needs it

    return how_to_record(config, variant, mode)


def _how_to_allow(request: Request, config: Config, variant: str) -> str:
    host, port = host_and_port(request.url)
    how = _how_to_record(config, variant)
    if not refuses(config, host, port):
        return how
    return f'add "{host}" to extend-doms, then {how}; or add it to pass'


def unrecorded(
    request: Request, identity: Identity, index: int, config: Config, refusal: tuple[str, str]
) -> UnrecordedRequest:
    """Make the error of a request that nothing recorded answers; say one line of it at once.

    `refusal` is what `find_refusal` gives.
    """
    reason, how = refusal
    url = _shown_url(request, config)
    nearest, differences = _nearest(request, identity, index, config)
    how = redact_values(redact_text(how, config.redact), placeholder_keys.secrets())
    lines = [
        f"No fixture answers {request.method} {url} ({reason.rstrip('.')}).",
        *_about(nearest, differences),
        *filter(None, [suggest_alias(request, config)]),
    ]
    if how:
        lines.append(f"Record it: {how}")
    error = raised_class()(
        "\n  ".join(lines),
        method=request.method,
        url=url,
        nearest=str(nearest.path) if nearest else None,
        differences=differences,
        how_to_record=how,
    )
    remember(error)
    return error


def unreadable(request: Request, cause: CachyError, config: Config) -> UnrecordedRequest:
    """Make the error of a request whose fixture can't be read."""
    url = _shown_url(request, config)
    error = raised_class()(
        f"No fixture answers {request.method} {url}: {cause}", method=request.method, url=url
    )
    remember(error)
    return error


def refusal_of(error: UnrecordedRequest) -> Callable[[], NoReturn]:
    """Return what raises a miss: the last thing that pytest shows, which shows its arguments."""

    def refuse() -> NoReturn:
        raise error

    return refuse


def shown(request: Request, config: Config) -> str:
    """Name a request in a report or a log, without its secrets."""
    return f"{request.method} {_shown_url(request, config)}"


def _shown_url(request: Request, config: Config) -> str:
    return redact_values(redact_url(request.url, config.redact), placeholder_keys.secrets())


def remember(error: UnrecordedRequest) -> None:
    """Keep a miss for the end of the process, and say it now, in case the caller hangs of it.

    A test fails with it, and so does one that started this process: there it is said once.
    """
    PROCESS.misses.append(error)
    target = os.environ.get(FILE)
    if not target and PROCESS.miss_class is UnrecordedRequest:
        print(f"cachy: {str(error).splitlines()[0]}", file=sys.stderr, flush=True)
    if target:  # a process above ours wants to know
        line = json.dumps({"process": os.getpid(), "missed": str(error)})
        with may_block(), open(target, "a", encoding="utf-8") as file:
            file.write(line + "\n")


def take() -> list[UnrecordedRequest]:
    """Return the misses that are not reported yet; from now on they are."""
    new = PROCESS.misses[:]
    del PROCESS.misses[: len(new)]
    PROCESS.reported.extend(new)
    return new


def hand_over(error: UnrecordedRequest) -> UnrecordedRequest:
    """Return a miss that the caller reports, and that nobody else need report."""
    PROCESS.misses[:] = [one for one in PROCESS.misses if one is not error]
    return error


def of_children() -> list[str]:
    """Return the misses of the processes that this one has started, each once."""
    found, size = peek_at_children()
    PROCESS.children_read += size
    return found


def peek_at_children() -> tuple[list[str], int]:
    """Return the misses that `of_children` returns next, and their size in the file."""
    with open(os.environ[FILE], "rb") as file:
        file.seek(PROCESS.children_read)
        raw = file.read()
    whole = raw[: raw.rfind(b"\n") + 1]
    lines = [json.loads(line) for line in whole.splitlines()]
    return [line["missed"] for line in lines if line["process"] != os.getpid()], len(whole)


def raised_class() -> type[UnrecordedRequest]:
    """Return the exception class to raise.

    A worker of a multiprocessing pool hangs on a BaseException, so there it is an Exception too.
    """
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        if frame.f_globals.get("__name__") == "multiprocessing.pool":
            return _pool_class(PROCESS.miss_class)
    return PROCESS.miss_class


@cache
def _pool_class(kind: type[UnrecordedRequest]) -> type[UnrecordedRequest]:
    return type("UnrecordedRequest", (kind, Exception), {"__module__": "cachy.errors"})


def _about(nearest: Fixture | None, differences: list[str]) -> list[str]:
    if nearest is None or nearest.path is None:
        return ["Nothing is recorded for this surface yet."]
    from cachy.replay.hint import users_path

    return [f"Nearest: {users_path(nearest.path)}", *(f"  {line}" for line in differences)]


def _nearest(
    request: Request, identity: Identity, index: int, config: Config
) -> tuple[Fixture | None, list[str]]:
    if index > 1 and (found := _find_last_of_turn(request, index, config)):
        return found
    asked = described(request, config)
    folder = config.fixtures / identity.target.folder
    paths = heapq.nlargest(_COMPARED, list_fixtures(folder), key=lambda path: path.stat().st_mtime)
    scored = [
        (likeness(comparable(fixture.request), asked), fixture)
        for path in paths
        if (fixture := _find_fixture(path)) is not None
    ]
    if not scored:
        return None, []
    _, nearest = max(scored, key=lambda pair: pair[0])
    old, new = (without(one, config.match.ignore) for one in (comparable(nearest.request), asked))
    differences = describe_differences(old, new)
    if not differences:
        return nearest, _why_not_equal(nearest, identity)
    advice = [
        explain_guarded(nearest.request, ignore=config.match.ignore),
        explain_varying(old, new, config.match.normalize, whole=True),
    ]
    return nearest, [*differences, *filter(None, advice)]


def _find_last_of_turn(
    request: Request, index: int, config: Config
) -> tuple[Fixture, list[str]] | None:
    """Return the last recording of a request that is sent more often than it is recorded."""
    identity = identify_settled(request._replace(variant=""), config)
    store = Store(config.fixtures)
    for variant in variants_to_try(identity, config):
        path = store.find(identity.varied(variant), index - 1)
        if fixture := _find_fixture(Path(path)) if path else None:
            whose = " for this test" if variant and current_owner() else ""
            times = _times(index - 1)
            return fixture, [f"recorded {times}{whose}, and asked for {_times(index)}"]
    return None


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _why_not_equal(nearest: Fixture, identity: Identity) -> list[str]:
    """Return why a fixture whose request shows no difference does not answer."""
    variant = nearest.request.get("variant", "")
    if variant != identity.variant:
        whose = variant or "every test, without a variant"
        return [f"the request is equal, but it is recorded for {whose}"]
    named = parse_file_name(nearest.path.name) if nearest.path else None
    if named and named["fingerprint"] == identity.fingerprint:
        return []  # the first line of the miss says why
    if explain_guarded(nearest.request):
        why = "a secret stood in it as it was recorded, before ignore was set: record it again"
    else:
        why = "a setting has changed since, or the file was edited; cachy verify says which"
    return [f"the request is equal by today's settings, but {why}"]


def _find_fixture(path: Path) -> Fixture | None:
    try:
        return load_fixture(path)
    except CachyError:
        return None


def described(request: Request, config: Config) -> Json:
    """Return a request as one value to compare with others, without its secrets."""
    secrets = placeholder_keys.secrets()
    fields, _ = extract_blobs(without_values(request_fields(request, config), secrets))
    return comparable(fields)
