"""What the pull request says: title and Markdown of a drift report, everything foreign quoted."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cachy.display import agree, inline_code, plural, table_row
from cachy.interaction import Json

Report = Mapping[str, Json]

SEVERITIES = ("breaking", "risky", "compatible")
BUDGET = 60_000  # UTF-16 units, as GitHub counts; it refuses a body of more than 65,536
ROWS = 50  # of one table or list
TOKEN, PATH = 64, 160  # characters of one quotation

VERDICTS = {
    "breaking": "**Act now**",
    "risky": "**Read before you merge**",
    "compatible": "**Nothing to do but merge**",
}
ACCEPT = """### How to accept

- **Merge** to keep the API's new structure: the recorded values stay, only what changed is new. \
A change without a file in the diff (a rejected request, a retired model) needs your own fix.
- **Close** to decline: cachy stays quiet until the API changes in another way.
- **Push** commits of your own to this branch where your code must follow: cachy then leaves it \
alone.
- `cachy explain RULE` says what a rule means."""

_MARK = re.compile(r"\n<!-- cachy-drift changes=([0-9a-f]{16}) text=([0-9a-f]{16}) -->\Z")
_HOST = re.compile(r"[A-Za-z0-9.:-]{1,60}")


@dataclass(frozen=True, slots=True)
class Mark:
    """The hidden last line of a body: which changes it is about, and what it says of them."""

    changes: str
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A title and a body that ends with its mark."""

    title: str
    body: str
    mark: Mark


def render_text(
    report: Report, advice: Mapping[str, str], run_url: str | None = None
) -> Text | None:
    """Render a report: need you act, and why; each change; what breaks; how to accept.

    None where nothing drifted. `advice` says for each rule, and each verdict of the SDK, what to
    do. Of the report only paths, type names and tokens are shown, each as inline code. The link
    to the run is no part of the mark, so that a night that finds the same changes nothing.
    """
    surfaces = [_surface(surface, advice) for surface in _drifted(report)]
    if not surfaces:
        return None
    title = _title(report)
    ending = [part for part in (_tests(report), _inconclusive(report), ACCEPT) if part]
    said = "\n\n".join((title, _verdict(report), *surfaces, *ending))
    mark = Mark(changes=_fingerprint(report), text=_digest(said))
    ending += [f"[The run that found this]({run_url})"] if run_url else []
    ending.append(f"<!-- cachy-drift changes={mark.changes} text={mark.text} -->")
    return Text(title, _fitted(_verdict(report), surfaces, ending), mark)


def parse_mark(body: str) -> Mark | None:
    """Read the mark at the end of a body; anywhere else it is somebody's text."""
    found = _MARK.search(_unix(body))
    return Mark(*found.groups()) if found else None


def without_mark(body: str) -> str:
    """Take the mark off, so that the body no longer speaks for its changes."""
    return _MARK.sub("", _unix(body))


def _drifted(report: Report) -> list[Mapping[str, Json]]:
    """The surfaces that drifted, the worst first."""
    found = [row for row in report["surfaces"] if row["outcome"] == "drift"]
    return sorted(found, key=lambda row: (_worst(row["changes"]), row["surface"]))


def _worst(changes: Iterable[Mapping[str, Json]]) -> int:
    return min((_rank(change["severity"]) for change in changes), default=len(SEVERITIES))


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _changes(report: Report) -> list[Mapping[str, Json]]:
    return [change for surface in _drifted(report) for change in surface["changes"]]


def _counted(report: Report) -> dict[str, int]:
    found = Counter(change["severity"] for change in _changes(report))
    return {severity: found[severity] for severity in SEVERITIES if found[severity]}


def _fingerprint(report: Report) -> str:
    """Identify the changes: no dates, no values, and the order of the report doesn't matter."""
    rows = sorted(
        json.dumps([surface["surface"], *(change[key] for key in ("rule", "path", "old", "new"))])
        for surface in _drifted(report)
        for change in surface["changes"]
    )
    return _digest("\n".join(rows))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


