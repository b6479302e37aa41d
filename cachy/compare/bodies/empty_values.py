"""How APIs of data write that there is nothing: no further page, no items, no value."""

from __future__ import annotations

import re

from cachy.compare.bodies.excuses import SURE, Comparison, is_proto_json, is_root, is_root_lost
from cachy.providers.response_fields import CHOSEN
from cachy.structure.map_keys import is_data_key
from cachy.structure.paths import Observation, name_of, parent_of

# Where the next page is; the last page has none. RFC 8288, OData 4.01, AIP-158 and others.
_PAGER = re.compile(
    r"paging|pagination|page_?info|cursors?|marker"
    r"|(?:odata\.|@odata\.)?(?:next|prev|previous|first|last)"
    r"(?:[-_]?(?:page|token|cursor|links?|url|uri|href|offset|marker|key|results?|page[-_]?token))*"
    r"|(?:page|sync|continuation|scroll)[-_]?(?:token|cursor|id|key)",
    re.IGNORECASE,
)
_COUNT = re.compile(  # how many there are in all
    r"(?:\w*_)?(?:count|total|size|hits|results|found|length)|\w+(?:Count|Results|Found|Items)",
    re.IGNORECASE,
)
_FLAG = re.compile(r"(?:is|has|can|should|allow)[_A-Z].*")
_NOTHING = frozenset({"boolean", "string"})  # false and "", as PHP and others write nothing


def says_nothing(path: str, comparison: Comparison) -> bool:
    """Return whether a field comes or goes with a page or a list, or its name is data."""
    if comparison.traits.is_closed:
        return False
    if _is_left_out_list(path, comparison) or _counts_a_list(path, comparison):
        return True
    name = name_of(path)
    is_data_or_page = is_data_key(name) or _PAGER.fullmatch(name) is not None
    return is_data_or_page and not is_root_lost(comparison)


def is_chosen(path: str, comparison: Comparison) -> bool:
    """Return whether a field is one of the options that a user set, and others differ as well."""
    if comparison.traits.is_closed or name_of(parent_of(path)) not in CHOSEN:
        return False
    one = comparison.known.get(parent_of(path))
    return one is not None and one.seen < SURE and not comparison.is_unchanged(path)


def _counts_a_list(path: str, comparison: Comparison) -> bool:
    """Return whether a count comes or goes with the items of the list beside it."""
    if not _COUNT.fullmatch(name_of(path)):
        return False
    parent = parent_of(path)
    own, live = (comparison.children(paths, parent) for paths in (comparison.own, comparison.live))
    return any(
        own[at].types == live[at].types == {"array"} and own[at].is_blank != live[at].is_blank
        for at in own.keys() & live.keys()
    )


def _is_left_out_list(path: str, comparison: Comparison) -> bool:
    """Return whether the body has no list because there are no items."""
    parent = parent_of(path)
    known, live = (paths.get(path) for paths in (comparison.known, comparison.live))
    if not is_root(parent):
        return False
    if live is None and _holds_lists_only(parent, comparison):
        return True
    one = known or live
    if one is None or not one.types <= {"array", "object"}:
        return False
    empty, full = comparison.live, comparison.known
    if live is not None:
        empty, full = comparison.own, comparison.live
    return any(
        fact.is_blank and fact.types == {"integer"} and at in full and not full[at].is_blank
        for at, fact in empty.items()
        if _COUNT.fullmatch(name_of(at)) and (is_root(parent_of(at)) or _is_about(at))
    )


def _is_about(path: str) -> bool:
    """Return whether a field stands in an object of the body's own, such as "meta"."""
    parent = parent_of(path)
    return is_root(parent_of(parent)) and "[" not in parent


def _holds_lists_only(root: str, comparison: Comparison) -> bool:
    """Return whether the live body is {}, and the recorded ones hold lists and paging.

    Only ProtoJSON leaves out empty lists: https://protobuf.dev/programming-guides/json
    """
    fields = comparison.children(comparison.known, root).items()
    is_empty = comparison.live[root].objects == comparison.live[root].hollows
    return (
        is_empty
        and is_proto_json(comparison.known)
        and all(fact.types == {"array"} or _PAGER.fullmatch(name_of(path)) for path, fact in fields)
    )


def is_nothing(path: str, known: Observation, live: Observation) -> bool:
    """Return whether false or "" replaces a value of another type."""
    if _FLAG.fullmatch(name_of(path)):
        return False
    for one, other in ((known, live), (live, known)):
        if one.is_blank and not other.is_blank and one.types <= _NOTHING:
            return not one.types >= other.types
    mixed = known.types ^ live.types
    return mixed == {"boolean"} and bool(known.types & live.types)
