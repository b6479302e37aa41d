"""The rules that fixtures are held to, one row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FindingSeverity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class FindingRule:
    """What a rule means, why it matters, and what to do about a finding.

    `left` says what to do where `cachy verify --fix` has left the finding; empty where `fix`
    does not name that command.
    """

    id: str
    severity: FindingSeverity
    what: str
    why: str
    fix: str
    left: str = ""


RULES = {
    rule.id: rule
    for rule in (
        FindingRule(
            "unreadable",
            "error",
            "The file cannot be read, or is not a fixture.",
            "Its request misses in CI, or replays half a response.",
            "Restore it from git, or record it again.",
        ),
        FindingRule(
            "newer-format",
            "error",
            "A newer version of cachy wrote the fixture.",
            "This version does not know what it means.",
            "Upgrade: pip install -U pycachy",
        ),
        FindingRule(
            "invalid",
            "error",
            "The fixture breaks the JSON Schema of the format.",
            "It may not replay what was recorded.",
            "Undo the edit, or record it again.",
        ),
        FindingRule(
            "edited-request",
            "error",
            "The request in the file, or a message that the program sends, was edited since.",
            "No request finds the file any more, and its response belongs to another request.",
            "Undo the edit, or delete the file and record it again.",
        ),
        FindingRule(
            "wrong-place",
            "error",
            "The file is not where its request is looked for.",
            "No request finds it there: it was moved or renamed, or a setting that decides what "
            "matches was changed since.",
            "Run: cachy verify --fix. It moves the file to its place, or deletes it if the same "
            "response is there already.",
            "Delete it, and record the request again.",
        ),
        FindingRule(
            "unsafe-path",
            "error",
            "A link leads out of the fixtures folder, or a name hides what it is.",
            "What is committed here must not reach other files, nor look like other files.",
            "Replace the link with the file itself; give the file or folder a plain name.",
        ),
        FindingRule(
            "secret-left",
            "error",
            "Text in the file has the shape of a secret.",
            "Everybody who can read the repository can use it.",
            "Revoke the secret now, then delete the file and record it again.",
        ),
        FindingRule(
            "blob-missing",
            "error",
            "The fixture names a payload that is missing in blobs/, or was changed there.",
            "The response cannot be replayed.",
            "Restore the blob from git, or record the fixture again.",
        ),
        FindingRule(
            "blob-unused",
            "warning",
            "No fixture names this blob.",
            "It only makes the repository larger.",
            "Delete it.",
        ),
        FindingRule(
            "ambiguous",
            "warning",
            "Another request differs from this one only in a credential.",
            "Nothing tells which of them the response belongs to, so it answers none.",
            "Name the state of the world of each but one by `variant`, and record again.",
        ),
        FindingRule(
            "truncated",
            "warning",
            "The recorded stream was cut before its end.",
            "Code that reads further than the recording run did ends in a miss.",
            "Record it again, and read the stream to its end.",
        ),
        FindingRule(
            "no-terminator",
            "warning",
            "The recorded stream lacks the event that this provider ends its streams with.",
            "The response was probably cut: tests pass on half of it.",
            "Record it again.",
        ),
        FindingRule(
            "empty-stream",
            "warning",
            "The recorded stream has no events.",
            "The provider failed, or the recording was cut at once.",
            "Record it again.",
        ),
        FindingRule(
            "duplicate",
            "warning",
            "Two files answer the same request.",
            "Their names decide which of them replays.",
            "Delete the wrong one.",
        ),
        FindingRule(
            "unused",
            "warning",
            "The last complete run of the tests on this machine did not use this fixture.",
            "It is read, reviewed and checked for drift, and no test needs it.",
            "Look at the list, then delete them all: cachy prune --yes",
        ),
        FindingRule(
            "superseded",
            "warning",
            "The request was edited since: the fixture beside it was recorded in its place.",
            "A reviewer takes the old prompt and its response for what the code still sends.",
            "Delete it, and commit both in one step, so that git shows a rename: cachy prune --yes",
        ),
        FindingRule(
            "too-old",
            "warning",
            "The recording is older than max_age allows.",
            "The provider may answer differently by now.",
            "Record it again: pytest --cachy=refresh",
        ),
        FindingRule(
            "outside-contract",
            "error",
            "The response lacks what the contract of its surface promises, or has another type.",
            "Your tests see an API that never answered like this: the fixture was edited, or the "
            "API has changed between two recordings.",
            "Record it again. If the API does answer so, write it in the contract's line "
            '(append ", optional", or the type), or delete the contract and run: '
            "cachy verify --fix",
            "Record it again. If the API does answer so, write it in the contract's line "
            '(append ", optional", or the type).',
        ),
        FindingRule(
            "contract-behind",
            "warning",
            "Fixtures show fields, types or enum values that the contract beside them lacks.",
            "Nothing is wrong with the fixtures. Until the contract has them, nothing warns when "
            "they go away again.",
            "Run: cachy verify --fix, and commit what it adds.",
            "The contract was not updated because one of its fixtures has an error: fix that "
            "first.",
        ),
        FindingRule(
            "invalid-contract",
            "error",
            "A contract cannot be read, or lies beside another surface's fixtures.",
            "No response is checked against it.",
            "Undo the edit. After a merge conflict keep the lines of both sides. Or delete the "
            "file and run: cachy verify --fix",
            "Undo the edit. After a merge conflict keep the lines of both sides. Or delete the "
            "file.",
        ),
        FindingRule(
            "hooks-in-force",
            "info",
            "Functions of the project change what is matched and recorded.",
            "What they take out of a request, nobody compares.",
            "Read the module that the finding names.",
        ),
        FindingRule(
            "match-ignored",
            "info",
            "The settings let requests match although they differ.",
            "A request that changed there replays an old response.",
            "Keep the list short.",
        ),
    )
}
