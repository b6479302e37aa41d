"""What each rule says of one change in a few words, for titles and first lines.

A rule has one phrase or more; the first whose facts are all known is used. Facts: path, old, new,
model, parameter, host.
"""

from __future__ import annotations

from collections.abc import Mapping

from cachy.compare.catalogue.rule_type import RuleId
from cachy.compare.catalogue.rules import RULES

HEADLINES: Mapping[RuleId, tuple[str, ...]] = {
    "field-added": ("{path} is new",),
    "field-removed": ("{path} is gone",),
    "field-became-optional": ("{path} is missing in some responses",),
    "type-changed": ("{path} is {new} instead of {old}", "{path} has another type"),
    "type-widened": ("{path} can now be {new}", "{path} has a further type"),
    "null-added": ("{path} can now be null",),
    "null-resolved": ("{path} is no longer null",),
    "absent-null-swapped": ("{path} is null where it was missing, or missing where it was null",),
    "enum-value-added": ("{path} has the new value {new}", "{path} has a new value"),
    "variant-added": ("{path} has a new variant",),
    "variant-vanished": ("{path} is missing though the request demands it",),
    "format-changed": ("{path} is {new} instead of {old}", "{path} has another format"),
    "array-length-changed": ("{path} has another length",),
    "event-added": ("{path} is a new event",),
    "event-vanished": ("{path} is no longer sent",),
    "stream-order-changed": ("events of a stream come in another order",),
    "terminator-changed": ("streams end with {new} instead of {old}", "streams end differently"),
    "status-changed": ("the status is {new} instead of {old}", "the status changed"),
    "content-type-changed": ("responses are {new} instead of {old}", "the media type changed"),
    "request-rejected": ("{host} rejects {parameter}", "{host} rejects a recorded request"),
    "model-retired": ("{model} is retired", "a model at {host} is retired"),
    "model-shutdown-announced": ("{model} will be shut down", "a model will be shut down"),
    "model-alias-moved": ("{model} is another snapshot", "a model name is another snapshot"),
    "header-added": ("{path} is new",),
    "header-removed": ("{path} is gone",),
    "deprecation-announced": ("{host} announces a deprecation ({new})", "{host} deprecates it"),
    "sunset-announced": ("{host} announces an end date ({new})", "{host} announces an end date"),
    "api-version-changed": ("{host} answers as version {new}", "{host} has another version"),
    "redirect-host-changed": ("a redirect leads to {new}", "a redirect leads elsewhere"),
    "error-shape-changed": ("error bodies have another shape",),
    "tool-added": ("{path} is a new tool",),
    "tool-removed": ("the tool {path} is gone",),
    "parameter-added": ("{path} is a new parameter",),
    "parameter-removed": ("the parameter {path} is gone",),
    "parameter-required": ("{path} is required",),
    "parameter-changed": ("{path} is {new} instead of {old}", "{path} accepts less"),
}
_PHRASES: Mapping[str, tuple[str, ...]] = dict(
    HEADLINES.items()
)  # rules of a newer report are unknown


def find_headline(rule: str, facts: Mapping[str, str]) -> str:
    """Return what a rule says of a change with these facts."""
    known = {name: fact for name, fact in facts.items() if fact}
    for phrase in _PHRASES.get(rule, ()):
        try:
            return phrase.format_map(known)
        except KeyError:
            continue
    return RULES[rule].what.rstrip(".") if rule in RULES else "an unknown kind of change"


def names_a_model(rule: str) -> bool:
    """Return whether a rule is about a model, so that each model is a change of its own."""
    return any("{model}" in phrase for phrase in _PHRASES.get(rule, ()))
