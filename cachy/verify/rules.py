"""The rules that fixtures are held to, one row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule means, why it matters, and what to do about a finding."""

    id: str
    severity: Severity
    what: str
    why: str
    fix: str


RULES = {
    rule.id: rule
    for rule in (
        Rule(
            "unreadable",
            "error",
            "The file can't be read, or is no JSON.",
            "Its request misses in CI, or replays half an answer.",
            "Restore it from git, or record it again.",
        ),
        Rule(
            "newer-format",
            "error",
            "A newer cachy wrote the fixture.",
            "This cachy can't know what it means.",
            "Upgrade: pip install -U pycachy",
        ),
        Rule(
            "invalid",
            "error",
            "The fixture breaks the format's JSON Schema.",
            "Nothing promises that it replays what was recorded.",
            "Undo the edit, or record it again.",
        ),
        Rule(
            "wrong-place",
            "error",
            "The request in the file is not the request that its name stands for.",
            "Nobody finds it there: its request was edited, or the file was moved.",
            "Run: cachy verify --fix. It moves what lies in the wrong folder, or has its old name "
            "since a setting was changed, and deletes copies. What it leaves was edited: undo "
            "that, or delete the file and record it again.",
        ),
        Rule(
            "unsafe-path",
            "error",
            "A link leads out of the folder of fixtures, or a name hides what it is.",
            "What is committed here must not reach anything else, nor pass for something else.",
            "Replace the link by the file itself; give the file or folder a plain name.",
        ),
        Rule(
            "secret-left",
            "error",
            "Something in the file has the shape of a secret.",
            "Whoever can read the repository can use it.",
            "Revoke the secret now, then delete the file and record it again.",
        ),
        Rule(
            "blob-missing",
            "error",
            "The fixture names a payload that is not in blobs/, or not what its name says.",
            "The answer can't be replayed.",
            "Restore the blob from git, or record the fixture again.",
        ),
        Rule(
            "blob-unused",
            "warning",
            "No fixture names this blob.",
            "It only makes the repository larger.",
            "Delete it.",
        ),
        Rule(
            "truncated",
            "warning",
            "The recorded stream was cut before its end.",
            "Code that reads further than the recording run did ends in a miss.",
            "Record it again, and read the stream to its end.",
        ),
        Rule(
            "no-terminator",
            "warning",
            "The recorded stream lacks the event that this provider ends its streams with.",
            "The answer was probably cut: tests pass on half of it.",
            "Record it again.",
        ),
        Rule(
            "empty-stream",
            "warning",
            "The recorded stream holds no event.",
            "The provider failed, or the recording was cut at once.",
            "Record it again.",
        ),
        Rule(
            "duplicate",
            "warning",
            "Two files answer the same request.",
            "Which of them replays is decided by their names.",
            "Delete the one that is not meant.",
        ),
        Rule(
            "unused",
            "warning",
            "The last full run on this machine did not ask for this fixture.",
            "It is read, reviewed and checked for drift, and no test needs it.",
            "Look at the list, then remove them all: cachy prune --yes",
        ),
        Rule(
            "superseded",
            "warning",
            "The request was edited since: the fixture beside it was recorded in its place.",
            "A reviewer takes the old prompt and its answer for what the code still asks.",
            "Remove it, and commit both in one step: git then shows a rename: cachy prune --yes",
        ),
        Rule(
            "too-old",
            "warning",
            "The recording is older than max_age allows.",
            "The provider may answer differently by now.",
            "Record it again: pytest --cachy=refresh",
        ),
        Rule(
            "outside-contract",
            "error",
            "The answer lacks what the contract of its surface promises, or has another type.",
            "Your tests see an API that never answered like this: the fixture was edited, or the "
            "API has changed between two recordings.",
            "Record it again. If the API does answer so, say it in the contract's line "
            '(append ", optional", or the type), or delete the contract and run: '
            "cachy verify --fix",
        ),
        Rule(
            "contract-behind",
            "warning",
            "Fixtures show fields, types or words that the contract beside them lacks.",
            "Nothing is wrong with them: what was seen once is proof enough. Until the contract "
            "has it, no one is told when it goes away again.",
            "Run: cachy verify --fix, and commit what it adds.",
        ),
        Rule(
            "invalid-contract",
            "error",
            "A contract can't be read, or lies beside another surface's fixtures.",
            "Nothing is held to it: an answer may break it and nobody hears.",
            "Undo the edit. After a merge conflict keep the lines of both sides. Or delete the "
            "file and run: cachy verify --fix",
        ),
        Rule(
            "match-ignored",
            "info",
            "The configuration makes requests match though they differ.",
            "A request that changed there replays an old answer.",
            "Keep the list as short as it can be.",
        ),
    )
}
