"""The packages of npm, from the fixtures that the Python SDKs write, and the other way round.

These tests need node and npm, which `.ci/run` does not ask for: `pytest -m node` runs them.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from commands import Done, environment, start_cachy
from conftest import fixtures_in
from foreign import fetch
from node import providers
from places import ROOT, TESTS
from scripted_server import ScriptedServer, serving
from wire import proxying

from cachy.fixture.store.store import load_fixture

Live = tuple[dict[str, str], ScriptedServer]
pytestmark = [pytest.mark.node, pytest.mark.timeout(900)]
PACKAGES = ("openai", "@anthropic-ai/sdk", "@google/genai", "ai@6", "@ai-sdk/openai@3")
HOSTS = ("api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com")
KEYS = {f"{name}_API_KEY": "a-key-of-mine" for name in ("OPENAI", "ANTHROPIC", "GOOGLE")}
NODE, PYTHON = "node app.mjs", f"{shlex.quote(sys.executable)} app.py"
LINES = (
    f"openai: {providers.PLAIN}",
    f"openai, streamed: {providers.STREAMED}",
    f"openai responses: {providers.PLAIN}",
    f"@anthropic-ai/sdk: {providers.PLAIN}",
    f"@anthropic-ai/sdk, streamed: {providers.STREAMED}",
    f"@google/genai: {providers.PLAIN}",
    f"@google/genai, streamed: {providers.STREAMED}",
    f"ai with @ai-sdk/openai: {providers.PLAIN}",
    f"ai with @ai-sdk/openai, streamed: {providers.STREAMED}",
    f"ai with @ai-sdk/anthropic: {providers.PLAIN}",
)


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the packages, once for all tests."""
    npm = shutil.which("npm")
    assert npm, "these tests need node and npm"
    folder = tmp_path_factory.mktemp("node")
    install = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder)]
    fetch([*install, *PACKAGES, "@ai-sdk/anthropic@3"], "packages of npm")
    return folder / "node_modules"


@pytest.fixture
def programs(project: Path, packages: Path) -> Path:
    (project / "node_modules").symlink_to(packages)
    for name in ("app.mjs", "app.py"):
        shutil.copy(TESTS / "node" / name, project)
    return project


@pytest.fixture
def live(programs: Path) -> Iterator[Live]:
    """Serve the APIs under their own names; return the variables of a client that reaches them."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*HOSTS).configure_cert(context)
    with (
        authority.cert_pem.tempfile() as bundle,
        serving(otherwise=providers.answer, context=context) as server,
        proxying(server.port) as proxy,
    ):
        yield {"HTTPS_PROXY": proxy.url, "SSL_CERT_FILE": bundle, **KEYS}, server


def run(folder: Path, script: str, **environ: str) -> Done:
    return start_cachy("run", "--", "sh", "-c", script, folder=folder, **environ)


def test_node_replays_what_the_python_sdks_recorded(programs: Path, live: Live) -> None:
    variables, server = live
    recorded = run(programs, PYTHON, **variables)
    assert tuple(recorded.stdout.splitlines()) == LINES, recorded.stderr
    replayed = run(programs, NODE, CI="true")
    assert tuple(replayed.stdout.splitlines()) == LINES, replayed.stderr
    assert (replayed.returncode, replayed.stderr[:19]) == (0, "cachy: 10 replayed,")
    assert server.count == 10


def test_python_replays_what_node_recorded(programs: Path, live: Live) -> None:
    variables, server = live
    recorded = run(programs, NODE, **variables)
    assert tuple(recorded.stdout.splitlines()) == LINES, recorded.stderr
    by_node = fixtures_in(programs)
    sdks = {load_fixture(path).document["recorded"]["sdk"].split()[0] for path in by_node}
    assert sdks >= {"openai-js", "anthropic-js", "google-genai-sdk", "ai-sdk/openai", "ai"}
    replayed = run(programs, PYTHON, CI="true")
    assert tuple(replayed.stdout.splitlines()) == LINES, replayed.stderr
    assert fixtures_in(programs) == by_node
    assert server.count == 10


def test_all_programs_of_one_command_and_one_changed_prompt(programs: Path, live: Live) -> None:
    body = '{"model": "gpt-4.1", "messages": [{"role": "user", "content": "PROMPT"}]}'
    curl = (
        'curl -sS --fail-with-body "$OPENAI_BASE_URL/chat/completions" '
        '-H "authorization: Bearer $OPENAI_API_KEY" '
        f"-H 'content-type: application/json' -d '{body}'"
    )
    script = f"{NODE} PROMPT && {PYTHON} PROMPT && {curl}"
    variables, server = live
    recorded = run(programs, script.replace("PROMPT", "Hi"), **variables)
    assert recorded.returncode == 0, recorded.stderr
    green = run(programs, script.replace("PROMPT", "Hi"), CI="true")
    assert (green.returncode, green.stdout) == (0, recorded.stdout), green.stderr
    assert green.stderr.startswith("cachy: 21 replayed")
    red = run(programs, f"{NODE} Hi && {NODE} Bye openai", CI="true")
    assert red.returncode == 1
    assert 'messages[0].content changed: "Hi" -> "Bye"' in red.stderr
    assert "1 missed" in red.stderr  # the SDK did not try again
    assert server.count == 10


def test_the_blocks_of_the_docs_run_as_they_stand(programs: Path, live: Live) -> None:
    page = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```js\n// app\.mjs\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    (programs / "app.mjs").write_text(program, encoding="utf-8")
    app = readme.partition("```python\n")[2].partition("```")[0]  # asks the same
    (programs / "app.py").write_text(app, encoding="utf-8")
    blocks = re.findall(r"^```sh\n(cachy run .*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    variables, server = live
    path = os.pathsep.join((os.path.dirname(sys.executable), os.environ["PATH"]))
    for block in blocks:
        command = ["sh", "-ec", block]
        kept = environment({**variables, "PATH": path})
        done = subprocess.run(
            command, cwd=programs, env=kept, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "1 recorded" in done.stderr
    assert [seen.path for seen in server.requests] == ["/v1/responses", "/v1/models"]
