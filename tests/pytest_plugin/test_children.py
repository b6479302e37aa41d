"""The Python processes that tests start have cachy on, as the tests have."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from conftest import fixtures_in
from plugin_project import prepare, run_pytest
from scripted_server import ScriptedServer, json_response, serving

from cachy.replay.run.unwatched import find_unwatched

pytest_plugins = ["pytester"]
START = """
import asyncio, multiprocessing, os, shlex, subprocess, sys
import pytest

CODE = "import sys, urllib3; print(urllib3.request('GET', sys.argv[1]).json()['n'])"
COMMAND = [sys.executable, "-c", CODE]

def ask(url):
    import urllib3
    print(urllib3.request("GET", url).json()["n"])

@pytest.fixture
def url(request):
    return URL + request.node.name
"""
PROGRAM = """
def test_a_program(url, tmp_path):
    done = subprocess.run([*COMMAND, url], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "1\\n"), done.stderr
"""
MORE = """
def test_with_more_in_the_environment(url):
    assert not subprocess.run([*COMMAND, url], env={**os.environ, "A": "b"}).returncode

def test_with_another_python_path(url):
    environ = {**os.environ, "PYTHONPATH": "src"}
    assert not subprocess.run([*COMMAND, url], env=environ).returncode

def test_with_a_python_path_of_the_test(url, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "src")
    assert not subprocess.run([*COMMAND, url]).returncode

def test_by_os(url):
    assert not os.spawnv(os.P_WAIT, sys.executable, [*COMMAND, url])

def test_by_asyncio(url):
    async def start():
        process = await asyncio.create_subprocess_exec(*COMMAND, url)
        assert not await process.wait()
    asyncio.run(start())

def test_below_a_shell_and_a_program(url):
    inner = [*COMMAND, url]
    code = f"import subprocess; raise SystemExit(subprocess.run({inner!r}).returncode)"
    command = shlex.join([sys.executable, "-c", code])
    assert not subprocess.run(f"cd / && {command}", shell=True).returncode
"""
KINDS = """
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("kind", ["spawn", "forkserver", "fork"])
def test_by_multiprocessing(url, kind, number):
    process = multiprocessing.get_context(kind).Process(target=ask, args=(url,))
    process.start()
    process.join()
    assert not process.exitcode
"""


@pytest.fixture
def origin() -> Iterator[ScriptedServer]:
    with serving(otherwise=lambda _: json_response({"n": 1})) as server:
        yield server


@pytest.fixture
def project(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, origin: ScriptedServer
) -> pytest.Pytester:
    return prepare(pytester, monkeypatch)


def write(project: pytest.Pytester, origin: ScriptedServer, *tests: str) -> None:
    text = "".join((f"URL = {origin.url!r} + '/'\n", START, *tests))
    (project.path / "test_it.py").write_text(text)


def replay(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *options: str) -> str:
    """Run the tests as CI does; return what pytest printed."""
    monkeypatch.setenv("CI", "true")
    return str(run_pytest(project, *options).stdout)


SLOW = [pytest.param(by, marks=pytest.mark.slow) for by in ("option", "marker", "fixture")]


@pytest.mark.slow
@pytest.mark.parametrize("by", ["conftest", *SLOW])
def test_a_program_of_a_test_is_recorded_replayed_and_refused_as_the_test_is(
    by: str,
    project: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    origin: ScriptedServer,
) -> None:
    program = PROGRAM
    if by == "conftest":
        project.makeconftest("import cachy\ncachy.enable_cachy()\n")
    if by == "marker":
        program = f"\n@pytest.mark.cachy{PROGRAM}"
    if by == "fixture":
        program = PROGRAM.replace("tmp_path)", "tmp_path, cachy)")
    write(project, origin, program)
    options = ["--cachy=record"] if by == "option" else []
    run_pytest(project, *options).stdout.fnmatch_lines(["cachy: 0 replayed, 1 recorded, 0 missed"])
    (path,) = fixtures_in(project.path)
    document = json.loads(path.read_text())
    assert document["recorded"]["test"] == "test_it.py::test_a_program"
    assert document["request"]["variant"] == "test_it.py::test_a_program"
    options = ["--cachy=replay"] if by == "option" else []
    said = replay(project, monkeypatch, *options)
    assert re.search("cachy: 1 replayed.*, 0 recorded, 0 missed", said)
    path.unlink()
    said = replay(project, monkeypatch, *options)
    assert "cachy: 0 replayed, 0 recorded, 1 missed" in said
    assert "1 failed" in said
    assert origin.count == 1


def test_a_miss_that_nobody_looks_at_fails_the_test(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, origin: ScriptedServer
) -> None:
    write(
        project,
        origin,
        "\ndef test_it(url, cachy):\n    subprocess.run([*COMMAND, url], capture_output=True)\n",
    )
    said = replay(project, monkeypatch)
    assert "This test swallowed a miss: No fixture answers GET" in said
    assert "Record it: pytest --cachy=record 'test_it.py::test_it'" in said
    assert origin.count == 0


SERVER = """
from http.server import BaseHTTPRequestHandler, HTTPServer

