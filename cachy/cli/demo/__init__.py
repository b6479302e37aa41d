"""`cachy demo`: record, replay and drift against a provider that it starts on loopback."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cachy.cli.terminal import wrap
from cachy.config import Config, Drift, environment
from cachy.display import counted
from cachy.errors import CachyError

if TYPE_CHECKING:
    from cachy.drift.check import Checked

_KEY = "demo-key"
_PROGRAM = Path(__file__).with_name("chat.py")
_PATIENCE = 5  # seconds for the provider to end


@click.command()
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the demo's project here")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port of the provider [default: free]"
)
def command(keep: Path | None, port: int) -> int:
    """Run a self-contained demo (one minute, no key, no network).

    Records calls to a provider on this machine, stops it, replays them, verifies the fixtures,
    starts the provider's next version and reports the drift. Leaves nothing behind.

    Example: cachy demo --keep my-demo
    """
    with _project(keep) as folder:
        with _provider(port, version=1) as taken:
            config = _write_project(folder, taken)
            _tell("1. Record", "the program asks the provider; each answer becomes a fixture")
            _run_program(folder, taken, CACHY_MODE="record", DEMO_API_KEY=_KEY)
        _show_a_fixture(config)
        _tell("2. Replay", "the provider is stopped, no key is set, CI=true")
        _run_program(folder, taken, CI="true")
        _tell("3. Verify", "whole, in their places, free of secrets")
        _verify(config)
        with _provider(taken, version=2):
            _tell("4. Drift", "the provider's next version is up; the requests are sent again")
            checked = _drift(config)
        _tell("5. Check", "which program breaks with the new responses, in a copy of the project")
        _check(checked, config, taken)
        _tell("Next", "in your own project: cachy init")
        if keep:
            _say(f"The fixtures are in {config.fixtures}")
    return 0


def _tell(title: str, text: str) -> None:
    _say(f"\n{click.style(title, bold=True)}: {text}")


def _say(text: str) -> None:
    click.echo(wrap(text), color=False if environment().get("NO_COLOR") else None)


@contextmanager
def _project(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="cachy-demo-") as folder:
            yield Path(folder).resolve()
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise CachyError("is not empty", path=keep, advice="Name a new folder for --keep.")
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"cannot be created: {error.strerror}"
        raise CachyError(problem, path=keep, advice="Name another folder.") from None
    yield keep.resolve()


@contextmanager
def _provider(port: int, *, version: int) -> Iterator[int]:
    """Yield the port of the provider, which runs in a process of its own."""
    module = "cachy.cli.demo.demo_provider"
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(port), str(version)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        said = process.stdout.readline().strip() if process.stdout else ""
        if not said.isdigit():
            raise CachyError(
                f"Port {port} cannot be used: {said}.", advice="Choose another with --port."
            )
        yield int(said)
    finally:
        try:
            process.communicate(timeout=_PATIENCE)  # closes its stdin, at which it ends
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _write_project(folder: Path, port: int) -> Config:
    host = f"127.0.0.1:{port}"
    settings = (
        f'[tool.cachy]\ndoms = ["{host}"]\n\n[tool.cachy.drift]\nallow = ["POST {host}/*"]\n'
        f'hosts = {{ "{host}" = "authorization: Bearer ${{DEMO_API_KEY}}" }}\n'
    )
    (folder / "pyproject.toml").write_text(settings, encoding="utf-8")
    shutil.copy(_PROGRAM, folder / _PROGRAM.name)
    return Config(
        root=folder,
        fixtures=folder / "cachy_fixtures",
        doms=(host,),
        drift=Drift(
            allow=(f"POST {host}/*",), hosts={host: "authorization: Bearer ${DEMO_API_KEY}"}
        ),
    )


def _run_program(folder: Path, port: int, **variables: str) -> None:
    ours = ("CACHY_", "CI", "DEMO_API_KEY", "PYTEST_")
    kept = {name: value for name, value in environment().items() if not name.startswith(ours)}
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, _PROGRAM.name, f"http://127.0.0.1:{port}"],
        cwd=folder,
        env={**kept, **variables},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CachyError("The demo's program failed.", advice="See its output above.")
    _say(done.stdout.rstrip())
    _say(f"   in {time.monotonic() - started:.1f} s")


def _show_a_fixture(config: Config) -> None:
    from cachy.fixture.store.files import list_fixtures, read_text

    paths = [*list_fixtures(config.fixtures)]
    smallest = min(paths, key=lambda path: path.stat().st_size)
    _say(f"   {counted(len(paths), 'fixture')}, for example {smallest.relative_to(config.root)}:")
    _say("".join(f"   | {line}\n" for line in read_text(smallest).splitlines()))


def _verify(config: Config) -> None:
    from cachy.verify import count_fixtures, verify
    from cachy.verify.report import render_text

    _say(render_text(verify(config), count_fixtures(config)))


def _drift(config: Config) -> Checked:
    from cachy.drift.check import Options, check, load_fixtures
    from cachy.drift.live.resend import open_connection
    from cachy.drift.outcome.report_text import render_text

    with open_connection(config, {"DEMO_API_KEY": _KEY}) as connection:
        options = Options(apart=0)
        checked = check(config, connection, load_fixtures(config, ()), options)
    _say(render_text(checked.report))
    return checked


def _check(checked: Checked, config: Config, port: int) -> None:
    from cachy.drift.outcome.blast_radius import find_failing_tests

    command = f"python {_PROGRAM.name} http://127.0.0.1:{port}"
    found = find_failing_tests(command, checked.files, config, environment())
    for name in found.failed:
        _say(f"   fails with the new responses: {name}")
    _say("\nA nightly `cachy drift --open-pr` keeps one pull request with just these changes.")
