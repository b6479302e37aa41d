"""What the summary says that replay saved."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from forking import run_module
from plugin_project import prepare
from scripted_server import ScriptedServer, event, json_response, serving, sse_response

from cachy.replay.run.savings import describe_savings

pytest_plugins = ["pytester"]

COMPLETION = {"usage": {"prompt_tokens": 30_000, "completion_tokens": 600, "total_tokens": 30_600}}
MESSAGE = {"message": {"usage": {"input_tokens": 25, "output_tokens": 1}}}


@pytest.fixture
def origin() -> Iterator[ScriptedServer]:
    with serving(otherwise=json_response({"id": 1})) as server:
        server.on("/v1/chat/completions", json_response(COMPLETION))
        streamed = (
            event(MESSAGE),
            event({"usage": {"output_tokens": 15}}),
            event({}, "message_stop"),
        )
        server.on("/v1/messages", sse_response(*streamed))
        yield server


@pytest.fixture
def project(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, origin: ScriptedServer
) -> pytest.Pytester:
    prepare(pytester, monkeypatch)
    pytester.makepyfile(
        f"""
        import httpx, pytest

        @pytest.mark.parametrize("number", [1, 2])
        def test_completion(number):
            httpx.post("{origin.url}/v1/chat/completions", json={{"q": 1}}).read()

        def test_message():
            httpx.post("{origin.url}/v1/messages", json={{"q": 1}}).read()

        def test_item():
            httpx.get("{origin.url}/v1/items/1").read()
        """
    )
    return pytester


def took(project: pytest.Pytester, milliseconds: int) -> None:
    """Rewrite how long each recording took."""
    for path in (project.path / "cachy_fixtures").rglob("*.json"):
        text, count = re.subn(r'"ms": \d+', f'"ms": {milliseconds}', path.read_text())
        assert count == 1
        path.write_text(text)


@pytest.mark.slow
def test_the_summary_says_what_each_replay_saved(project: pytest.Pytester) -> None:
    recorded = project.runpytest_subprocess("--cachy=record")
    recorded.stdout.fnmatch_lines(["cachy: 1 replayed, saved *about 31,000 tokens, 3 recorded, *"])
    took(project, 10_500)
    done = project.runpytest_subprocess("--cachy=replay")
    saved = "4 replayed, saved 42 s and about 61,000 tokens, 0 recorded, 0 missed"
    done.stdout.fnmatch_lines([f"cachy: {saved}"])
    workers = project.runpytest_subprocess("--cachy=replay", "-p", "xdist", "-n2")
    workers.stdout.fnmatch_lines([f"cachy: {saved}"])


@pytest.mark.slow
def test_cachy_run_says_so_too(project: pytest.Pytester) -> None:
    project.runpytest_subprocess("--cachy=record")
    took(project, 10_500)
    command = ("run", "--mode", "replay", "--", "pytest", "-q")
    done = run_module("cachy", *command, folder=project.path, environ=os.environ)
    assert "cachy: 4 replayed, saved 42 s and about 61,000 tokens, 0 recorded" in done.stderr


@pytest.mark.parametrize(
    ("milliseconds", "count", "usage", "said"),
    [
        (2_000, 3, "{}", ["saved 6.0 s"]),
        (999, 1, "{}", []),
        (60_000, 30, "{}", ["saved 30 min"]),
        (20, 1, '{"usage": {"input_tokens": 12, "output_tokens": 5}}', ["saved about 17 tokens"]),
        (20, 1, '{"prompt_eval_count": 1, "done": true}', ["saved about 1 token"]),
        (
            300,
            1,
            '{"usageMetadata": {"promptTokenCount": 1000, "candidatesTokenCount": 234}}',
            ["saved 0.3 s and about 1,200 tokens"],
        ),
    ],
)
def test_what_is_next_to_nothing_is_left_out(
    tmp_path: Path, milliseconds: int, count: int, usage: str, said: list[str]
) -> None:
    path = tmp_path / "a.json"
    path.write_text(
        f'{{"cachy": 1, "recorded": {{"ms": {milliseconds}}}, "request": {{}}, '
        f'"response": {{"status": 200, "json": {usage}}}}}'
    )
    assert describe_savings({str(path): count}) == said


def test_a_recording_that_is_gone_counts_as_nothing(tmp_path: Path) -> None:
    assert describe_savings({str(tmp_path / "gone.json"): 3}) == []
