"""The catalogue of changes: one row a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["breaking", "risky", "compatible"]
SEVERITIES: tuple[Severity, ...] = ("breaking", "risky", "compatible")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a change means, why it matters, how it looks, and what to do."""

    id: str
    severity: Severity
    what: str
    why: str
    example: str
    advice: str


# What the installed SDK's response model adds to a change, for whoever reads the report.
SDK_VERDICTS = {
    "provider-ahead": "The installed SDK doesn't know it yet: see whether a newer release does.",
    "fixture-stale": "The installed SDK knows it already: only the recording is old.",
    "sdk-broken": "The installed SDK's model doesn't allow it: what reads the answer may fail.",
}

RULES = {
    rule.id: rule
    for rule in (
        Rule(
            "field-added",
            "compatible",
            "The API returns a field that no recording has.",
            "Tolerant readers don't notice; strict parsers (extra fields forbidden) fail.",
            '{"id": 1} -> {"id": 1, "created": 2}',
            "Accept it; use the field where it helps.",
        ),
        Rule(
            "field-removed",
            "breaking",
            "A field that every recorded answer had is gone.",
            "Code that reads it fails with a KeyError or gets None.",
            '{"id": 1, "usage": {}} -> {"id": 1}',
            "Stop reading the field, or read it as optional, before you accept.",
        ),
        Rule(
            "field-became-optional",
            "breaking",
            "A field that every object had is missing in some.",
            "Code that reads it fails now and then.",
            '[{"a": 1}, {"a": 2}] -> [{"a": 1}, {}]',
            "Read the field as optional.",
        ),
        Rule(
            "type-changed",
            "breaking",
            "A field has another type.",
            "Code that computes with the old type fails, or goes wrong silently.",
            '{"created": 1732} -> {"created": "2026-11-24"}',
            "Convert the new type where the field is read.",
        ),
        Rule(
            "type-widened",
            "breaking",
            "A field has a further type beside the old one.",
            "Code for the old type fails when the new one comes.",
            '{"content": "Hi"} -> {"content": [{"type": "text"}]}',
            "Handle both types where the field is read.",
        ),
        Rule(
            "null-added",
            "breaking",
            "A field that never was null is null.",
            "Code that reads on from it fails.",
            '{"usage": {"total": 1}} -> {"usage": null}',
            "Allow null where the field is read.",
        ),
        Rule(
            "enum-value-added",
            "risky",
            "A field of few known words holds a new one.",
            "A match without a default branch doesn't handle it.",
            '{"finish_reason": "stop"} -> {"finish_reason": "refusal"}',
            "Add a branch for it, or a default branch.",
        ),
        Rule(
            "variant-added",
            "risky",
            "A union has a new member.",
            "Code that tells the members apart by their type meets one that it doesn't know.",
            '{"type": "text"} -> {"type": "audio"}',
            "Handle the new member, or skip members that you don't know.",
        ),
        Rule(
            "variant-vanished",
            "risky",
            "The request demands a tool call, and the answer ends without one.",
            "Code that takes the call out of the answer finds none.",
            '{"type": "tool_use"} -> {"type": "text"}, with tool_choice {"type": "any"}',
            "See whether the API's word for a demanded call has changed.",
        ),
        Rule(
            "event-added",
            "risky",
            "A stream has a new kind of event.",
            "A parser that refuses unknown events fails.",
            "event: response.thought",
            "Skip events that you don't know.",
        ),
        Rule(
            "event-vanished",
            "breaking",
            "An event that every recorded stream had is gone.",
            "Code that waits for it waits for ever, or misses what it told.",
            "event: content_block_stop is not sent any more",
            "Stop waiting for it.",
        ),
        Rule(
            "terminator-changed",
            "breaking",
            "A whole stream ends with another event.",
            "Readers that stop at the old one never stop, or take the stream for cut.",
            "data: [DONE] is not sent any more",
            "Stop at the new event too.",
        ),
        Rule(
            "status-changed",
            "risky",
            "The same request is answered with another status of success.",
            "Code that compares the status with one number fails.",
            "200 -> 202",
            "Compare with the class of the status, or with both.",
        ),
        Rule(
            "request-rejected",
            "breaking",
            "The API refuses the recorded request.",
            "Every call like it fails in production too.",
            "200 -> 400 (unsupported_parameter: max_tokens)",
            "Change the request: a parameter was renamed or withdrawn.",
        ),
        Rule(
            "model-retired",
            "breaking",
            "The API doesn't know the model or resource any more.",
            "Every call that names it fails in production too.",
            "200 -> 404 (model_not_found)",
            "Choose a model that is served, and record again.",
        ),
        Rule(
            "content-type-changed",
            "breaking",
            "The answer has another media type.",
            "The parser for the old one fails on it.",
            "application/json -> text/event-stream",
            "Parse the new media type.",
        ),
        Rule(
            "header-added",
            "compatible",
            "An answer has a header that the recording keeps and did not have.",
            "Nothing breaks.",
            "x-request-id",
            "Accept it.",
        ),
        Rule(
            "deprecation-announced",
            "risky",
            "The API announces that this surface is deprecated (RFC 9745).",
            "It works today, and will not for ever.",
            "deprecation: @1735689600",
            "Plan the move; the link header may say where to.",
        ),
        Rule(
            "sunset-announced",
            "risky",
            "The API announces when this surface goes away (RFC 8594).",
            "From that day on, calls fail.",
            "sunset: Sat, 31 Oct 2026 23:59:59 GMT",
            "Move before that day.",
        ),
        Rule(
            "null-resolved",
            "compatible",
            "A field that was null in every recording holds an object or array.",
            "Nothing breaks: what was not there is there now.",
            '{"usage": null} -> {"usage": {"total": 1}}',
            "Accept it; use the field where it helps.",
        ),
        Rule(
            "absent-null-swapped",
            "risky",
            "A field that was left out is null now, or the other way round.",
            'Some clients treat the two alike, others fail: "in" finds a key whose value is null.',
            '{"id": 1, "refusal": null} -> {"id": 1}',
            "Read the field so that null and missing mean the same.",
        ),
        Rule(
            "format-changed",
            "risky",
            "A text that always was a date, a UUID or a URL is something else.",
            "Code that parses the text fails.",
            '{"created": "2026-11-24T09:15:00Z"} -> {"created": "24 Nov 2026"}',
            "Parse the new format where the field is read.",
        ),
        Rule(
            "array-length-changed",
            "risky",
            "An array of numbers (an embedding) that always had one length has another.",
            "Vectors of two lengths can't be compared; an index of one refuses the other.",
            '{"embedding": [1536 numbers]} -> {"embedding": [3072 numbers]}',
            "Ask for the length by the API's parameter, or build the index anew.",
        ),
        Rule(
            "stream-order-changed",
            "risky",
            "Two kinds of events that always came in one order come in the other.",
            "A parser that opens a part at one event and fills it at the next fails.",
            "content_block_delta comes before content_block_start",
            "Handle the events whichever comes first.",
        ),
        Rule(
            "header-removed",
            "risky",
            "A header that clients read is gone.",
            "Code that reads it gets None.",
            "etag is not sent any more",
            "Read the header as optional.",
        ),
        Rule(
            "api-version-changed",
            "risky",
            "The API says that another version of it answered.",
            "Other differences may follow from it.",
            "anthropic-version: 2023-06-01 -> 2026-10-21",
            "Pin the version in the request, or read what the new one changes.",
        ),
        Rule(
            "redirect-host-changed",
            "risky",
            "A redirect leads to another host or path.",
            "A client that allows some hosts only refuses it; credentials are not sent along.",
            "location: https://files.example.com/1 -> https://cdn.example.net/1",
            "Allow the new host, if it is the provider's.",
        ),
        Rule(
            "model-shutdown-announced",
            "risky",
            "A list of models says when one of them is taken away.",
            "From that day on, every call that names it fails.",
            '{"id": "m-1", "shutdown_date": null} -> {"id": "m-1", "shutdown_date": "2026-12-31"}',
            "Choose a model that stays, and record again.",
        ),
        Rule(
            "model-alias-moved",
            "compatible",
            "The same model name is answered by another snapshot; told beside other changes only.",
            "It may be why they are there.",
            '{"model": "m-1-2026-03-01"} -> {"model": "m-1-2026-11-01"}',
            "Name the snapshot in the request where its ways matter.",
        ),
        Rule(
            "error-shape-changed",
            "breaking",
            "The body of an error has another shape.",
            "Error handling that reads its code or message fails.",
            '{"error": {"code": 1}} -> {"code": 1}',
            "Read both shapes.",
        ),
    )
}