def _title(report: Report) -> str:
    hosts = sorted({_host(surface["surface"]) for surface in _drifted(report)})
    more = f" and {len(hosts) - 1} more" if len(hosts) > 1 else ""
    counts = ", ".join(f"{count} {severity}" for severity, count in _counted(report).items())
    return f"API drift at {''.join(hosts[:1])}{more}: {counts}"


def _host(surface: str) -> str:
    host = surface.partition(" ")[2].partition("/")[0]
    return host if _HOST.fullmatch(host) else "an API"


def _verdict(report: Report) -> str:
    counts = _counted(report)
    broken = len(_failed(report))
    worst = "breaking" if broken else next(iter(counts), "compatible")
    number = sum(counts.values())
    said = ", ".join(f"{count} {severity}" for severity, count in counts.items())
    return f"{VERDICTS[worst]}: {said} {plural(number, 'change')}; {_tested(report)}."


def _tested(report: Report) -> str:
    tests = report.get("tests")
    if not tests:
        return "your tests have not been run against the new answers"
    broken = len(_failed(report))
    if broken:
        return f"{broken} of your tests {agree(broken, 'fails')} with the new answers"
    return f"no test of yours fails with the new answers ({int(tests['passed'])} passed)"


def _failed(report: Report) -> Sequence[str]:
    return list((report.get("tests") or {}).get("failed", ()))


def _surface(surface: Mapping[str, Json], advice: Mapping[str, str]) -> str:
    changes = sorted(surface["changes"], key=lambda row: (_rank(row["severity"]), row["path"]))
    rows = [_row(change, advice) for change in changes]
    heading = f"### {inline_code(surface['surface'], PATH)}"
    return f"{heading}\n\n{_table('severity | rule | path | old → new | what to do', rows)}"


def _row(change: Mapping[str, Json], advice: Mapping[str, str]) -> str:
    old, new = ("—" if change[key] is None else inline_code(change[key]) for key in ("old", "new"))
    severity, rule = change["severity"], change["rule"]
    shown = severity if severity in SEVERITIES else inline_code(severity)
    told = " ".join(f"{advice.get(rule, '')} {advice.get(change.get('sdk', ''), '')}".split())
    hint = f" ({inline_code(change['hint'], PATH)})" if change.get("hint") else ""
    return table_row(
        shown, inline_code(rule), inline_code(change["path"], PATH) + hint, f"{old} → {new}", told
    )


def _tests(report: Report) -> str:
    failed = _failed(report)
    if not failed:
        return ""
    command = inline_code(report["tests"]["command"], PATH)
    rows = [f"- {inline_code(name, PATH)}" for name in failed]
    return f"### Tests that fail with the new answers\n\nRun with {command}:\n\n{_capped(rows)}"


def _inconclusive(report: Report) -> str:
    found = report.get("inconclusive") or ()
    rows = [
        table_row(
            inline_code(row["fixture"], PATH),
            inline_code(row["reason"]),
            inline_code(row["detail"]),
        )
        for row in found
    ]
    table = _table("fixture | reason | detail", rows)
    return f"### Could not be checked\n\nNeither drift nor clean.\n\n{table}" if rows else ""


def _table(head: str, rows: Sequence[str]) -> str:
    rule = "|".join("---" for _ in head.split("|"))
    return f"| {head} |\n|{rule}|\n{_capped(rows)}"


def _capped(rows: Sequence[str]) -> str:
    more = len(rows) - ROWS
    return "\n".join(rows[:ROWS]) + (
        f"\n\nAnd {more} more, in the run's report." if more > 0 else ""
    )


def _fitted(first: str, surfaces: Sequence[str], ending: Sequence[str]) -> str:
    """Join what fits: surfaces are left out whole, so that no table or quotation is cut open."""
    left = BUDGET - _units("\n\n".join((first, *ending))) - 100
    shown: list[str] = []
    for surface in surfaces:
        left -= _units(surface) + 2
        if left < 0:
            break
        shown.append(surface)
    more = len(surfaces) - len(shown)
    cut = [f"{more} more {plural(more, 'surface')}, in the run's report."] if more else []
    return "\n\n".join((first, *shown, *cut, *ending))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _unix(body: str) -> str:
    return body.replace("\r\n", "\n").rstrip()