SERVE = '''
import sys, urllib3
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        said = urllib3.request("GET", sys.argv[1] + self.path).data
        self.send_response(200)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

with HTTPServer(("127.0.0.1", 0), Handler) as server:
    print(server.server_port, flush=True)
    server.serve_forever()
'''

@pytest.fixture(scope="module")
def port():
    command = [sys.executable, "-c", SERVE, URL]
    with subprocess.Popen(command, stdout=-1, text=True) as process:
        yield int(process.stdout.readline())
        process.kill()

def look(port, path):
    import urllib.request
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}") as response:
        assert response.read() == b'{"n": 1}'

@pytest.mark.parametrize("path", ["a", "b", "c"])
def test_it(port, path):
    from cachy import no_cachy
    with no_cachy():
        look(port, path)
"""


@pytest.mark.slow
def test_what_a_killed_server_did_is_counted_and_the_run_is_complete(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, origin: ScriptedServer
) -> None:
    write(project, origin, SERVER)
    run_pytest(project, "--cachy=record").stdout.fnmatch_lines(
        ["cachy: 0 replayed, 3 recorded, 0 missed"]
    )
    said = replay(project, monkeypatch, "--cachy=replay")
    assert re.search("cachy: 3 replayed.*, 0 recorded, 0 missed", said)
    (record,) = (project.path / "cachy_fixtures" / ".cachy").glob("*.run")
    assert len(json.loads(record.read_text())["used"]) == 3


def test_a_test_that_fails_of_what_its_child_missed_names_the_miss(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, origin: ScriptedServer
) -> None:
    test = "\ndef test_it(url, cachy):\n"
    test += "    assert subprocess.run([*COMMAND, url], capture_output=True).stdout == b'1'\n"
    write(project, origin, test)
    said = replay(project, monkeypatch)
    assert "cachy: before that, No fixture answers GET" in said
    assert "cachy: 0 replayed, 0 recorded, 1 missed" in said


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_every_way_to_start_a_python_is_watched(
    workers: str,
    project: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    origin: ScriptedServer,
) -> None:
    write(project, origin, MORE, KINDS)
    options = ("-p", "xdist", workers)
    result = run_pytest(project, "--cachy=record", *options)
    result.stdout.fnmatch_lines(["cachy: 0 replayed, 12 recorded, 0 missed", "*12 passed*"])
    for path in fixtures_in(project.path):
        document = json.loads(path.read_text())
        assert document["request"]["variant"] == document["recorded"]["test"]
        asked = unquote(document["request"]["url"].rpartition("/")[2])
        assert asked == document["recorded"]["test"].partition("::")[2]
    said = replay(project, monkeypatch, "--cachy=replay", *options)
    assert re.search("cachy: 12 replayed.*, 0 recorded, 0 missed", said)
    assert origin.count == 12


@pytest.mark.slow
def test_the_environment_is_as_it_was_where_cachy_is_off(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, origin: ScriptedServer
) -> None:
    monkeypatch.setenv("PYTHONPATH", "somewhere")
    write(
        project,
        origin,
        """
def test_on(url, cachy):
    from cachy import no_cachy
    assert "CACHY_CHILD" in os.environ
    assert os.environ["PYTHONPATH"].endswith(os.pathsep + "somewhere")
    with no_cachy():
        assert os.environ["PYTHONPATH"] == "somewhere"
        assert not subprocess.run([*COMMAND, url]).returncode

def test_off(url):
    assert "CACHY_CHILD" not in os.environ
    assert os.environ["PYTHONPATH"] == "somewhere"
    assert not subprocess.run([*COMMAND, url]).returncode

@pytest.mark.cachy(mode="off")
def test_mode_off(url):
    assert not subprocess.run([*COMMAND, url]).returncode
""",
    )
    assert "3 passed" in replay(project, monkeypatch)
    assert origin.count == 3


@pytest.mark.slow
def test_a_python_without_cachy_runs_on_in_silence(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, origin: ScriptedServer
) -> None:
    bare = project.path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    python = str(bare / ("Scripts" if os.name == "nt" else "bin") / "python")
    test = f"""
