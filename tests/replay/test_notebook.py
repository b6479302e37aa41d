"""Notebooks and programs whose code is not touched: run again, they say the same for free."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Scope, fixtures_in
from scripted_server import ScriptedServer, event, json_response, sse_response

pytestmark = pytest.mark.slow
PATH = "/v1/chat/completions"
CELLS = [
    """
    from cachy import enable_cachy
    enable_cachy(doms=["127.0.0.1"])
    import httpx, httpx2, os, tempfile
    """,
    "httpx.post(URL, json={'q': 'Hey!', 'file': tempfile.mkdtemp()}).json()",
    "with httpx2.stream('POST', URL + '/stream', json={}) as answer:\n"
    "    for line in answer.iter_lines(): print(line)",
    """
    async with httpx.AsyncClient() as client:
        found = await client.post(URL, json={'q': 'async'})
    found.headers['content-type'], found.json()
    """,
    "[httpx.post(URL, json={'q': 'Hey!', 'file': tempfile.mkdtemp()}).json() for _ in range(3)]",
    "def f(): pass\nhttpx.post(URL, json={'q': f.__code__.co_filename + repr(f)}).json()",
]


def execute(project: Path, url: str) -> list[Any]:
    """Execute a notebook in a kernel of its own; give the outputs of its cells."""
    import nbclient
    import nbformat

    sources = [f"URL = {url!r}", *CELLS, CELLS[0], CELLS[1]]  # a cell that is run again
    cells = [nbformat.v4.new_code_cell(dedented(source)) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(project)}}
    ).execute()
    return [cell["outputs"] for cell in notebook["cells"]]


def dedented(source: str) -> str:
    return textwrap.dedent(source).strip()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Jupyter's own parts
def test_a_notebook_run_again_without_a_network_says_the_same(
    project: Path, origin: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.on(f"{PATH}/stream", sse_response(*(event({"n": number}) for number in range(3))))
    first = execute(project, origin.url + PATH)
    assert (origin.count, len(fixtures_in(project))) == (4, 4)
    monkeypatch.setenv("CI", "true")
    assert execute(project, origin.url + PATH) == first
    assert origin.count == 4


CHILD = """\
import multiprocessing, os, subprocess, sys
import asker
if __name__ == "__main__":
    url = sys.argv[1]
    print(subprocess.check_output([sys.executable, "-m", "asker", url], text=True), end="")
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        print(*pool.map(asker.ask, [url]))
        pool.close()
        pool.join()
    os.execv(sys.executable, [sys.executable, "asker.py", url])
"""
ASKER = """\
import sys, httpx
def ask(url):
    return httpx.post(url, json={"q": "Hey!"}).json()["number"]
if __name__ == "__main__":
    print(ask(sys.argv[1]))
"""
TEST = """\
import os, httpx
def test_it():
    assert httpx.post(os.environ["URL"], json={"q": "Hey!"}).json()["number"] == 1
"""


@pytest.fixture
def programs(project: Path) -> Path:
    (project / "pyproject.toml").write_text('[tool.cachy]\ndoms = ["127.0.0.1"]\n')
    files = {"asker.py": ASKER, "child.py": CHILD, "test_it.py": TEST}
    for name, text in files.items():
        (project / name).write_text(text)
    console = project / "console"  # as pip writes them
    console.write_text(f"#!{sys.executable}\nimport sys\nsys.path[0] = '.'\n{ASKER}")
    console.chmod(0o755)
    return project


def cachy_run(folder: Path, url: str, *command: str, **environ: str) -> Any:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("CI", "CACHY_MODE", "PYTEST_CURRENT_TEST") and "PYTEST" not in name
    }
    return subprocess.run(
        [sys.executable, "-m", "cachy", "run", "--", *command],
        cwd=folder,
        env={**kept, "URL": url, **environ},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


PROGRAMS = """
set -e
{python} asker.py $URL
{python} -m asker $URL
{python} -s -c 'import asker, sys; print(asker.ask(sys.argv[1]))' $URL
./console $URL
"""
WAYS = {
    "programs of a shell": (["sh", "-c", PROGRAMS.format(python=sys.executable)], 4),
    "children of each kind": (["python", "child.py", "$URL"], 3),
    "pytest and its workers": (["python", "-m", "pytest", "-q", "-n", "1", "test_it.py"], 1),
}


@pytest.mark.parametrize("name", WAYS)
def test_a_program_is_covered_however_it_is_started(
    name: str, programs: Path, origin: ScriptedServer, recording: Scope
) -> None:
    url = origin.on(PATH, json_response({"number": 1}))
    with recording():
        httpx.post(url, json={"q": "Hey!"})
    command, count = WAYS[name]
    given = [url if part == "$URL" else part for part in command]
    done = cachy_run(programs, url, *given, CI="true")
    assert done.returncode == 0, done.stderr
    assert f"cachy: {count} replayed, 0 recorded, 0 refused, 0 missed" in done.stderr
    assert origin.count == 1


@pytest.mark.parametrize("flags", [["-I"], ["-E"], ["-W", "error", "-sS"], ["-X", "dev", "-OE"]])
def test_a_python_that_reads_no_environment_is_refused(flags: list[str], programs: Path) -> None:
    done = cachy_run(programs, "", "python", *flags, "asker.py", "http://127.0.0.1:9/x")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"python {flags[-1]} would run without cachy" in done.stderr


def test_the_flags_of_a_program_are_its_own(programs: Path) -> None:
    done = cachy_run(programs, "", "python", "-c", "import sys; print(sys.argv)", "-I")
    assert (done.returncode, done.stdout) == (0, "['-c', '-I']\n")
