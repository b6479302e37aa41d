"""A folder of many fixtures: what a look-up, one more recording and verify cost.

    python tests/benchmarks/folder.py

Prints three ratios, each the least of interleaved rounds: a look-up among 100,000 fixtures to one
among 10; the files written to record one more; and `verify` of 10,000 fixtures to reading them
and giving each to `json.loads`.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cachy.config import Config
from cachy.fixture.compose import compose
from cachy.fixture.format.render import render_fixture
from cachy.fixture.identity.fingerprint import identify
from cachy.fixture.store.files import list_fixtures
from cachy.fixture.store.store import Store
from cachy.interaction import Request, Response
from cachy.replay import respond
from cachy.replay.recorder import Recording
from cachy.replay.session import Session
from cachy.verify import verify

CHAT = "https://api.openai.com/v1/chat/completions"
JSON_TYPE = (("content-type", "application/json"),)
STREAM_TYPE = (("content-type", "text/event-stream; charset=utf-8"),)
ROUNDS = 7
FEW, MANY, VERIFIED = 10, 100_000, 10_000


def asked(number: int) -> Request:
    """Ask in the way of a test-suite: a system prompt, a few turns, a tool."""
    turns = [
        {"role": "system", "content": "You are a careful assistant.\nAnswer briefly.\nBe kind."},
        {"role": "user", "content": f"What is the weather in Paris on day {number}?"},
        {"role": "assistant", "content": "Let me look that up for you. One moment, please."},
        {"role": "user", "content": f"And on day {number + 1}? " + "Tell me more. " * 8},
    ]
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    tools = [{"type": "function", "function": {"name": "weather", "parameters": parameters}}]
    body = {"model": "gpt-4.1", "messages": turns, "tools": tools, "stream": number % 5 == 0}
    return Request("POST", CHAT, JSON_TYPE, json.dumps(body).encode())


def answered(number: int) -> Response:
    """Answer with a completion; every fifth is a stream of 40 events."""
    head = {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1_760_000_000}
    if number % 5 == 0:
        events = [
            {**head, "choices": [{"index": 0, "delta": {"content": f"word{at} "}}], "usage": None}
            for at in range(40)
        ]
        lines = [f"data: {json.dumps(event)}\n\n" for event in events]
        return Response(200, STREAM_TYPE, "".join([*lines, "data: [DONE]\n\n"]).encode())
    message = {"role": "assistant", "content": "It will be sunny. " * 20, "refusal": None}
    usage = {"prompt_tokens": 90, "completion_tokens": 80, "total_tokens": 170}
    choices = [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}]
    answer = {**head, "model": "gpt-4.1", "choices": choices, "usage": usage}
    return Response(200, JSON_TYPE, json.dumps(answer).encode())


def fill(config: Config, count: int, *, same: bool = False) -> None:
    """Write many fixtures without a look for older ones; `same`: all hold what the first holds."""
    store, text = Store(config.fixtures), ""
    for number in range(count):
        request = asked(number)
        path = Path(store.path_of(identify(request, config)))
        if not text or not same:
            recorded = {"at": "2026-11-01T00:00:00Z", "sdk": "openai 3.54.0"}
            document, _ = compose(request, answered(number), recorded, config)
            text = render_fixture(document)
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def least(rounds: int, *works: Callable[[], object]) -> list[float]:
    """Return the least CPU seconds of each task; the tasks take turns."""
    found = [float("inf")] * len(works)
    for _ in range(rounds):
        for at, work in enumerate(works):
            start = time.process_time()
            work()
            found[at] = min(found[at], time.process_time() - start)
    return found


def look_up(config: Config, numbers: range) -> Callable[[], object]:
    """Look requests up, each for the first time."""
    requests = [asked(number) for number in numbers]

    def work() -> None:
        session = Session(config)
        for request in requests:
            assert isinstance(respond.answer(session, request), Response)

    return work


def count_writes(config: Config, number: int) -> int:
    """Record one more, and count the files that are then new or changed."""
    before = {path: path.stat().st_mtime_ns for path in config.fixtures.rglob("*.json")}
    request = asked(number)
    recording = respond.answer(Session(config), request)
    assert isinstance(recording, Recording)
    recording.save(answered(number))
    after = {path: path.stat().st_mtime_ns for path in config.fixtures.rglob("*.json")}
    return sum(before.get(path) != stamp for path, stamp in after.items())


def read_all(config: Config) -> None:
    """Read every fixture and parse its JSON: the least that any check must do."""
    for path in list_fixtures(config.fixtures):
        json.loads(path.read_bytes())


def verify_all(config: Config) -> None:
    assert verify(config) == []


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        few, many, checked = (
            Config(root=Path(scratch, name), fixtures=Path(scratch, name, "cachy_fixtures"))
            for name in ("few", "many", "checked")
        )
        for config, count in ((few, FEW), (many, MANY), (checked, VERIFIED)):
            fill(config, count, same=config is not checked)
        # The same work in both: ten requests, again and again, each round by a new session.
        step = MANY // FEW
        in_few, in_many = least(
            ROUNDS * 10, look_up(few, range(FEW)), look_up(many, range(0, MANY, step))
        )
        print(f"look-up among {MANY:,} / among {FEW}: {in_many / in_few:.2f}")
        print(f"files written to record one more of {MANY:,}: {count_writes(many, MANY)}")
        floor, ours = least(ROUNDS, lambda: read_all(checked), lambda: verify_all(checked))
        print(f"verify of {VERIFIED:,} / read and json.loads: {ours / floor:.2f}")


if __name__ == "__main__":
    main()
