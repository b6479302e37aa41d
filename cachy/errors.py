"""What cachy raises.

* CachyError            wrong usage, configuration or input; a command ends with exit code 2
  + Inconclusive        something that was to be checked could not be; exit code 3
* UnrecordedRequest     a BaseException: nothing recorded answers a request
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class CachyError(Exception):
    """Wrong usage, configuration or input, said in one line: what, where, and what to do."""

    exit_code = 2


class Inconclusive(CachyError):
    """Something that was to be checked could not be."""

    exit_code = 3


class UnrecordedRequest(BaseException):
    """Nothing recorded answers this request, and the mode forbids going live.

    A ``BaseException``, as pytest's own failures are: no SDK's retry loop and no
    ``except Exception`` in the code under test turns it into three attempts and
    "Connection error.".

    Attributes:
        method, url: the request, redacted.
        nearest: path of the fixture whose request is most like it, or None.
        differences: what differs between the two, one line each.
        how_to_record: the command that records it, or None where there is none.
    """

    # langchain reads these two off whatever BaseException ends a run.
    generations: Sequence[Any] = ()
    llm_output: Any = None

    def __init__(
        self,
        message: str,
        *,
        method: str = "",
        url: str = "",
        nearest: str | None = None,
        differences: Sequence[str] = (),
        how_to_record: str | None = None,
    ) -> None:
        super().__init__(message)
        self.method = method
        self.url = url
        self.nearest = nearest
        self.differences = tuple(differences)
        self.how_to_record = how_to_record

    def __reduce__(self) -> tuple[Any, ...]:
        # Crossing a process pool needs a class that every process can import, and every fact.
        return _rebuild, (self.args[0], dict(self.__dict__))


def _rebuild(message: str, facts: dict[str, Any]) -> UnrecordedRequest:
    error = UnrecordedRequest(message)
    error.__dict__.update(facts)
    return error
