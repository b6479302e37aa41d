"""Secrets that the text of a fixture does not show: in lines, in pairs of a form, in blobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cachy.errors import CachyError
from cachy.fixture.format.blobs import restore_blobs
from cachy.fixture.format.redact_body import redact_request_body, redact_response_body
from cachy.fixture.format.text import parse_body
from cachy.interaction import Json
from cachy.redact.redact_text import Redaction
from cachy.redact.response import RESPONSE

_MARKS = ('"$lines"', '"form"')


def find_in_bodies(
    text: str,
    document: Mapping[str, Json],
    load_blob: Callable[[str], bytes],
    extra: Sequence[str] = (),
) -> list[str]:
    """Return the kinds of secrets in the bodies of a document, sorted; `text` is that of its file.

    `extra` is the setting `redact`. What its text shows in any case is not looked at again.
    """
    run = Redaction(extra, RESPONSE)
    is_split = any(mark in text for mark in _MARKS) and (extra or run.suspects(text) is not None)
    if '"$blob"' not in text and not is_split:
        return []
    try:
        asked, answered = (
            restore_blobs(document[part], load_blob) for part in ("request", "response")
        )
    except CachyError:
        return []  # a blob is missing, which is a finding of its own
    redact_request_body(parse_body(asked), run)
    redact_response_body(parse_body(answered), run)
    return sorted(run.kinds)