def test_it(cachy):
    done = subprocess.run([{python!r}, "-c", "print(5)"], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("5\\n", "")
"""
    write(project, origin, test)
    log = project.path / "cachy.log"
    monkeypatch.setenv("CACHY_LOG", str(log))
    said = replay(project, monkeypatch)
    assert "1 passed" in said
    assert "cachy: not watched: python without cachy (1); what they request goes live" in said
    (line,) = [json.loads(line) for line in log.read_text().splitlines()]
    assert (line["event"], line["what"]) == ("not watched", f"{python} has no cachy")


@pytest.mark.slow
def test_what_a_program_enables_itself_holds_in_it_in_the_mode_of_the_test(
    project: pytest.Pytester, origin: ScriptedServer, tmp_path: Path
) -> None:
    """It chooses hosts and a folder; without a mode of its own it does not go live."""
    (project.path / "app.py").write_text(
        "import sys, cachy, urllib3\n"
        "cachy.enable_cachy('apart', doms=['127.0.0.1'])\n"
        "urllib3.request('GET', sys.argv[1])\n"
    )
    test = """
@pytest.mark.cachy(mode="replay", doms=["api.example.com"])
def test_it(url):
    assert subprocess.run([sys.executable, "app.py", url]).returncode
"""
    write(project, origin, test)
    said = str(run_pytest(project).stdout)
    assert "1 missed" in said
    assert origin.count == 0
    assert re.search(r"No fixture answers GET \S+ \(mode replay, from CACHY_MODE\)", said)


STARTED = {
    "-I": [sys.executable, "-I", "-c", ""],
    "-sE": [sys.executable, "-sE", "-c", ""],
    "-S": ["python3", "-W", "error", "-S", "-c", ""],
}


def test_programs_that_cannot_be_watched_are_named(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, origin: ScriptedServer
) -> None:
    test = f"""
def test_it(cachy):
    from pathlib import Path
    for command in {list(STARTED.values())!r}:
        subprocess.run(command)
    environ = {{"PATH": os.environ["PATH"]}}
    subprocess.run([Path(sys.executable), "-c", ""], env=environ)
    subprocess.run("curl --version", shell=True, stdout=subprocess.DEVNULL)
    subprocess.run([sys.executable, "-c", ""], env=environ, close_fds=False)
    if hasattr(os, "posix_spawn"):
        words = [sys.executable, "-bI", "-c", ""]
        os.waitpid(os.posix_spawn(sys.executable, words, os.environ), 0)
        if not (child := os.fork()):
            os.execve(sys.executable, [sys.executable, "-bE", "-c", ""], os.environ)
        os.waitpid(child, 0)
    subprocess.run(["git", "--version"], stdout=subprocess.DEVNULL)

def test_without_cachy():
    subprocess.run("curl --version", shell=True, stdout=subprocess.DEVNULL)
"""
    write(project, origin, test)
    said = replay(project, monkeypatch)
    forked = ("-bE", "-bI") if hasattr(os, "posix_spawn") else ()
    options = ", ".join(f"python {option} (1)" for option in sorted((*STARTED, *forked)))
    own = "python with an environment of its own (2)"
    assert f"cachy: not watched: curl (1), {options}, {own}; what they request goes live" in said


MARK = "CACHY_CHILD"
WATCHED = {MARK: "{}"}
COMMANDS = [
    (["sh", "-c", "python -I x.py"], WATCHED, "python -I"),
    (["bash", "-ec", "cd a && A=1 python3 -E x.py"], WATCHED, "python -E"),
    (["sh", "-c", "echo a | xargs curl -s"], WATCHED, "curl"),
    ("cd a; (wget b)", WATCHED, "wget"),
    (["timeout", "-k", "5", "20s", "python", "-E", "x.py"], WATCHED, "python -E"),
    (["nohup", "nice", "-n", "5", "node", "x"], WATCHED, "node"),
    (["env", "A=1", "node", "x"], WATCHED, "node"),
    (["env", "-i", "python", "x.py"], WATCHED, "python with an environment of its own"),
    (["sh", "-c", "python x.py"], {}, "python with an environment of its own"),
    (["sh", "-c", "env - python x.py"], WATCHED, "python with an environment of its own"),
    (["sh", "-c", "python x.py && echo curl"], WATCHED, ""),
    (["sh", "script.sh"], WATCHED, ""),
    (["sh", "-c"], WATCHED, ""),
    (["env"], WATCHED, ""),
    (["timeout", "20", "python", "x.py", "-I"], WATCHED, ""),
    (["git", "commit", "-m", "use curl; node"], WATCHED, ""),
    ("", WATCHED, ""),
]


@pytest.mark.parametrize(("command", "environ", "name"), COMMANDS)
def test_a_program_is_found_behind_shells_and_other_programs(
    command: Any, environ: dict[str, str], name: str
) -> None:
    assert find_unwatched(command, environ, MARK) == name
