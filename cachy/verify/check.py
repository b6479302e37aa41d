"""Check every fixture against the rules: offline, without an SDK or a key."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cachy.config import Config
from cachy.display import counted, shown_path
from cachy.errors import CachyError, Inconclusive, NewerFormat
from cachy.fixture.document import request_of
from cachy.fixture.environment_advice import explain_guarded
from cachy.fixture.format.blobs import FOLDER as BLOBS
from cachy.fixture.format.blobs import blob_names
from cachy.fixture.format.frames import is_edited
from cachy.fixture.format.schema import find_fault
from cachy.fixture.format.text import parse_document, parse_headers
from cachy.fixture.identity.fingerprint import identify_settled, is_settled_json
from cachy.fixture.identity.fixture_path import parse_target
from cachy.fixture.store.files import CONTRACT, is_inside, read_text, walk_fixtures
from cachy.fixture.store.store import Store, parse_file_name
from cachy.interaction import Json, Request
from cachy.redact.response import find_secrets
from cachy.verify.contracts import Contracts
from cachy.verify.damage import find_damage
from cachy.verify.document_checks import find_in_response
from cachy.verify.duplicates import find_rivals, is_of_other_settings
from cachy.verify.finding import Finding, shown
from cachy.verify.placement import plan_move
from cachy.verify.secrets_in_bodies import find_in_bodies
from cachy.verify.unused import unused_findings


def verify(
    config: Config, paths: Sequence[Path] = (), *, now: datetime | None = None
) -> list[Finding]:
    """Return what is wrong with the fixtures below some paths, or with all of them.

    Raises:
        CachyError: a path does not exist.
        Inconclusive: there is nothing to check.
    """
    listed = _listed(config, paths)
    if not listed:
        where = ", ".join(map(shown_path, paths or [config.fixtures]))
        raise Inconclusive(
            f"nothing to verify: no fixtures in {where}",
            advice="Record some first: run your tests with cachy on.",
        )
    contracts = Contracts(config)
    of_names = [
        *_duplicates([path for path, leads_out in listed if not leads_out], config),
        *_find_odd_names(listed, config),
    ]
    checks = _Checks(config, Store(config.fixtures), now or datetime.now(UTC), contracts)
    checks.rejected.update(finding.fixture for finding in of_names)
    findings = [finding for path, leads_out in listed for finding in checks.find(path, leads_out)]
    findings += contracts.find_behind()
    findings += of_names
    if not paths:
        findings += _unused_blobs(checks.blobs, config)
        findings += unused_findings(config)
        findings += _ignored(config)
    return findings


def count_fixtures(config: Config, paths: Sequence[Path] = ()) -> int:
    """Return how many fixtures `verify` checks."""
    return len(list_checked(config, paths))


def list_checked(config: Config, paths: Sequence[Path] = ()) -> list[Path]:
    """Return the fixtures below some paths, or all of them.

    Raises:
        CachyError: a path does not exist.
    """
    return [path for path, leads_out in _listed(config, paths) if not leads_out]


def _listed(config: Config, paths: Sequence[Path]) -> list[tuple[Path, bool]]:
    """Return fixtures, and whether a link leads one out; a contract means those beside it."""
    if not paths:
        return [*walk_fixtures(config.fixtures)]
    found: dict[Path, bool] = {}
    for path in (Path(os.path.abspath(path)) for path in paths):
        if path.is_dir() or (path.is_file() and path.name.startswith(CONTRACT)):
            found |= dict(walk_fixtures(path if path.is_dir() else path.parent))
        elif path.is_file():
            found[path] = not is_inside(path, config.fixtures)
        else:
            advice = "Name a fixture or a folder of fixtures."
            raise CachyError("does not exist", path=path, advice=advice)
    return sorted(found.items())


_UNREADABLE: dict[type[CachyError], str] = {NewerFormat: "newer-format"}
_Found = Iterator[tuple[str, ...] | Finding]
"""A rule, the detail, and advice if the rule's own does not fit; or a finding of another file."""


