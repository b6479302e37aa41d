"""A connection that goes live: its messages in the order of the program's own calls."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from cachy.fixture.identity.same_message import MessageMatch
from cachy.interaction import SWITCHING, Frame, Headers, Response
from cachy.replay.process import PROCESS
from cachy.replay.recorder import Recording

_NO_STATUS, _CUT, _FAILED = 1005, 1006, 1011  # RFC 6455 section 7.4.1
_FRAMING = ("upgrade", "connection", "sec-websocket-accept", "sec-websocket-extensions", "date")


class MessageTape:
    """What a live connection has said so far; it is written once, when it ends.

    A message counts where the program is given it, not where it came: so a program that sends and
    receives in one task is recorded the same however fast the network is. What it was never given
    is not recorded.

    Args:
        recording: what writes it.
        is_own: the connection's number in its test is its number on the disk; else the first
            recording with the same messages, or a new one.
        new_match: makes what compares messages.
    """

    def __init__(
        self, recording: Recording, *, is_own: bool, new_match: Callable[[], MessageMatch]
    ) -> None:
        self._recording = recording
        self._new_match = new_match
        self._is_own = is_own
        self._frames: list[Frame] = []
        self._headers: Headers = ()
        self._opened: float | None = None
        self._has_failed = False
        self._is_over = False
        self.finish: Callable[[], None] = partial(self.ended, _NO_STATUS, by_server=False)
        PROCESS.buffers.add(self)

    @property
    def is_opened(self) -> bool:
        """Whether the server has accepted the connection."""
        return self._opened is not None

    @property
    def _now(self) -> int:
        started = self._recording.started if self._opened is None else self._opened
        return round((PROCESS.clock() - started) * 1000)

    def opened(self, headers: Headers) -> None:
        """Note that the server has accepted the connection."""
        self._opened = PROCESS.clock()
        self._headers = tuple(pair for pair in headers if pair[0].lower() not in _FRAMING)

    def lost(self, error: BaseException | None) -> None:
        """Note that the connection could not be opened."""
        if not self._is_over:
            self.forget()
            self._recording.lose(error)

    def refused(self, status: int) -> None:
        """Note that the server has answered the opening request with another status than 101."""
        if not self._is_over:
            self.forget()
            self._give_up(f"the server refused the WebSocket with {status}")

    def _give_up(self, why: str) -> None:
        self._recording.abandon()
        self._recording.recorder.journal.refused(self._recording.request, why)

    def sent(self, payload: str | bytes) -> None:
        """Note a message of the program."""
        self._frames.append(Frame("send", payload, self._now))

    def received(self, payload: str | bytes) -> None:
        """Note a message that the program was given."""
        self._frames.append(Frame("receive", payload, self._now))

    def closing(self) -> None:
        """Note that the program closes; where an error makes it close, nothing is recorded."""
        error = sys.exc_info()[1]
        self._has_failed |= error is not None and not isinstance(error, GeneratorExit)

    def ended(self, code: int, reason: str = "", *, by_server: bool) -> None:
        """Record the connection, which is closed now; `code` 1006 says that it was lost."""
        if self._is_over:
            return
        if self._opened is None:
            return self.lost(None)
        self.forget()
        if code == _FAILED and not by_server:
            self._has_failed = True  # as libraries close where an error ends the block
        if self._has_failed:
            return self._give_up("an error ended it before the program closed it")
        if code != _CUT:
            end = Frame("closed" if by_server else "close", reason, self._now, code or _NO_STATUS)
            self._frames.append(end)
        self._save(is_cut=code == _CUT)

    def _save(self, *, is_cut: bool) -> None:
        frames = tuple(self._frames)
        response = Response(SWITCHING, self._headers, truncated=is_cut, frames=frames)
        recording = self._recording
        if not self._is_own:
            recording = replace(recording, index=self._find_index(frames))
        recording.save(response)

    def _find_index(self, frames: tuple[Frame, ...]) -> int:
        """Return the number of the recording where the program said the same, or a new one."""
        index, store = 1, self._recording.recorder.store
        while path := store.find(self._recording.identity, index):
            response = store.read(path)
            if response and _say_the_same(response.frames, frames, self._new_match()):
                break
            index += 1
        return index

    def end_program(self) -> None:
        """Record what was said in a connection that a program left open, or dropped."""
        if self._opened is None:
            return self.lost(None)
        self.finish()

    def forget(self) -> None:
        """Record nothing."""
        self._is_over = True
        PROCESS.buffers.discard(self)

    def __del__(self) -> None:
        if not self._is_over:
            self.end_program()


def _say_the_same(old: Iterable[Frame], new: Iterable[Frame], match: MessageMatch) -> bool:
    """Return whether a program that sent the new messages would have been given the old ones."""
    left = deque(frame.payload for frame in new if frame.way == "send")
    for frame in old:
        if frame.way != "send":
            match.answered([frame])
        elif not left or not match.is_same(frame.payload, left.popleft()):
            return False
    return not left
