"""Replay a session's streams in step with its client, as its server would."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

from cachy.fixture.identity.json_rpc import chunk_as_asked, messages_in
from cachy.interaction import Headers, Json, Response
from cachy.providers.mcp import find_endpoint, is_answer, is_call
from cachy.replay.streams.channels import Channel, channel_of, key_of, numbered
from cachy.replay.streams.event_loop import after, in_this_loop

_PATIENCE = 5.0  # seconds to wait for what the client said when this was recorded


async def _hear(channel: Channel, heard: int, seconds: float | None) -> bool:
    """Wait until more was said than what was `heard`; return whether that was in time."""
    import anyio  # the async client's own dependency

    if channel.heard > heard:
        return True
    event = anyio.Event()
    channel.waiting.append(in_this_loop(event.set))
    timer = after(seconds, event.set) if seconds is not None else None
    try:
        await event.wait()
    finally:
        if timer:
            timer.cancel()
    return channel.heard > heard


async def in_step(response: Response) -> AsyncIterator[bytes]:
    """Yield the answer to a call; after each call of the server, wait for the client's answer."""
    channel = channel_of(response.session)
    for chunk in response.chunks:
        wanted = [(call, channel.answered.count(call) + 1) for call in _calls(chunk)]
        yield chunk
        for call, number in wanted:
            await _until_answered(channel, call, number)


async def _until_answered(channel: Channel, call: str, number: int) -> None:
    while channel.answered.count(call) < number:
        heard = channel.heard
        if not await _hear(channel, heard, _PATIENCE):
            return


def _calls(chunk: bytes) -> Iterator[str]:
    """Yield the ids of the server's calls in a piece of a stream, as JSON."""
    for message in messages_in(chunk):
        if is_call(message):
            yield json.dumps(message["id"])


async def until_left(response: Response, url: str, headers: Headers) -> AsyncIterator[bytes]:
    """Yield the events of a stream that its client left; it stays open until a client leaves."""
    first, *chunks = response.chunks or (b"",)
    endpoint = find_endpoint(url, first)
    if endpoint:
        name = numbered(first.decode())
        endpoint, first = find_endpoint(url, name.encode()), name.encode()
    channel = channel_of(key_of(endpoint, ()) if endpoint else key_of(url, headers))
    counts = response.after or (0,) * len(response.chunks)
    script = _Script([first, *chunks] if response.chunks else [], counts, channel)
    while True:
        heard = channel.heard
        for chunk in script.take():
            wanted = [(call, channel.answered.count(call) + 1) for call in _calls(chunk)]
            yield chunk
            for call, number in wanted:
                await _until_answered(channel, call, number)
        patience = _PATIENCE if script.waits else None
        if not await _hear(channel, heard, patience):
            script.is_impatient = True


class _Script:
    """The events that are still to come, and what each waits for."""

    def __init__(self, chunks: list[bytes], counts: tuple[int, ...], channel: Channel) -> None:
        self._left = list(zip(chunks, counts, strict=False))
        self._channel = channel
        self._answers: dict[str, bytes] = {}  # that were given, by the recorded id
        self._asked = 0  # of what the channel was asked, how much is answered
        self.is_impatient = False

    @property
    def waits(self) -> bool:
        """Whether an event is held back that may come unasked."""
        return any(_answered_id(chunk) is None for chunk, _ in self._left)

    def take(self) -> Iterator[bytes]:
        """Yield the events whose time has come."""
        asked = self._channel.asked
        held = []
        for chunk, count in self._left:
            recorded = _answered_id(chunk)
            if recorded is None:
                is_due = self.is_impatient or self._channel.sent >= count
            else:
                is_due = any(json.dumps(one) == recorded for one, _ in asked[self._asked :])
            if not is_due:
                held.append((chunk, count))
            elif recorded is None:
                yield self._as_asked(chunk)
            else:
                self._answers[recorded] = chunk
        self._left, self.is_impatient = held, False
        yield from self._answer()

    def _answer(self) -> Iterator[bytes]:
        waiting = self._channel.asked[self._asked :]
        for recorded, wanted in waiting:
            self._asked += 1
            chunk = self._answers.get(json.dumps(recorded))
            if chunk is not None:
                yield chunk_as_asked(chunk, recorded, wanted)

    def _as_asked(self, chunk: bytes) -> bytes:
        changed = (chunk_as_asked(chunk, *pair) for pair in reversed(self._channel.asked))
        return next((one for one in changed if one != chunk), chunk)


def _answered_id(chunk: bytes) -> str | None:
    message: Json = next(iter(messages_in(chunk)), None)
    return json.dumps(message.get("id")) if is_answer(message) else None