@dataclass(slots=True)
class _Checks:
    """The checks of one fixture alone.

    `blobs` are those that any of them named; `rejected` are fixtures from which no contract
    learns: copies, and those with an error.
    """

    config: Config
    store: Store
    now: datetime
    contracts: Contracts
    blobs: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)
    folders: dict[str, bool] = field(default_factory=dict)  # whether a contract lies there

    def find(self, path: Path, leads_out: bool) -> Iterator[Finding]:
        """Yield what is wrong with one fixture."""
        where = shown(self.config, path)
        for found in self._find(path, leads_out):
            finding = found if isinstance(found, Finding) else Finding(found[0], where, *found[1:])
            if finding.severity == "error":
                self.rejected.add(where)
            yield finding

    def _find(self, path: Path, leads_out: bool) -> _Found:
        if leads_out:
            yield "unsafe-path", f"leads to {os.path.realpath(path)}"
            return
        try:
            text = read_text(path)
            if damage := find_damage(text):
                yield "unreadable", *damage
            else:
                yield from self._find_in(path, text, parse_document(text, path.name))
        except CachyError as error:
            yield _UNREADABLE.get(type(error), "unreadable"), error.problem, error.advice

    def _find_in(self, path: Path, text: str, document: Mapping[str, Json]) -> _Found:
        kinds = {*find_secrets(text, self.config.redact)}
        invalid = find_fault(document)
        if not invalid:
            load, extra = self.store.load_blob, self.config.redact
            kinds |= {*find_in_bodies(text, document, load, extra)}
        for kind in sorted(kinds):
            yield "secret-left", f"holds what looks like a secret: {kind}"
        if invalid:
            yield "invalid", str(invalid)
            return
        if is_edited(document):
            yield "edited-request", "a message that the program sends is not the recorded one"
        yield from find_in_response(document)
        if self.config.max_age is not None:
            yield from self._find_age(document, self.config.max_age)
        if '"$blob"' in text:
            yield from self._find_blobs(document)
        yield from self._find_place(path, document)
        yield from self._find_outside_contract(path, document)

    def _find_outside_contract(self, path: Path, document: Mapping[str, Json]) -> _Found:
        folder = str(path).rpartition(os.sep)[0]
        if folder not in self.folders:
            self.folders[folder] = any(name.startswith(CONTRACT) for name in os.listdir(folder))
        if self.folders[folder]:
            teaches = shown(self.config, path) not in self.rejected
            yield from self.contracts.hold(document, path, teaches=teaches)

    def _find_age(self, document: Mapping[str, Json], limit: int) -> _Found:
        at = document.get("recorded", {}).get("at")
        if at is None:
            return
        try:
            age = self.now - datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            yield "invalid", "at $.recorded.at: expected a date of the calendar"
            return
        if age > timedelta(days=limit):
            yield "too-old", f"recorded {counted(age.days, 'day')} ago, max_age is {limit}"

    def _find_blobs(self, document: Mapping[str, Json]) -> _Found:
        for name in dict.fromkeys(blob_names(document)):
            self.blobs.add(name)
            try:
                self.store.load_blob(name)
            except CachyError as error:
                yield "blob-missing", str(error)

    def _find_place(self, path: Path, document: Mapping[str, Json]) -> _Found:
        named = parse_file_name(path.name)
        try:
            host, fingerprint = self._identify(document, named["fingerprint"] if named else "")
        except CachyError:
            return  # a blob is missing: reported already
        if named is None:
            detail = f"its name lacks the fingerprint of its request, {fingerprint}"
            yield "wrong-place", detail, plan_move(path, self.config).why_not
        elif named["fingerprint"] != fingerprint:
            yield self._why_renamed(path, document, named["fingerprint"], fingerprint)
        elif not self._is_below(path, host):
            why_not = plan_move(path, self.config).why_not
            yield "wrong-place", f"it is not in the folder {host}", why_not

    def _why_renamed(
        self, path: Path, document: Mapping[str, Json], named: str, fingerprint: str
    ) -> tuple[str, ...]:
        """Return whether the environment, a setting or an edit has changed the fingerprint."""
        body = request_of(document, self.store.load_blob).body
        why_not = plan_move(path, self.config).why_not
        if cause := explain_guarded(document["request"], body, self.config.match.ignore):
            return "wrong-place", cause, why_not
        is_guarded = explain_guarded(document["request"], body)
        if is_guarded or is_of_other_settings(path, named, self.config):
            return "wrong-place", f"with today's settings its fingerprint is {fingerprint}", why_not
        return "edited-request", f"its fingerprint is {fingerprint}, but its name says {named}"

    def _identify(self, document: Mapping[str, Json], named: str) -> tuple[str, str]:
        """Return the host's folder and the fingerprint; the shortest way first."""
        part = document["request"]
        if "json" in part:
            request = Request(part["method"], part["url"], parse_headers(part.get("headers", {})))
            if is_settled_json(request, part["json"], named, self.config):
                target = parse_target(request.url, self.config.paths)
                return target.folder.partition("/")[0], named
        identity = identify_settled(request_of(document, self.store.load_blob), self.config)
        return identity.target.folder.partition("/")[0], identity.fingerprint

    def _is_below(self, path: Path, host: str) -> bool:
        if str(path).startswith(f"{self.config.fixtures}{os.sep}{host}{os.sep}"):
            return True
        if is_inside(path, self.config.fixtures):
            return is_inside(path, self.config.fixtures / host)
        return host in path.parts  # in a folder of fixtures that the settings do not name


def _duplicates(paths: Iterable[Path], config: Config) -> Iterator[Finding]:
    for first, *others in find_rivals(paths, config, Store(config.fixtures)):
        for path in others:
            detail = f"{shown(config, first)} answers the same"
            yield Finding("duplicate", shown(config, path), detail)


def _find_odd_names(listed: Iterable[tuple[Path, bool]], config: Config) -> Iterator[Finding]:
    """Yield names that a reader or another disk takes for something else."""
    names: dict[str, list[Path]] = {}
    for path, _ in listed:
        text = str(path)
        names.setdefault(text.casefold(), []).append(path)
        if not text.isprintable():
            yield Finding("unsafe-path", shown(config, path), "its name has invisible characters")
    for twins in names.values():
        for path in twins if len(twins) > 1 else ():
            yield Finding("unsafe-path", shown(config, path), "another name differs by case only")


def _unused_blobs(named: set[str], config: Config) -> Iterator[Finding]:
    folder = config.fixtures / BLOBS
    present = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    for name in sorted(present - named):
        yield Finding("blob-unused", shown(config, folder / name), "no fixture names it")


def _ignored(config: Config) -> Iterator[Finding]:
    if config.hooks:
        yield Finding("hooks-in-force", "pyproject.toml", f"[tool.cachy] hooks: {config.hooks}")
    for kind in ("ignore", "normalize"):
        for entry in getattr(config.match, kind):
            yield Finding("match-ignored", "pyproject.toml", f"[tool.cachy.match] {kind}: {entry}")
