"""What cachy raises.

* CachyError            wrong usage, configuration or input; a command ends with exit code 2
  + InvalidFixture      a file that is not a valid fixture
    - NewerFormat       a fixture or a contract that a newer cachy wrote
    - AmbiguousFixture  a fixture of requests that differ only in a credential
  + GitHubRefused       GitHub understood a request and refused it
  + Inconclusive        something that was to be checked could not be; exit code 3
    - NotComparable     a response that says nothing about drift
    - GitHubUnanswered  GitHub did not answer, or failed
* UnrecordedRequest     a BaseException: nothing recorded answers a request

What one module raises and another catches; none of these reaches a user:

* LossyJson             a JSON text that Python's values cannot hold exactly
* CannotUnpack          a body that cannot be freed of its content-encoding
* UnclearLine           a line of a contract that cannot be read
* UnusableEntry         a recorded interaction that does not become a fixture
  + AnotherResponse     one whose request has another response already
* LostRace              a branch that moved while cachy worked on it
* MalformedMessage      an HTTP request that two readers could take for different ones
* NetworkFault          a fault that a test asks for, before each client makes it its own
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import Any, Literal

from cachy.display import shown_path


class CachyError(Exception):
    """Wrong usage, configuration or input, in one line: what, where, and what to do.

    Attributes:
        problem: what is wrong: a sentence, or where there is a path what is said of it.
        path: the file or folder that it is about, or None.
        advice: what to do, as sentences; may be empty.
    """

    exit_code = 2

    def __init__(
        self, problem: str, *, path: str | os.PathLike[str] | None = None, advice: str = ""
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = path
        self.advice = advice

    def __str__(self) -> str:
        """Return the whole line, the path as seen from the working folder."""
        if self.path is None and not self.advice:
            return self.problem
        subject = "" if self.path is None else f"{shown_path(self.path)} "
        end = "" if self.problem.endswith((".", "!", "?")) else "."
        return f"{subject}{self.problem}{end} {self.advice}".rstrip()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.args, vars(self))


def _restored(kind: type[CachyError], args: tuple[Any, ...], facts: dict[str, Any]) -> CachyError:
    """Rebuild an error in another process without calling a subclass's own `__init__`."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error


class InvalidFixture(CachyError):
    """A file that is not a valid fixture."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        problem: str = "is not a valid fixture",
        advice: str = "",
    ) -> None:
        advice = advice or f"Run `cachy verify {shown_path(path)}` for details."
        super().__init__(problem, path=path, advice=advice)


class NewerFormat(InvalidFixture):
    """A file in a format that only a newer cachy reads."""

    def __init__(self, path: str | os.PathLike[str], version: object, known: int) -> None:
        problem = f"has format {version}, but this cachy reads formats up to {known}"
        super().__init__(path, problem, "Upgrade cachy: pip install -U pycachy")


class AmbiguousFixture(InvalidFixture):
    """A fixture of requests that differ only in a credential: it answers none of them."""

    def __init__(self, path: str | os.PathLike[str], places: str) -> None:
        problem = f"does not say which of several requests it answers: they differ only in {places}"
        super().__init__(path, problem, NAME_A_VARIANT)


NAME_A_VARIANT = (
    'Name the state of the world of each but one, as in `with cachy(variant="wrong password")`, '
    "and record again."
)


class Inconclusive(CachyError):
    """Something that was to be checked could not be."""

    exit_code = 3


class NotComparable(Inconclusive):
    """A response that says nothing about drift: an outage, or a body that cannot be read.

    Attributes:
        reason: "provider" where the API failed, "unparsed" where the body cannot be read.
    """

    def __init__(
        self,
        problem: str,
        reason: Literal["provider", "unparsed"],
        path: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(problem, path=path)
        self.reason = reason


class GitHubRefused(CachyError):
    """GitHub understood a request and refused it.

    Attributes:
        status: the HTTP status code of the response.
        reason: what GitHub says of it.
    """

    def __init__(self, what: str, status: int, reason: str) -> None:
        advice = _GITHUB_ADVICE.get(status, "")
        super().__init__(f"GitHub refused {what}: {status} {reason}.", advice=advice)
        self.status = status
        self.reason = reason

    @property
    def is_already_open(self) -> bool:
        return self.status == 422 and "a pull request already exists" in self.reason.lower()

    @property
    def is_not_permitted_to_create(self) -> bool:
        return self.status == 403 and "create or approve pull requests" in self.reason.lower()

    @property
    def is_too_early(self) -> bool:
        """Whether GitHub does not see yet what it has just made."""
        return self.status == 422 and "could not resolve to a node" in self.reason.lower()


_GITHUB_ADVICE = {
    401: "Is the token still valid?",
    403: "The token needs the permissions contents: write and pull-requests: write.",
    404: "Is this the repository's name, and may the token read it?",
}


class GitHubUnanswered(Inconclusive):
    """No response, or a server error: what was asked for may have been done nevertheless."""


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


class LossyJson(ValueError):
    """A JSON text that Python's values cannot hold exactly."""


class CannotUnpack(ValueError):
    """A body that is damaged, far too large, or packed in a way that nothing here can undo."""


class UnclearLine(ValueError):
    """A line of a contract that cannot be read; its text is for people."""


class UnusableEntry(Exception):
    """A recorded interaction that does not become a fixture.

    Attributes:
        reason: why; the report groups by it.
        detail: what only this interaction has of it.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class AnotherResponse(UnusableEntry):
    """A recorded interaction whose request has another response already.

    Attributes:
        test: the test that recorded that response; empty where it is not known.
    """

    def __init__(self, reason: str, detail: str, test: str) -> None:
        super().__init__(reason, detail)
        self.test = test


class LostRace(Exception):
    """The branch is not what it was when cachy looked."""


class MalformedMessage(Exception):
    """An HTTP request that is not well-formed, and the status that says so."""

    def __init__(self, problem: str, status: int = 400) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = status


class NetworkFault(Exception):
    """A request that a test wants to fail on its way, as `kind` says."""

    def __init__(self, kind: Literal["timeout", "reset"]) -> None:
        super().__init__(kind)
        self.kind = kind
        self.is_timeout = kind == "timeout"

    def as_os_error(self) -> OSError:
        """Return what a socket raises."""
        if self.is_timeout:
            return TimeoutError("timed out")
        return ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
