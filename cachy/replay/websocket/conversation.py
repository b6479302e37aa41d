"""A recorded connection that is replayed: each message is answered with those that followed it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn

from cachy.errors import UnrecordedRequest
from cachy.fixture.identity.same_message import MessageMatch
from cachy.interaction import Frame, header
from cachy.replay.decision import Replay

__tracebackhide__ = True  # pytest shows the caller, not what is in between
_PATIENCE = 5.0  # seconds beyond what the recording took, as a machine may be busy


class Miss(NamedTuple):
    """What a program did that the recording does not show."""

    problem: str
    nearest: Replay
    number: int = 0  # of the frame that it sent, from 1; 0 where it only waits
    recorded: str | bytes | None = None
    sent: str | bytes | None = None


class Conversation:
    """One replayed connection.

    Args:
        candidates: the recordings that may be it, the likeliest first; what the program sends
            decides.
        new_match: makes what compares messages, one for each candidate.
        miss: makes the error of a miss.
        used: is called with the recording that the program turns out to have.
    """

    def __init__(
        self,
        candidates: Sequence[Replay],
        new_match: Callable[[], MessageMatch],
        miss: Callable[[Miss], UnrecordedRequest],
        used: Callable[[Replay], None],
    ) -> None:
        self._candidates = candidates
        self._new_match = new_match
        self._miss = miss
        self._used = used
        self._sent: list[str | bytes] = []
        self._replies: deque[tuple[Frame, ...]] = deque()
        self._waiting = 0  # messages that the program has not been given yet
        self._is_used = False
        self._follow(candidates[0], new_match())
        self._reply()

    @property
    def subprotocol(self) -> str:
        """What the server chose to speak; empty for nothing."""
        return header(self._candidates[0].response.headers, "sec-websocket-protocol") or ""

    def _follow(self, recording: Replay, match: MessageMatch) -> None:
        self._recording, self._match = recording, match
        self._frames, self._at = recording.response.frames, 0

    def sent(self, payload: str | bytes) -> None:
        """Match a message that the program sends.

        Raises:
            UnrecordedRequest: no recording of this connection has it here.
        """
        wanted = self._next_sent()
        if wanted is not None and self._match.is_same(wanted, payload):
            self._at += 1
        elif not self._switch(payload):
            self._refuse(wanted, payload)
        self._sent.append(payload)
        self._settle()
        self._reply()

    def _next_sent(self) -> str | bytes | None:
        """Return the message that the recording has next; None where it has no more."""
        is_sent = self._at < len(self._frames) and self._frames[self._at].way == "send"
        return self._frames[self._at].payload if is_sent else None

    def _switch(self, payload: str | bytes) -> bool:
        """Go over to another recording that begins with all that was sent, and this."""
        for other in self._candidates:
            if other is not self._recording:
                match = self._new_match()
                at = _find_end(other.response.frames, (*self._sent, payload), match)
                if at is not None:
                    self._follow(other, match)
                    self._at = at
                    return True
        return False

    def _refuse(self, wanted: str | bytes | None, payload: str | bytes) -> NoReturn:
        number = len(self._sent) + 1
        problem = f"frame {number} that it sends is not recorded"
        from cachy.replay import misses  # replay needs none

        miss = self._miss(Miss(problem, self._recording, number, wanted, payload))
        misses.refusal_of(miss)()

    def _settle(self) -> None:
        if not self._is_used:
            self._is_used = True
            self._used(self._recording)

    def _reply(self) -> None:
        """Take what follows in the recording, up to the next message of the program."""
        start = self._at
        while self._at < len(self._frames) and self._frames[self._at].way != "send":
            self._at += 1
        found = self._frames[start : self._at]
        replies = [self._match.as_asked(frame) for frame in found if frame.way != "close"]
        self._match.answered(replies)
        self._waiting += len(replies)
        self._replies.append(tuple(replies))

    def take_replies(self) -> tuple[Frame, ...]:
        """Return what answers the next message whose bytes have come; at first the greeting."""
        return self._replies.popleft() if self._replies else ()

    def received(self, payload: str | bytes | None = None) -> None:
        """Note that the program was given a message."""
        self._waiting -= 1

    def ended(self) -> None:
        """Note that the connection is closed."""
        self._settle()

    @property
    def progress(self) -> int:
        """How many messages the program has sent."""
        return len(self._sent)

    @property
    def is_cut(self) -> bool:
        """Whether the recording ends here because the connection was lost."""
        return self._at >= len(self._frames) and self._recording.response.truncated

    def patience(self) -> float | None:
        """Return the seconds to wait for a message; None where one comes."""
        if self._waiting > 0:
            return None
        if self.is_cut:
            return 0.0
        before = self._frames[self._at - 1] if self._at else None
        after = self._frames[self._at] if self._at < len(self._frames) else None
        if before and before.way == "close" and self._at > 1:  # it waited until it closed
            before, after = self._frames[self._at - 2], before
        took = after.ms - before.ms if before and after else 0
        return _PATIENCE + 2 * took / 1000

    def overdue(self) -> UnrecordedRequest:
        """Return the error of waiting for a message that will not come."""
        self._settle()
        if self.is_cut:
            return self._miss(Miss("it was cut here while recording", self._recording))
        wanted = self._next_sent()
        if wanted is None:
            return self._miss(Miss("it waits for a message after the last one", self._recording))
        number = len(self._sent) + 1
        problem = f"it waits for a message, but the recording goes on with frame {number} sent"
        return self._miss(Miss(problem, self._recording, number, wanted))


def _find_end(
    frames: Sequence[Frame], sent: Sequence[str | bytes], match: MessageMatch
) -> int | None:
    """Return where a recording goes on after these messages; None where it does not have them."""
    left = deque(sent)
    for at, frame in enumerate(frames):
        if frame.way != "send":
            match.answered([frame])
        elif not match.is_same(frame.payload, left.popleft()):
            return None
        elif not left:
            return at + 1
    return None
