"""What `debug` prints and `CACHY_LOG` notes, in programs as users run them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from forking import run_script
from scripted_server import ScriptedServer

PROGRAM = """
import sys, cachy, httpx
url, mode, debug, *paths = sys.argv[1:]
cachy.enable_cachy(doms=["127.0.0.1"], mode=mode, debug=True if debug == "True" else debug)
for path in paths:
    try:
        httpx.get(url + path, headers={"x-api-key": "sk-very-secret"})
    except cachy.UnrecordedRequest:
        pass
cachy.disable_cachy()
"""


def run(project: Path, *arguments: str, paths: str) -> list[str]:
    """Run a program that asks for paths; return what it says of them."""
    program = project / "ask.py"
    program.write_text(PROGRAM, encoding="utf-8")
    environ = {**os.environ, "CACHY_LOG": str(project / "cachy.jsonl")}
    done = run_script(program, *arguments, *paths.split(), folder=project, environ=environ)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "very-secret" not in done.stderr
    return done.stderr.splitlines()


def logged(project: Path) -> list[tuple[str, str]]:
    """Return what was noted since the last look."""
    log = project / "cachy.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    log.unlink()
    assert all(line["at"] for line in lines)
    return [(line["event"], line["what"].rpartition("/")[2].partition("-")[0]) for line in lines]


@pytest.mark.parametrize("debug", ["miss", "True", ""])
def test_misses_are_said_and_logged(debug: str, project: Path, origin: ScriptedServer) -> None:
    url = origin.url
    recording = run(project, url, "record", debug, paths="/a /a /b")
    hits = [line for line in recording if "hit" in line or "recorded" in line]
    assert bool(hits) == (debug == "True")
    goes = [f"cachy: miss: GET {url}/{name} goes live" for name in "ab"]
    assert [line for line in recording if "miss" in line] == (goes if debug == "miss" else [])
    assert [event for event, _ in logged(project)] == [
        "live",
        "recorded",
        "hit",
        "live",
        "recorded",
    ]
    replaying = run(project, url, "replay", debug, paths="/a /c")
    named = [line for line in replaying if line == f"cachy: miss: GET {url}/c"]
    assert len(named) == bool(debug)
    assert f"cachy: No fixture answers GET {url}/c" in " ".join(replaying)
    assert ("/a" in " ".join(replaying)) == (debug == "True")
    assert logged(project) == [("hit", "get"), ("miss", "c")]
