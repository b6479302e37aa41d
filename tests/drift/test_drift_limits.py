"""What a run may spend and how it sends: time, requests, memory, proxies, whole responses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from commands import environment
from drift_faults import ANTHROPIC, ASK, CHAT, CHATS, FaultWorld, faulty, rows
from drift_project import KEY, record, write_config
from scripted_server import NO_RESPONSE, ScriptedResponse, json_response, serving
from wire import proxying

from cachy.drift.live import asking, large_fixture
from cachy.fixture import compose
from cachy.fixture.format.body import Body, parse_response_body
from cachy.interaction import Fixture

SAME = json_response({**CHAT, "id": "chatcmpl-2"})
MESSAGES = "/v1/messages"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def write_many(world: FaultWorld, count: int, recorded: int = 1) -> list[str]:
    """Write fixtures that each ask for something else, so that each is sent."""
    answered = {**CHAT, "usage": {**CHAT["usage"], "completion_tokens": recorded}}
    return [world.write({**ASK, f"key{number}": 1}, answered) for number in range(count)]


def test_replace_takes_the_whole_response(project: Path) -> None:
    live = {**CHAT, "id": "live", "tier": "x"}
    with faulty(project, {CHATS: [json_response(live)]}) as world:
        name, patch = world.write(), project.parent / "patch"
        code, report, _ = world.drift("--replace", "--patch", str(patch))
    document = json.loads((patch / name).read_text())
    assert (code, rows(report)) == (0, [("compatible", "field-added", "$.tier")])
    assert document["response"]["json"] == live
    assert "grafted" not in document["recorded"]


def test_replace_takes_no_whole_response_where_nothing_changed(project: Path) -> None:
    with faulty(project, {CHATS: [SAME]}) as world:
        world.write()
        _, report, _ = world.drift("--replace")
    assert (rows(report), report["files"]) == ([], [])


def test_the_time_limit_ends_a_run_and_says_so(project: Path) -> None:
    with faulty(project, {CHATS: [NO_RESPONSE]}) as world:
        names = write_many(world, 6)
        code, report, _ = world.drift("--time-limit", "1s", "--max-output-tokens", "90000")
        assert world.server.count < len(names)
    reasons = Counter(row["reason"] for row in report["inconclusive"])
    assert (code, sum(reasons.values())) == (3, len(names))
    late = [row["detail"] for row in report["inconclusive"] if row["reason"] == "budget"]
    assert set(late) == {"--time-limit 1s is reached"}


def dribble(text: str, pause: float) -> ScriptedResponse:
    """Return a response whose bytes come one by one, the status line first."""
    return ScriptedResponse(tuple(bytes([one]) for one in text.encode()), None, (), pause, "cut")


SLOW_HEADERS = dribble("HTTP/1.1 200 OK\r\nX-Slow: " + "x" * 200, 0.05)
SLOW_BODY = ScriptedResponse((b'{"id": "',) + (b"x",) * 200, 200, pause=0.05)


@pytest.mark.parametrize(
    ("script", "words"),
    [(SLOW_HEADERS, "no response within 1 s"), (SLOW_BODY, "no end after 2 s")],
    ids=["headers", "body"],
)
def test_a_response_that_comes_byte_by_byte_is_given_up(
    script: ScriptedResponse, words: str, project: Path
) -> None:
    with faulty(project, {CHATS: [script]}) as world:
        world.write()
        code, report, _ = world.drift("--timeout", "1s")
    (row,) = report["inconclusive"]
    assert (code, row["reason"], words in row["detail"]) == (3, "provider", True), row


def test_hosts_share_the_requests_of_a_run(project: Path) -> None:
    answers = {CHATS: [SAME], MESSAGES: [json_response({"id": "2"})]}
    with faulty(project, answers) as world:
        write_many(world, 12)
        for number in range(12):
            asked = {"model": "m", "max_tokens": 1, f"key{number}": 1}
            world.write(asked, {"id": "1"}, host=ANTHROPIC, path=MESSAGES)
        _, report, _ = world.drift("--all", "--max-requests", "10")
        sent = Counter(request.path for request in world.server.requests)
    assert sent == {CHATS: 4, MESSAGES: 4}  # two are kept for confirmations
    reasons = Counter((row["reason"], row["detail"]) for row in report["inconclusive"])
    assert reasons == {("budget", "--max-requests 10 is reached"): 16}


def test_the_tokens_of_a_run_are_limited_by_what_responses_say(project: Path) -> None:
    usage: Any = CHAT["usage"]
    spent = json_response({**CHAT, "usage": {**usage, "completion_tokens": 900}})
    with faulty(project, {CHATS: [spent]}) as world:
        write_many(world, 4, recorded=100)
        code, report, _ = world.drift("--max-output-tokens", "2000")
        assert world.server.count == 2
    details = {row["detail"] for row in report["inconclusive"]}
    assert (code, details) == (3, {"--max-output-tokens 2000 is reached"})
    assert report["spent"] == {"requests": 2, "output_tokens": 1800}


@pytest.mark.parametrize(
    ("asked", "tokens", "limit", "count"),
    [
        ({}, 20, 200, 1),  # ten times what was recorded
        ({}, 21, 200, 0),
        ({}, 0, 1999, 0),  # a recording that does not say what it cost
        ({}, 0, 2000, 1),
        ({"max_tokens": 50}, 900, 50, 1),  # no more than the request allows
        ({"max_tokens": 50}, 900, 49, 0),
        ({"max_tokens": 50, "n": 4}, 20, 199, 0),
        ({"max_tokens": 50.0, "n": 4.0}, 20, 199, 0),
        ({"max_tokens": 50, "n": 4}, 20, 200, 1),
    ],
)
def test_a_request_is_sent_only_where_its_cost_is_within_the_limit(
    asked: dict[str, int], tokens: int, limit: int, count: int, project: Path
) -> None:
    usage = {"usage": {**CHAT["usage"], "completion_tokens": tokens}} if tokens else {}
    recorded = {**{key: CHAT[key] for key in CHAT if key != "usage"}, **usage}
    with faulty(project, {CHATS: [json_response(recorded)]}) as world:
        world.write({**ASK, **asked}, recorded)
        _, report, _ = world.drift("--max-output-tokens", str(limit))
        assert world.server.count == count
    assert [row["reason"] for row in report["skipped"]] == ["cost"] * (1 - count)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_the_proxy_of_the_environment_is_tunnelled_through(name: str, project: Path) -> None:
    with faulty(project, {CHATS: [SAME]}) as world, proxying(world.server.port) as proxy:
        world.write()
        code, report, _ = world.drift(**{name: proxy.url})
    assert (code, report["summary"]["clean"]) == (0, 1)
    assert [line.split()[:2] for line in proxy.asked] == [["CONNECT", "api.openai.com:443"]]


def test_a_host_that_no_proxy_names_is_asked_directly(project: Path) -> None:
    with faulty(project, {CHATS: [SAME]}) as world, proxying(world.server.port) as proxy:
        world.write()
        code, _, _ = world.drift(HTTPS_PROXY=proxy.url, NO_PROXY=".openai.com")
    assert (code, proxy.asked) == (0, [])


def test_an_etag_that_is_gone_is_reported_from_one_recording(project: Path) -> None:
    kinds = {"content-type": "application/json", "etag": '"1"'}
    with faulty(project, {CHATS: [SAME]}) as world:
        world.write(headers=kinds)
        code, report, _ = world.drift()
    assert (code, rows(report)) == (0, [("risky", "header-removed", "headers.etag")])
    ((row,),) = [surface["changes"] for surface in report["surfaces"]]
    assert row["confirmed"] == "3/3"


def test_each_response_is_parsed_once_and_one_at_a_time(project: Path) -> None:
    active, parsed = list[int](), list[int]()

    def parse(media: str, raw: bytes) -> Body:
        active.append(1)
        parsed.append(len(active))
        body = parse_response_body(media, raw)
        active.pop()
        return body

    with (
        faulty(project, {CHATS: [SAME]}) as world,
        mock.patch.object(asking, "parse_response_body", parse),
        mock.patch.object(compose, "parse_response_body", parse),
    ):
        names = write_many(world, 9)
        _, report, _ = world.drift()
    assert (report["summary"]["clean"], parsed) == (len(names), [1] * len(names))


def test_a_large_fixture_is_read_again_where_it_is_needed(project: Path) -> None:
    """Here each fixture counts as large: it is compared, grafted and named like any other."""
    live = {**CHAT, "id": "live", "choices": CHAT["choices"] * 70, "tier": "x"}
    patch = project.parent / "patch"
    with (
        faulty(project, {CHATS: [json_response(live)]}) as world,
        mock.patch.object(large_fixture, "LARGE", 100),
    ):
        long = {**CHAT, "choices": CHAT["choices"] * 90, "vector": [0.5, 1] * 50}
        names = [world.write({**ASK, "seed": number}, long) for number in range(3)]
        code, report, _ = world.drift("--no-sdk", "--patch", str(patch))
    expected = [("risky", "field-removed", "$.vector"), ("compatible", "field-added", "$.tier")]
    assert (code, rows(report)) == (0, expected)
    for name in names:
        body = json.loads((patch / name).read_text())["response"]["json"]
        assert (body["id"], body["tier"], len(body["choices"])) == ("chatcmpl-1", "x", 90)
        assert "vector" not in body


def test_what_a_large_fixture_teaches_is_short_and_shows_each_structure() -> None:
    rare = [{"a": 1, "b": None}, {"a": "text", "c": []}]
    found = [{"a": number} for number in range(500)]
    body = {"rows": [*found, *rare, *found], "vector": [1, 2.5] * 500}
    response = {"status": 200, "json": body}
    short = large_fixture.in_short(Fixture({"request": {}, "response": response}))
    kept = short.response["json"]
    assert len(kept["rows"]) < 100
    assert all(row in kept["rows"] for row in (*rare, found[0], found[-1]))
    assert kept["vector"] == [2.5] * 1000


PEAK = 300  # MiB, of a run that meets ten of the largest responses
ROW = {"id": "id_1", "object": "item", "created": 1732440000, "text": "x" * 200, "score": 0.25}


@pytest.fixture
def big_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Ten fixtures whose live responses are almost as big as may be."""
    rows_of = (8 << 20) // (len(json.dumps(ROW)) + 2) - 100
    small, big = ({"object": "list", "data": [ROW] * count} for count in (2, rows_of))
    big["data"] = [{**ROW, "created": number} for number in range(rows_of)]
    monkeypatch.chdir(project)
    with serving({"/v1/big": [json_response(small)]}) as provider:
        write_config(project, provider)
        settings = (project / "pyproject.toml").read_text()
        for number in range(10):
            record(project, provider, {"model": "m", f"key{number}": 1}, "/v1/big")
        provider.on("/v1/big", json_response(big))
        (project / "pyproject.toml").write_text(settings)
        yield project


# A process of its own, as the peak of a child counts from the size of its parent.
MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.slow
def test_ten_of_the_largest_responses_do_not_fill_the_memory(big_project: Path) -> None:
    drift = [sys.executable, "-m", "cachy", "drift", "--format", "json", "--no-sdk"]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *drift],
        cwd=big_project,
        env={**environment({}), "MY_KEY": KEY},
        capture_output=True,
        text=True,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["summary"]["checked"] == 10, done.stdout
    peak = int(done.stderr.split()[-1])
    assert peak < PEAK << 10
