"""The text of the pull request: title and Markdown; what an API said is quoted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from cachy.display import counted, inline_code, table_row
from cachy.drift.outcome.report import DriftReport, InconclusiveRow
from cachy.pull_request.first_line import render_first_line, render_title
from cachy.pull_request.nights import Night
from cachy.pull_request.record import Known

ROOM = 36_000  # UTF-16 units, where the record is as long as it may be
LARGEST = 62_000  # of a whole description; GitHub refuses one of more than 65,536
UNFOLDED = 10  # rows of one list that show without a click
TOKEN, PATH = 64, 160  # characters of one quotation

ACCEPT = """### How to accept

- **Merge** to keep the API's new structure. The recorded values stay; only what changed is new.
- **Close** to decline: cachy stays quiet about these changes, also if only some of them remain. \
Reopen to hear of them again.
- **Push** commits of your own to this branch where your code must follow: cachy then leaves it \
alone.
- `cachy explain RULE` says what a rule means."""
WHY_NO_CHECKS = (
    "**No checks here?** This pull request was opened with the workflow's own token, so GitHub "
    "waits for somebody to select *Approve workflows to run*. On GitHub Enterprise Server, close "
    "and reopen it. With the token of a GitHub App in the action's input `token`, checks run at "
    "once."
)
NOT_CHECKED = "Neither drift nor clean: what this pull request says of them is as before."


@dataclass(frozen=True, slots=True)
class Text:
    """A title, the first line of the description, and the rest of it."""

    title: str
    first: str
    rest: str


def render_description(
    night: Night,
    report: DriftReport,
    advice: Mapping[str, str],
    *,
    left_out: Sequence[str] = (),
    own_token: bool = False,
    room: int = ROOM,
) -> Text:
    """Return what a pull request about these changes says.

    `advice` says for each rule, and each verdict of the SDK, what to do. Of what an API said only
    paths, type names, tokens and the message of an error are shown, each as inline code.
    """
    present = [one for one in night.known if not one.gone] or list(night.known)
    ending = [
        _what_to_do(night.known, advice),
        _failing_tests(report),
        _inconclusive(report.inconclusive),
        _left_out(left_out),
        ACCEPT,
        WHY_NO_CHECKS if own_token else "",
    ]
    end = "\n\n".join(part for part in ending if part)
    sections = _fitted(_sections(night), room - count_units(end))
    return Text(
        title=render_title(present),
        first=render_first_line(present, report),
        rest="\n\n".join((*sections, end)),
    )


@dataclass(frozen=True, slots=True)
class _Section:
    """A table under a heading: rows that show at once, and those behind a click."""

    heading: str
    rows: tuple[str, ...]

    def render(self) -> str:
        shown, folded = self.rows[:UNFOLDED], self.rows[UNFOLDED:]
        parts = [self.heading, _table(shown)]
        if folded:
            summary = f"{counted(len(folded), 'more change')} here"
            parts.append(_folded(summary, _table(folded)))
        return "\n\n".join(parts)


def _sections(night: Night) -> list[_Section]:
    """Return the changes grouped by the surfaces that show them; equal rows become one."""
    groups: defaultdict[tuple[object, ...], list[Known]] = defaultdict(list)
    for one in night.known:
        groups[one.said].append(one)
    rows = [(tuple(sorted(one.surface for one in same)), same) for same in groups.values()]
    by_surfaces: defaultdict[tuple[str, ...], list[list[Known]]] = defaultdict(list)
    for surfaces, same in rows:
        by_surfaces[surfaces].append(same)
    return [
        _Section(_heading(surfaces), tuple(_row(same) for same in found))
        for surfaces, found in by_surfaces.items()
    ]


def _heading(surfaces: Sequence[str]) -> str:
    if len(surfaces) == 1:
        return f"### {inline_code(surfaces[0], PATH)}"
    names = [f"- {inline_code(surface, PATH)}" for surface in surfaces]
    return f"### {counted(len(surfaces), 'surface')}\n\n{_list(names, 'surface')}"


def _row(same: Sequence[Known]) -> str:
    change = same[0].change
    kinds = (change.old, change.new)
    old, new = ("—" if kind is None else inline_code(kind, TOKEN) for kind in kinds)
    fixtures = [name for one in same for name in one.change.fixtures]
    tests = [name for one in same for name in one.change.tests]
    seen = [
        _named(change.models),
        _named([PurePosixPath(name).name for name in fixtures]),
        _named(list(dict.fromkeys(tests))),
    ]
    shown = "<br>".join(filter(None, seen)) or "—"
    return table_row("<br>".join(_what(same[0])), f"{old} → {new}", shown)


def _what(one: Known) -> list[str]:
    """Return what changed, where, and what the API and cachy say of it."""
    change = one.change
    said = [f"**{change.severity}** {inline_code(change.rule)}", inline_code(change.path, PATH)]
    if change.parameter:
        said.append(f"parameter {inline_code(change.parameter)}")
    if change.hint:
        said.append(inline_code(change.hint, PATH))
    if change.message:
        # A grave accent would end the code, and be shown as its number.
        said.append(f"the API says: {inline_code(change.message.replace('`', chr(39)), 200)}")
    if change.note:
        said.append(inline_code(change.note, 200))
    if one.gone:
        said.append("not seen in the last run; goes if the next one does not see it either")
    return said


def _named(names: Sequence[str]) -> str:
    """Return the first of some names, and how many more there are."""
    if not names:
        return ""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return inline_code(names[0], PATH) + more


def _what_to_do(known: Iterable[Known], advice: Mapping[str, str]) -> str:
    """Return the advice of each rule once, and of each verdict of the SDK."""
    named = dict.fromkeys(one.change.rule for one in known)
    named |= dict.fromkeys(one.change.sdk for one in known)
    rows = [f"- {inline_code(name)}: {advice[name]}" for name in named if advice.get(name)]
    return "\n".join(("### What to do\n", *rows)) if rows else ""


def _failing_tests(report: DriftReport) -> str:
    if not report.tests or not report.tests.failed:
        return ""
    command = inline_code(report.tests.command, PATH)
    rows = [f"- {inline_code(name, PATH)}" for name in report.tests.failed[:200]]
    title = "### Tests that fail with the new responses"
    return f"{title}\n\nThey pass today. Run with {command}:\n\n{_list(rows, 'test')}"


def _inconclusive(found: Sequence[InconclusiveRow]) -> str:
    """Return what could not be checked, grouped: one reason of many fixtures is one line."""
    if not found:
        return ""
    groups = Counter((row.reason, row.detail) for row in found)
    rows = [
        f"- {inline_code(reason)}, {counted(count, 'fixture')}: {inline_code(detail, PATH)}"
        for (reason, detail), count in groups.most_common(40)
    ]
    return f"### Could not be checked\n\n{NOT_CHECKED}\n\n{_list(rows, 'reason')}"


def _left_out(paths: Sequence[str]) -> str:
    if not paths:
        return ""
    rows = [f"- {inline_code(path, PATH)}" for path in paths[:200]]
    why = "The base has other versions of these files than the checkout of the last run:"
    return f"### Left out\n\n{why}\n\n{_list(rows, 'file')}"


def _list(rows: Sequence[str], noun: str) -> str:
    """Return a list, the long rest of it behind a click."""
    shown, folded = rows[:UNFOLDED], rows[UNFOLDED:]
    if not folded:
        return "\n".join(shown)
    rest = _folded(counted(len(folded), f"more {noun}"), "\n".join(folded))
    return "\n".join(shown) + f"\n\n{rest}"


def _folded(summary: str, body: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def _table(rows: Sequence[str]) -> str:
    head = "| change | was → now | seen in: model, fixture, test |\n|---|---|---|"
    return "\n".join((head, *rows))


def _fitted(sections: Sequence[_Section], room: int) -> list[str]:
    """Return as many rows as fit, so that no table or quotation is cut open."""
    shown, left_out = list[str](), 0
    for section in sections:
        rows = section.rows
        while rows and count_units(_Section(section.heading, rows).render()) > room:
            rows = rows[: len(rows) * 3 // 4]
        left_out += len(section.rows) - len(rows)
        if rows:
            text = _Section(section.heading, rows).render()
            shown.append(text)
            room -= count_units(text) + 2
    if left_out:
        shown.append(f"{counted(left_out, 'more change')}, in the report of the run.")
    return shown


def count_units(text: str) -> int:
    """Return the length of a text as GitHub counts it."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2
