"""What every SDK is asked, and how what it gives becomes plain data that two runs can compare."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Any

from pydantic import BaseModel

from cachy import cachy

Call = Callable[[], Any]
Calls = dict[str, Call]
"""By way of calling; where an SDK has a way in several places, `way: place`."""

ASK = "What is the weather in Paris?"
TURN = [{"role": "user", "content": ASK}]
CALL = [{"role": "user", "content": "Call the tool."}]
AS_JSON = [{"role": "user", "content": "Answer as JSON."}]
SCHEMA = {
    "type": "object",
    "properties": {"content": {"type": "string"}},
    "required": ["content"],
    "additionalProperties": False,
}
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
TOOL = {
    "type": "function",
    "function": {"name": "weather", "description": "Tell the weather.", "parameters": WEATHER},
}
FILE = b"some text\x00\xff"
SOUND = b"ID3\x04" + bytes(range(256))
GPT, CLAUDE, GEMINI = "gpt-4.1", "claude-opus-4-6", "gemini-2.5-flash"
JOB = "batch_67cb32528d6881909eb2859a55e18a85"
HOST = ["127.0.0.1"]


class Answer(BaseModel):
    """What a structured answer holds."""

    content: str


_loop: list[asyncio.Runner] = []


def run(work: Any) -> Any:
    """Run on the program's one loop: clients keep their connections between calls."""
    if not _loop:
        _loop.append(asyncio.Runner())
    return _loop[0].run(work)


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


def plain(value: Any) -> Any:
    """Turn whatever an SDK gives into plain data."""
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", exclude={"sdk_http_response"}, warnings=False)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    return plain(vars(value)) if hasattr(value, "__dict__") else str(value)


def each(stream: Iterable[Any]) -> list[Any]:
    return [plain(item) for item in stream]


def first(stream: Any) -> Any:
    """Read one item of a stream, and leave the rest."""
    for item in stream:
        return plain(item)
    raise AssertionError("an empty stream")


async def collect(stream: Any) -> list[Any]:
    """Read an async stream, or what a coroutine gives as one."""
    if asyncio.iscoroutine(stream):
        stream = await stream
    return [plain(item) async for item in stream]


def failed(call: Call) -> str:
    """Return the class, status and body, else text, of the error that ends a call."""
    try:
        call()
    except Exception as error:
        status = getattr(error, "status_code", getattr(error, "code", None))
        words = getattr(error, "body", None) or getattr(error, "server_message", None) or error
        return f"{type(error).__name__} {status}: {words}"
    raise AssertionError("no error")


def refused_with(ask: Callable[[str], Any], own: str, *statuses: int) -> Calls:
    """Ask a provider that answers with each status."""

    def refused(status: int) -> Call:
        return lambda: failed(lambda: ask(f"{own}/{status}"))

    return {f"errors: {status}": refused(status) for status in statuses or (400, 404, 422)}


def retried(ask: Callable[[str], Any], own: str) -> Calls:
    """Ask a provider that is busy at first; once as by default, once with its refusal recorded."""

    def recorded() -> Any:
        with cachy(doms=HOST, record_status=(429,), repeats="sequence"):
            return ask(f"{own}/busy-recorded")

    return {"retry": lambda: ask(f"{own}/busy"), "retry: recorded": recorded}


def parallel(
    ask: Callable[[str], Any] | None, ask_async: Callable[[str], Awaitable[Any]] | None
) -> Calls:
    """Ask eight things at once, each question twice, in threads and in tasks."""
    texts = [f"Count to {number % 4}." for number in range(8)]

    def threads() -> Any:
        assert ask
        with cachy(doms=HOST, repeats="sequence"), ThreadPoolExecutor(8) as pool:
            return in_any_order(pool.map(ask, texts))

    async def gathered() -> Any:
        assert ask_async
        tasks = [asyncio.ensure_future(ask_async(text)) for text in texts]
        try:
            return in_any_order(await asyncio.gather(*tasks))
        finally:
            await asyncio.wait(tasks)

    def gather() -> Any:
        with cachy(doms=HOST, repeats="sequence"):
            return run(gathered())

    return {**({"threads": threads} if ask else {}), **({"gather": gather} if ask_async else {})}


def in_any_order(answers: Iterable[Any]) -> list[str]:
    return sorted(json.dumps(plain(answer), sort_keys=True) for answer in answers)


def until_done(ask: Call, is_done: Callable[[Any], bool]) -> Any:
    """Ask for a job's state until it is done, and once more."""
    states = [ask()]
    while not is_done(states[-1]) and len(states) < 9:
        states.append(ask())
    assert is_done(states[-1])
    return [plain(state) for state in (*states, ask())]
