"""The command `cachy serve`, as a program that runs until somebody ends it."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from ast import literal_eval
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from commands import environment, run_cachy
from conftest import fixtures_in
from foreign import free_port
from scripted_server import ScriptedServer


class Running:
    """`cachy serve` in a process of its own: the variables that it printed, and how it ended."""

    def __init__(self, process: subprocess.Popen[str], variables: dict[str, str]) -> None:
        self.process = process
        self.variables = variables
        self.errors = ""

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        _, self.errors = self.process.communicate(timeout=60)
        return self.process.returncode


@contextmanager
def running(folder: Path, *options: str, **environ: str) -> Iterator[Running]:
    process = subprocess.Popen(
        [sys.executable, "-m", "cachy", "serve", *options],
        cwd=folder,
        env=environment(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        printed: list[str] = []
        for line in process.stdout:
            printed.append(line.rstrip())
            if line.startswith("#"):
                break
        yield Running(process, loaded(folder, "\n".join(printed)))
    finally:
        process.kill()
        process.communicate()


def loaded(folder: Path, printed: str) -> dict[str, str]:
    """Return what a shell's children get once it has loaded the lines, in their order."""
    (folder / "serve.env").write_text(printed, encoding="utf-8")
    names = [line.split("=")[0].removeprefix("export ") for line in printed.splitlines()]
    show = f"import os; print([os.environ[name] for name in {names[:-1]!r}])"
    script = f". ./serve.env; exec {shlex.quote(sys.executable)} -c {shlex.quote(show)}"
    done = subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, text=True)
    assert not done.stderr
    return dict(zip(names, literal_eval(done.stdout), strict=False))


def ask(url: str) -> tuple[int, dict[str, object]]:
    try:
        with urlopen(Request(url, b"{}", {"content-type": "application/json"})) as reply:
            return reply.status, json.loads(reply.read())
    except HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.mark.slow
def test_it_prints_the_variables_and_ends_with_the_summary(
    origin: ScriptedServer, project: Path
) -> None:
    given = {"OPENAI_BASE_URL": f"{origin.url}/v1"}
    proxy = {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1,it's here"}
    with running(project, **given, **proxy, OPENAI_API_KEY="mine") as served:
        names = {"ANTHROPIC_BASE_URL", "GOOGLE_GEMINI_BASE_URL", "OPENAI_BASE_URL"}
        assert names < set(served.variables)
        assert "OPENAI_API_KEY" not in served.variables
        assert "ANTHROPIC_API_KEY" not in served.variables  # the other terminal may have it
        assert list(served.variables) == sorted(served.variables)
        url = served.variables["CACHY_SERVE_URL"]
        assert served.variables["OPENAI_BASE_URL"] == f"{url}/127.0.0.1:{origin.port}/v1"
        assert served.variables["NO_PROXY"] == "127.0.0.1,it's here,127.0.0.1"
        assert ask(f"{served.variables['OPENAI_BASE_URL']}/x")[0] == 200
        assert served.end() == 0
    (path,) = fixtures_in(project)
    assert served.errors.splitlines() == [
        "cachy: serving cachy_fixtures, mode record; Ctrl-C ends it",
        f"cachy: recorded {path.relative_to(project)}",
        "cachy: 0 replayed, 1 recorded, 0 refused, 0 missed",
    ]
    port = str(free_port())
    with running(project, "--port", port, **given, CI="true") as served:
        placeholder = served.variables["ANTHROPIC_API_KEY"]
        assert placeholder == "cachy-placeholder-for-ANTHROPIC_API_KEY"
        assert "OPENAI_API_KEY" in served.variables
        url = served.variables["OPENAI_BASE_URL"]
        assert url.startswith(f"http://127.0.0.1:{port}/")
        assert ask(f"{url}/x")[0] == 200
        status, refusal = ask(f"{url}/y")
        assert (status, refusal["type"]) == (501, "error")
        assert served.end(signal.SIGTERM) == 1
    assert "Record it: cachy serve --mode record" in served.errors
    assert served.errors.splitlines()[-1].startswith("cachy: 1 replayed")
    assert origin.count == 1


def test_a_port_that_is_taken_is_named(origin: ScriptedServer, project: Path) -> None:
    done = run_cachy("serve", "--port", str(origin.port), folder=project)
    assert done.returncode == 2
    assert done.stderr.startswith(f"cachy: Cannot listen on 127.0.0.1:{origin.port}: ")
    assert "Choose another --port." in done.stderr


def test_mode_off_has_nothing_to_serve(project: Path) -> None:
    done = run_cachy("serve", folder=project, CACHY_MODE="off")
    assert done.returncode == 2
    assert "Mode off, from CACHY_MODE, serves nothing." in done.stderr
