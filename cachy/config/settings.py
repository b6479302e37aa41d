"""The settings of one project, as values.

NamedTuples and not dataclasses: `import cachy` makes these classes, and they cost a third; their
annotations are not postponed, as typing would compile each of them.
"""

import re
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cachy.interaction import SWITCHING, Json
from cachy.providers import DOMS

Repeats = Literal["same", "sequence"]
Share = Literal["project", "module", "test"]
Pair = tuple[str | re.Pattern[str], str | Callable[[re.Match[str]], str]]
"""A pattern and its replacement, as `re.sub` takes them."""

_NOT_LASTING = frozenset({401, 403, 407, 408, 425, 429})


class Mode(Enum):
    """What happens to a request: see docs/start.md."""

    RECORD = "record"
    REPLAY = "replay"
    REFRESH = "refresh"
    OFF = "off"


class Match(NamedTuple):
    """`[tool.cachy.match]`: what two equal requests may differ in, beyond cachy's own rules."""

    ignore: tuple[str, ...] = ()  # JSON paths of the body, e.g. "metadata.run_id"
    # Regular expressions; each match becomes one placeholder, or what the pair says.
    normalize: tuple[str | Pair, ...] = ()
    headers: tuple[str, ...] = ()  # request headers that belong to the fingerprint


class Drift(NamedTuple):
    """`[tool.cachy.drift]`: what may be re-sent, and how changes are judged."""

    allow: tuple[str, ...] = ()  # "GET api.example.com/v1/users", "POST localhost:8000/*"
    skip: tuple[str, ...] = ()  # surfaces as in allow: never sent, and not reported
    hosts: Mapping[str, str] = {}  # exact host -> "header: ${ENV_NAME}"
    severity: Mapping[str, str] = {}  # rule -> severity
    ignore: tuple[Mapping[str, Json], ...] = ()  # {rule, surface, path, until, reason}


class Config(NamedTuple):
    """One project's settings; `root` is the folder in which they were found."""

    root: Path = Path()
    fixtures: Path = Path("cachy_fixtures")
    mode: Mode = Mode.RECORD
    mode_from: str = "default"
    doms: tuple[str, ...] = DOMS  # all that is covered: parsed, with those of the next three
    extend_doms: tuple[str, ...] = ()
    base_url_hosts: Mapping[str, str] = {}  # host[:port] -> the variable that names it
    endpoint_hosts: tuple[str, ...] = ()  # host[:port] that a variable of AWS names
    alias: Mapping[str, str] = {}  # host[:port] -> the host[:port] whose fixtures it shares
    uncovered: Literal["pass", "refuse"] = "pass"
    passed: tuple[str, ...] = ()  # hosts that go live even where uncovered ones are refused
    hdrs: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    polling: tuple[str, ...] = ()
    transports: tuple[str, ...] = ()  # "pkg.Class" of httpx transports that send
    repeats: Repeats | None = None  # None: nobody chose; "same", in a test's scope "sequence"
    share: Share | Mapping[str, Share] | None = None  # whose a response is; a table names hosts
    variant: str = ""  # of the scope: the state of the world that its requests see
    record_status: frozenset[int] = frozenset()
    redact: tuple[str, ...] = ()
    keep: Literal["always", "passed"] = "always"  # "passed": set aside what failed tests record
    hooks: str = ""  # a module with before_match and before_record
    vcr_marker: bool = False  # whether `@pytest.mark.vcr` counts as cachy's own marker
    max_age: int | None = None  # days
    only: str = ""  # a glob: requests of other fixtures never go live
    debug: bool | Literal["miss"] = False
    log: Path | None = None
    match: Match = Match()
    drift: Drift = Drift()
    has_table: bool = False  # whether a pyproject.toml with [tool.cachy] was found
    chosen: Mapping[str, Any] = {}  # what the caller chose, for another folder's settings


def is_recorded(status: int, config: Config) -> bool:
    """Return whether a response of this status is recorded: 2xx, 3xx, and 4xx that would last."""
    is_lasting = 200 <= status < 500 and status not in _NOT_LASTING
    return is_lasting or status == SWITCHING or status in config.record_status
