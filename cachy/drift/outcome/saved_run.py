"""A run on disk, for a second job that may push: its report, and the files that it would write.

The second job trusts neither: the first one ran with code that anybody may have changed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from cachy.config import Config
from cachy.display import printable, shown_path
from cachy.drift.live.case import path_name
from cachy.drift.outcome.graft import is_writable
from cachy.drift.outcome.report import DriftReport
from cachy.drift.outcome.report_text import render_json
from cachy.errors import CachyError
from cachy.fixture.format.blobs import FOLDER as BLOBS
from cachy.fixture.format.blobs import is_blob, is_blob_name
from cachy.fixture.format.render import render_fixture
from cachy.fixture.format.schema import find_fault
from cachy.fixture.format.text import parse_fixture
from cachy.fixture.store.files import CONTRACT, FileChanges, is_fixture_name, is_inside, read_text
from cachy.redact import find_secrets
from cachy.structure.contract_file import parse_contract, render_contract

_LARGEST = 32 * 1024 * 1024  # bytes of one file
_PLAIN = re.compile(r"[^\x00-\x1f\x7f\\:]+")


def refuse_used_folder(patch: Path) -> None:
    """Refuse a folder for the patch that is not empty, before requests are paid for.

    Raises:
        CachyError: it is not an empty folder.
    """
    if patch.is_symlink() or (patch.exists() and (not patch.is_dir() or any(patch.iterdir()))):
        raise CachyError("is not an empty folder", path=patch, advice="Name a new one for --patch.")


def save_report(report: DriftReport, path: Path) -> None:
    """Write a report's JSON form."""
    _write(path, (render_json(report) + "\n").encode("utf-8", "backslashreplace"))


def save_patch(files: FileChanges, folder: Path) -> None:
    """Write the files of a run below a folder, by their paths from the project's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, held in files.items():
        if held is not None:
            _write(folder / name, held if isinstance(held, bytes) else held.encode("utf-8"))


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
        raise CachyError(problem, path=path, advice="Name another place.") from None


def load_report(path: Path) -> DriftReport:
    """Return a report that another run wrote.

    Raises:
        CachyError: it cannot be read, or is not a report.
    """
    try:
        value = json.loads(_read(path))
    except (ValueError, RecursionError):
        raise CachyError("is not valid JSON", path=path, advice="Write it with --report.") from None
    return DriftReport.from_json(value)


def load_patch(report: DriftReport, folder: Path | None, config: Config) -> FileChanges:
    """Return the files that a report names: only those that cachy writes, inside the fixtures.

    Raises:
        CachyError: a file is not one that drift would write here; the message names it.
    """
    files: dict[str, str | bytes | None] = {}
    for row in report.files:
        _check_path(row.path, config)
        if row.path in files:
            raise _refused(row.path, "is named twice")
        files[row.path] = None
        if row.action == "write":
            if folder is None:
                raise CachyError("The report names files.", advice="Add --patch with their folder.")
            files[row.path] = _checked(row.path, folder, config)
        elif PurePosixPath(row.path).parent.name != BLOBS:
            raise _refused(row.path, "would be removed, and only blobs are")
    _refuse_others(files, folder)
    return files


def _check_path(name: str, config: Config) -> None:
    """Refuse a path that drift would not write: any but the fixture folder's own files."""
    place, inside = PurePosixPath(name), PurePosixPath(path_name(config.fixtures, config))
    is_plain = bool(_PLAIN.fullmatch(name)) and place.as_posix() == name
    if not is_plain or place.is_absolute() or ".." in place.parts:
        raise _refused(name, "is not a plain path")
    if not place.is_relative_to(inside) or any(part.startswith(".") for part in place.parts):
        raise _refused(name, f"is not in {shown_path(config.fixtures)}")
    is_ours = is_fixture_name(place.name) or _is_contract(place) or _is_blob(place, inside)
    target = config.root / name
    if not is_ours or not is_inside(target, config.fixtures) or target.is_symlink():
        raise _refused(name, "is not a file that cachy writes")


def _is_contract(place: PurePosixPath) -> bool:
    return place.name.startswith(CONTRACT) and place.suffix == ".json"


def _is_blob(place: PurePosixPath, inside: PurePosixPath) -> bool:
    return place.parent == inside / BLOBS and is_blob_name(place.name)


def _checked(name: str, folder: Path, config: Config) -> str | bytes:
    path, place = folder / name, PurePosixPath(name)
    if path.is_symlink() or not path.is_file() or not is_inside(path, folder):
        raise _refused(name, f"is not a file in {shown_path(folder)}")
    raw = _read(path)
    if place.parent.name == BLOBS:
        if not is_blob(place.name, raw):
            raise _refused(name, "does not hold what its name says")
        return raw
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _refused(name, "is not UTF-8") from None
    if find_secrets(text, config.redact):
        raise _refused(name, "holds a secret")
    _check_text(name, text, config, is_contract=_is_contract(place))
    return text


def _check_text(name: str, text: str, config: Config, *, is_contract: bool) -> None:
    """Refuse a text that drift would not write: it changes responses, never a request."""
    target = config.root / name
    if not target.is_file():
        raise _refused(name, "is not a file of this project")
    before = read_text(target)
    if is_contract:
        contract = parse_contract(text, name)
        is_same = contract.surface == parse_contract(before, name).surface
        is_written = render_contract(contract, config.redact) == text
    else:
        document, old = parse_fixture(text, name), parse_fixture(before, name)
        if find_fault(document) or not is_writable(old, document):
            raise _refused(name, "is not a valid fixture of the same kind")
        is_same = _without_response(document) == _without_response(old)
        is_written = render_fixture(document) == text
    if not is_same:
        raise _refused(name, "changes more than the response")
    if not is_written:
        raise _refused(name, "is not written as cachy writes")


def _without_response(document: Mapping[str, object]) -> dict[str, object]:
    return {key: document[key] for key in document if key not in ("response", "recorded")}


def _refuse_others(files: FileChanges, folder: Path | None) -> None:
    """Refuse files in the folder that the report does not name."""
    for path in folder.rglob("*") if folder else ():
        name = path.relative_to(folder).as_posix() if folder else ""
        if (path.is_symlink() or not path.is_dir()) and files.get(name) is None:
            raise _refused(name, "is not a file that the report names")


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise CachyError("is too large", path=path, advice="cachy writes no such file.")
        return path.read_bytes()
    except OSError as error:
        raise CachyError(f"cannot be read: {error.strerror}", path=path) from None


def _refused(name: str, why: str) -> CachyError:
    return CachyError(
        f"--patch: {printable(name)[:200]} {why}.", advice="Nothing was taken from it."
    )
