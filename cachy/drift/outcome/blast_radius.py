"""Which of the project's tests fail with the new responses: run in copies of the project."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import cachy
from cachy.config import Config
from cachy.drift.outcome.report import CheckRow
from cachy.errors import CachyError
from cachy.fixture.store.files import FileChanges
from cachy.redact import find_secrets, secret_values

_LONGEST = 1200.0  # seconds for one run of the tests
_NO_NETWORK = Path(cachy.__file__).parent / "drift" / "autostart"
# What is large, made by tools, or would lead back: no test of the project's own reads it.
_NAMED = shutil.ignore_patterns(
    *(".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox"),
    *(".mypy_cache", ".ruff_cache", ".pytest_cache", ".cachy"),
)
_SECRET_NAME = re.compile(
    r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|^(AWS|AZURE|GOOGLE|GCP|GITHUB|GH|ACTIONS|RUNNER)_", re.I
)
# Where git looks for a repository, as its hooks say it: the tests must not find the project's own.
_OF_GIT = re.compile(r"GIT_(DIR|WORK_TREE|COMMON_DIR|PREFIX|INDEX_FILE|OBJECT_DIRECTORY|ALT.*)")


@dataclass(frozen=True, slots=True)
class _Run:
    """The result of one run of the tests; without names if the command is not pytest."""

    code: int
    passed: frozenset[str]
    problem: str = ""


def find_failing_tests(
    command: str, files: FileChanges, config: Config, environ: Mapping[str, str]
) -> CheckRow:
    """Return which tests pass with today's fixtures and fail with the new ones.

    Both runs have a copy of the project, no key and no token, and no network.

    Raises:
        CachyError: the command cannot be run.
    """
    before = _run(command, {}, config, environ)
    after = _run(command, files, config, environ)
    problem = before.problem or after.problem
    if not problem and before.code and not before.passed:
        problem = f"it fails with today's fixtures too (exit code {before.code})"
    failed = sorted(before.passed - after.passed)
    if not before.passed and not before.code and after.code:
        failed = [command]
    return CheckRow(
        command=command, passed=len(after.passed), failed=tuple(failed), problem=problem
    )


def split_command(command: str) -> list[str]:
    """Return the parts of a command.

    Raises:
        CachyError: it is empty, or a quotation mark is not closed.
    """
    try:
        parts = shlex.split(command, posix=os.name != "nt")
    except ValueError as error:
        raise CachyError(f"--check {command!r}: {error}.") from None
    if not parts:
        raise CachyError("--check needs a command.", advice='Write --check "pytest -q".')
    return parts


def _run(command: str, files: FileChanges, config: Config, environ: Mapping[str, str]) -> _Run:
    with _copy(config.root) as (project, aside):
        for name, held in files.items():
            _put(project / PurePosixPath(name), held)
        results = aside / "results.xml"
        environment = _environment(environ, config.root, project, results)
        program, *arguments = split_command(command)
        found = shutil.which(program, path=environment["PATH"]) or program
        try:
            process = subprocess.Popen(
                [found, *arguments],
                cwd=project,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise CachyError(f"--check {program}: cannot be run: {error.strerror}.") from None
        try:
            code = process.wait(_LONGEST)
        except subprocess.TimeoutExpired:
            return _Run(1, frozenset(), f"it did not end within {_LONGEST:.0f} s")
        finally:
            _end(process)
        return _Run(code, frozenset(_passed(results)))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program, and what it has started, which might write when nobody expects it."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


@contextmanager
def _copy(root: Path) -> Iterator[tuple[Path, Path]]:
    """Yield a copy of a project and a folder beside it; links into the project lead to the copy."""
    # Tests may leave a file that cannot be removed, or a program that still writes.
    with tempfile.TemporaryDirectory(prefix="cachy-check-", ignore_cleanup_errors=True) as folder:
        aside = Path(folder).resolve()
        project = aside / root.name
        try:
            shutil.copytree(root, project, symlinks=True, ignore=_left_out)
        except OSError as error:
            why = error.strerror or "a file changed meanwhile"
            raise CachyError(f"--check: {root} cannot be copied: {why}.") from None
        for path in project.rglob("*"):
            target = os.readlink(path) if path.is_symlink() else ""
            if os.path.isabs(target) and Path(target).is_relative_to(root):
                path.unlink()
                path.symlink_to(project / Path(target).relative_to(root))
        yield project, aside


def _left_out(folder: str, names: list[str]) -> set[str]:
    """Return what is not copied: environments too, sockets and pipes, and what cannot be read."""
    return _NAMED(folder, names) | {name for name in names if not _is_copied(Path(folder, name))}


def _is_copied(path: Path) -> bool:
    if path.is_symlink():
        return True
    is_plain = path.is_file() or (path.is_dir() and not (path / "pyvenv.cfg").is_file())
    return is_plain and os.access(path, os.R_OK)


def _put(path: Path, held: str | bytes | None) -> None:
    if held is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(held if isinstance(held, bytes) else held.encode("utf-8"))


def _environment(
    environ: Mapping[str, str], root: Path, project: Path, results: Path
) -> dict[str, str]:
    """Return an environment without secrets, in which the copy stands for the project."""
    kept = dict(_without_secrets(environ))
    moved = {
        name: os.pathsep.join(_moved(part, root, project) for part in value.split(os.pathsep))
        for name, value in kept.items()
        if name not in ("PATH", "VIRTUAL_ENV")
    }
    sources = [path for path in (project / "src", project) if path.is_dir()]
    paths = [str(_NO_NETWORK), *map(str, sources), *filter(None, [moved.get("PYTHONPATH")])]
    path = os.pathsep.join((os.path.dirname(sys.executable), kept.get("PATH", os.defpath)))
    added = f"--junitxml={shlex.quote(str(results))} -o junit_family=xunit1"
    return (
        kept
        | moved
        | {
            "PATH": path,
            "PWD": str(project),
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_ADDOPTS": f"{moved.get('PYTEST_ADDOPTS', '')} {added}".strip(),
            "CACHY_MODE": "replay",
        }
    )


def _without_secrets(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    secrets = set(secret_values(environ))
    for name, value in environ.items():
        is_named = _SECRET_NAME.search(name) or _OF_GIT.fullmatch(name)
        if not is_named and value not in secrets and not find_secrets(value):
            yield name, value


def _moved(part: str, root: Path, project: Path) -> str:
    path = Path(part)
    is_inside = bool(part) and path.is_absolute() and path.is_relative_to(root)
    return str(project / path.relative_to(root)) if is_inside else part


def _passed(results: Path) -> Iterator[str]:
    """Yield the ids of the tests that passed, as pytest writes them on the command line."""
    try:
        cases = list(ElementTree.parse(results).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return
    for case in cases:
        if all(case.find(kind) is None for kind in ("failure", "error", "skipped")):
            yield _test_id(case.get("file", ""), case.get("classname", ""), case.get("name", ""))


def _test_id(file: str, classname: str, name: str) -> str:
    module = PurePosixPath(file.replace("\\", "/"))
    inner = classname.removeprefix(".".join(module.with_suffix("").parts)).strip(".")
    return "::".join([module.as_posix(), *filter(None, inner.split(".")), name])
