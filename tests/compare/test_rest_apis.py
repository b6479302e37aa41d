"""Pairs as REST APIs of many kinds answer them: what differs on one day, and what truly changed."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from documents import body

from cachy.drift import NotComparable, compare

RATE = {"amount": 1.0, "base": "EUR", "date": "2026-11-27"}
TWEET = {"id": 11, "text": "Hi", "lang": "en", "in_reply_to_status_id": None}
USER = {"id": 7, "login": "ann", "bio": None, "url": "https://api.example.com/users/ann"}
NODE = {
    "metadata": {"name": "n1", "uid": "a1", "resourceVersion": "5"},
    "spec": {"podCIDR": "10.2.0.0/24"},
    "status": {"capacity": {"cpu": "2"}},
}
EVENT = {"id": "e1", "summary": "Lunch", "start": {"dateTime": "2026-11-30T12:00:00Z"}}
DAY = {"id": "e2", "summary": "Holiday", "start": {"date": "2026-12-24"}}
ISSUE = {"id": "10001", "key": "AB-1", "fields": {"summary": "x", "customfield_10010": None}}
CONTACT = {"id": "1", "properties": {"email": "a@example.com"}, "updatedAt": "2026-11-29T10:00:00Z"}
PRODUCT = {"id": 5, "title": "Mug", "price": "9.90", "image": None, "status": "active"}
SERVER = {"id": "s1", "state": "running", "location": None, "ipv6": None, "modified": "10:00"}
IMAGE = {"url": "a", "by": "u1"}
ZONES = {"zones": [{"id": "z1", "name": "example.com"}], "nextPageToken": "t1"}


def with_(base: Any, **more: Any) -> Any:
    """Return a copy of an object with other fields."""
    return {**copy.deepcopy(base), **more}


# Each row: what it is, the recorded body, the live body.
SAME = [
    ("rates by currency", with_(RATE, rates={"USD": 1.05}), with_(RATE, rates={"GBP": 0.8})),
    (
        "quotes by a pair of currencies",
        {"source": "USD", "quotes": {"USDEUR": 0.9, "USDGBP": 0.8}},
        {"source": "USD", "quotes": {"USDEUR": 0.9, "USDJPY": 150}},
    ),
    (
        "a time series by day",
        {"rates": {"2026-11-27": {"USD": 1.05}, "2026-11-26": {"USD": 1.0}}},
        {"rates": {"2026-11-30": {"USD": 1, "CHF": 0.9}}},
    ),
    (
        "daily prices with numbered names",
        {"Time Series": {"2026-11-27": {"1. open": "1.2", "2. high": "1.3"}}},
        {"Time Series": {"2026-11-30": {"1. open": "1.1", "2. high": "1.4"}}},
    ),
    (
        "sums by month",
        {"totals": {"Nov 2026": 3, "Oct 2026": 4}},
        {"totals": {"Dec 2026": 1}},
    ),
    (
        "records under their own names",
        {"hosts": {"web1": {"hostname": "web1", "path": ""}}},
        {"hosts": {"web1": {"hostname": "web1", "path": ""}, "db": {"hostname": "db", "path": ""}}},
    ),
    (
        "folders below a root without a name",
        {"folders": {"": {"a": 1}, "live": {}}},
        {"folders": {"": {"a": 1}, "live": {}, "test": {}}},
    ),
    ("hours by weekday", {"hours": {"mon": ["9-5"], "tue": []}}, {"hours": {"sat": ["9-1"]}}),
    ("visits by country", {"visits": {"us": 3, "de": 1}}, {"visits": {"us": 3, "in": 2, "br": 1}}),
    ("names by locale", {"name": {"en": "Mug", "pt-BR": "Caneca"}}, {"name": {"zh-Hant": "杯"}}),
    ("bytes by language", {"Python": 120, "Shell": 4}, {"Python": 130, "Shell": 4, "Jinja": 2}),
    (
        "counts by status",
        {"id": 1, "counts": {"ACTIVE": 3, "CLOSED": 1}},
        {"id": 1, "counts": {"ACTIVE": 3, "PENDING": 1}},
    ),
    (
        "members by an id in capitals",
        {"profile": {"fields": {"U012AB3CD": {"value": "x"}, "U998ZZ1QQ": {"value": "y"}}}},
        {"profile": {"fields": {"U777AB3CE": {"value": "z"}}}},
    ),
    (
        "hashes of files",
        {"blobs": {"9daeafb9864cf43055ae93beb0afd6c7d144bfa4": 10}},
        {"blobs": {"4a0c8f2e5b7d9c1f3e5a7b9d1c3f5e7a9b1d3c5f": 12, "0badf00d77": 1}},
    ),
    (
        "prices by model",
        {"prices": {"gpt-4o": {"in": 1}, "gpt-4o-mini": {"in": 2}}},
        {"prices": {"gpt-5.1-nano": {"in": 1}}},
    ),
    (
        "flags of experiments",
        {"id": 1, "features": {"new_inbox": True, "chat": True}},
        {"id": 1, "features": {"new_inbox": True, "holdout": {"variant": "a", "id": 3}}},
    ),
    (
        "a field of the caller's by number",
        ISSUE,
        with_(
            ISSUE,
            fields={"summary": "x", "customfield_10010": None, "customfield_10027": {"value": "y"}},
        ),
    ),
    (
        "records of several recordTypes",
        {"records": [{"recordType": "A", "ip": "1.1.1.1"}], "note": None},
        {"records": [{"recordType": "MX", "host": "m", "priority": 1}], "note": None},
    ),
    (
        "records of several classes",
        {"data": [{"class": "car", "wheels": 4}, {"class": "boat", "keel": True}], "x": None},
        {"data": [{"class": "bike", "gears": 3}], "x": None},
    ),
    (
        "things of several kinds",
        {"items": [{"kind": "file", "size": 3}], "next": None},
        {"items": [{"kind": "folder", "children": []}], "next": None},
    ),
    (
        "a graph of several @type",
        {"@graph": [{"@type": "Person", "name": "a"}], "n": None},
        {"@graph": [{"@type": "Offer", "price": "3"}], "n": None},
    ),
    (
        "events with their own payload",
        {"events": [{"id": 1, "event": "opened", "event_type": "opened", "by": USER}]},
        {"events": [{"id": 2, "event": "tagged", "event_type": "tagged", "tag": "x"}]},
    ),
    (
        "one more message by a short id",
        {"id": "c1", "messages": {"o1s80": {"id": "o1s80", "body": "a"}}},
        {
            "id": "c1",
            "messages": {
                "o1s80": {"id": "o1s80", "body": "a"},
                "em7z": {"id": "em7z", "body": "b"},
            },
        },
    ),
    (
        "a set of images by the id of its owner",
        {"shared": {"smile": IMAGE}, "t5_2t5o6": {"wave": IMAGE}},
        {"shared": {"smile": IMAGE}, "t5_h6aad": {"nod": IMAGE}},
    ),
    (
        "a value that a recorder hid",
        PRODUCT | {"children": [{"id": 1}], "keys": "[FILTERED]"},
        PRODUCT | {"children": "<REDACTED>", "keys": [{"id": 3}]},
    ),
    (
        "a machine whose conditions say that it runs",
        {"id": "m1", "size": "a", "note": None, "statuses": [{"code": "Power/stopped"}]},
        {
            **{"id": "m1", "size": "a", "note": None, "agent": {"version": "2"}},
            "statuses": [{"code": "Power/running"}],
        },
    ),
    (
        "a place that is known once a node is allocated",
        {"id": 3, "state_detail": "allocating node", "a": 1, "place": None},
        {"id": 3, "state_detail": "provisioning node", "a": 1, "place": {"zone": "1"}},
    ),
    ("an empty map as a list", PRODUCT | {"options": {}}, PRODUCT | {"options": []}),
    ("a map that was an empty list", PRODUCT | {"meta": []}, PRODUCT | {"meta": {"k": "v"}}),
    ("false for nothing", PRODUCT | {"edited": False}, PRODUCT | {"edited": 1764460800}),
    ("nothing for something", PRODUCT | {"parent": ""}, PRODUCT | {"parent": {"id": 3}}),
    ("a list that ProtoJSON leaves out", {"recordSets": [{"id": "z1"}]}, {}),
    ("a list and its page that are left out", ZONES, {}),
    ("the last page", ZONES, {"zones": [{"id": "z2", "name": "example.org"}]}),
    (
        "a last page without a link",
        {"data": [1], "links": {"self": "a", "next": "b", "note": None}},
        {"data": [1], "links": {"self": "a", "note": None}},
    ),
    (
        "a last page in OData",
        {"value": [1], "note": None, "@odata.nextLink": "https://api.example.com/x?skip=1"},
        {"value": [1], "note": None},
    ),
    (
        "paging that ends",
        {"results": [1], "note": None, "paging": {"next": {"after": "1", "link": "x"}}},
        {"results": [1], "note": None},
    ),
    (
        "a search without a hit",
        {"data": [{"id": 1}], "includes": {"users": [USER]}, "meta": {"result_count": 1}},
        {"meta": {"result_count": 0}},
    ),
    (
        "the latest tweet of a user",
        with_(USER, status=TWEET),
        with_(USER, status=with_(TWEET, id=12, possibly_sensitive=False, media=[{"id": 1}])),
    ),
    (
        "one more record with a field that few have",
        {"items": [TWEET], "next": None},
        {"items": [with_(TWEET, id=15, quoted={"id": 3})], "next": None},
    ),
    (
        "an event of a whole day beside one at a time",
        {"items": [EVENT, with_(EVENT, id="e3")], "etag": "1", "z": None},
        {"items": [DAY, EVENT], "etag": "2", "z": None},
    ),
    (
        "an edited document",
        with_(CONTACT),
        with_(CONTACT, updatedAt="2026-11-30T11:00:00Z", company="x"),
    ),
    (
        "a node that moved on",
        {"items": [NODE]},
        {
            "items": [
                with_(
                    NODE,
                    spec={"podCIDR": "10.2.0.0/24", "taints": [{"key": "a"}]},
                    metadata=with_(NODE["metadata"], resourceVersion="6"),
                )
            ]
        },
    ),
    (
        "a machine that started",
        with_(SERVER),
        with_(SERVER, state="stopped", location={"zone": "1"}, modified="10:05"),
    ),
    (
        "a payment that succeeded",
        {"id": "pi_1", "status": "processing", "amount": 100},
        {"id": "pi_1", "status": "succeeded", "amount": 100, "charges": {"data": [{"id": "c"}]}},
    ),
    (
        "a build that failed",
        {"id": 3, "state": "running", "steps": [1]},
        {"id": 3, "state": "failed", "steps": [1], "reason": "timeout", "finished_at": "now"},
    ),
    (
        "null beside nothing in another record",
        {"items": [{"id": 1, "due": "2026-11-30", "note": None}]},
        {"items": [{"id": 2, "due": None, "note": None}]},
    ),
    (
        "an error for one item of several",
        {"results": [{"id": 1, "ok": 1, "error": None}]},
        {"results": [{"id": 2, "ok": 0, "error": {"code": "E1", "message": "No."}}]},
    ),
    (
        "a time with a fraction",
        PRODUCT | {"at": "2026-11-30T10:00:00Z"},
        PRODUCT | {"at": "2026-11-30T10:00:00.123456+00:00"},
    ),
    ("a whole number that is a float", PRODUCT | {"rate": 1}, PRODUCT | {"rate": 1.0}),
    ("a measurement that is whole now and then", {"temp": 3.5, "n": None}, {"temp": 4, "n": None}),
    ("a decimal as text", with_(PRODUCT), with_(PRODUCT, price="10")),
    (
        "a counter of a back end",
        {"took": 3, "stats": {"cached": True, "cache_hits": 3}},
        {"took": 4, "stats": {"cached": False, "cache_hits": 0}},
    ),
    ("another order and length", {"tags": ["a", "b"], "n": None}, {"tags": ["c"], "n": None}),
    ("a list that is empty now", {"items": [USER], "n": None}, {"items": [], "n": None}),
    (
        "labels that somebody set",
        {"metadata": {"uid": "1", "labels": {"app": "x"}}, "n": None},
        {"metadata": {"uid": "1", "labels": {"team": "y", "tier": "z"}}, "n": None},
    ),
    (
        "rich text with and without a link",
        {"rich_text": [{"type": "text", "text": {"content": "a", "link": None}}]},
        {"rich_text": [{"type": "mention", "mention": {"type": "user", "user": {"id": "1"}}}]},
    ),
]


@pytest.mark.parametrize(("old", "new"), [row[1:] for row in SAME], ids=[row[0] for row in SAME])
def test_what_differs_from_one_answer_to_the_next_is_not_reported(old: Any, new: Any) -> None:
    assert compare(body(old), body(new)) == []


# Beside each kind above: the same API with a true change, and where it is.
FULL = {
    "date": "2020-06-03",
    "sku": "Rq",
    "trace": "0A",
    "account": "VB",
    "item": "Xx",
    "unit": "kg",
}
CHANGED = [
    (
        "a field that left a resource with no other change",
        FULL,
        {name: FULL[name] for name in FULL if name != "sku"},
        "field-removed",
        "$.sku",
    ),
    (
        "a field with another name where all values are text",
        FULL,
        {("sku_code" if name == "sku" else name): FULL[name] for name in FULL},
        "field-removed",
        "$.sku",
    ),
    (
        "a field that is new in a resource with no other change",
        FULL,
        FULL | {"note": "x"},
        "field-added",
        "$.note",
    ),
    (
        "an envelope that holds a list instead of an object",
        {"data": {"id": 1, "name": "a"}},
        {"data": [{"id": 1, "name": "a"}]},
        "type-changed",
        "$.data",
    ),
    (
        "a field of all records with another name",
        {"records": [{"id": 1, "value": "a"}, {"id": 2, "value": "b"}, {"id": 3, "value": "c"}]},
        {"records": [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}, {"id": 3, "text": "c"}]},
        "field-removed",
        "$.records[*].value",
    ),
    (
        "an object that lost its only field beside others that are as before",
        {"id": 1, "a": "b", "c": "d", "media": {"large": {"w": 1}}},
        {"id": 1, "a": "b", "c": "d", "media": {}},
        "field-removed",
        "$.media.large",
    ),
    (
        "rates",
        with_(RATE, rates={"USD": 1.05}, x=None),
        with_(RATE, rates={"USD": 1.05}, x=None, note="a"),
        "field-added",
        "$.note",
    ),
    (
        "a base that left",
        with_(RATE, rates={"USD": 1}, x=None),
        {"amount": 1.0, "date": "2026-11-27", "rates": {"USD": 1}, "x": None},
        "field-removed",
        "$.base",
    ),
    (
        "rates as text",
        with_(RATE, rates={"USD": 1.05}),
        with_(RATE, rates={"USD": "1.05"}),
        "type-changed",
        "$.rates.USD",
    ),
    (
        "a record that gained a field",
        {"items": [TWEET], "next": None},
        {"items": [with_(TWEET, edits=1)], "next": None},
        "field-added",
        "$.items[*].edits",
    ),
    (
        "records that all gained a field",
        {"items": [with_(TWEET, id=n) for n in range(1, 9)]},
        {"items": [with_(TWEET, id=n, edits=1) for n in range(11, 19)]},
        "field-added",
        "$.items[*].edits",
    ),
    (
        "records that all lost a field",
        {"items": [with_(TWEET, id=n) for n in range(1, 9)]},
        {"items": [{"id": n, "text": "x", "in_reply_to_status_id": None} for n in range(11, 19)]},
        "field-removed",
        "$.items[*].lang",
    ),
    ("an id as text", with_(PRODUCT), with_(PRODUCT, id="5"), "type-changed", "$.id"),
    ("a price as a number", with_(PRODUCT), with_(PRODUCT, price=9.9), "type-changed", "$.price"),
    (
        "a flag as text",
        PRODUCT | {"is_new": False},
        PRODUCT | {"is_new": "yes"},
        "type-changed",
        "$.is_new",
    ),
    (
        "a list that is an object",
        {"zones": [{"id": "z1"}], "n": None},
        {"zones": {"data": [{"id": "z1"}]}, "n": None},
        "type-changed",
        "$.zones",
    ),
    (
        "a list under another name",
        {"zones": [{"id": "z1"}], "n": None},
        {"items": [{"id": "z1"}], "n": None},
        "field-removed",
        "$.zones",
    ),
    ("a resource without its fields", with_(PRODUCT), {}, "field-removed", "$.title"),
    (
        "a start of another shape",
        {"items": [EVENT], "z": None},
        {"items": [with_(EVENT, start="2026-11-30T12:00:00Z")], "z": None},
        "type-changed",
        "$.items[*].start",
    ),
    (
        "a count as text",
        {"data": [1], "meta": {"total": 3}},
        {"data": [1], "meta": {"total": "3"}},
        "type-changed",
        "$.meta.total",
    ),
    (
        "a machine in the same state",
        with_(SERVER),
        with_(SERVER, zone="1"),
        "field-added",
        "$.zone",
    ),
    (
        "a payment in the same state",
        {"id": "p", "status": "paid", "amount": 1, "fee": None},
        {"id": "p", "status": "paid", "amount": 1, "fee": None, "tax": 2},
        "field-added",
        "$.tax",
    ),
    (
        "a contact that nobody edited",
        with_(CONTACT, owner=None),
        with_(CONTACT, owner=None, team=1),
        "field-added",
        "$.team",
    ),
    (
        "a body in an envelope",
        with_(PRODUCT),
        {"product": with_(PRODUCT)},
        "field-removed",
        "$.title",
    ),
    ("a list of an API that writes all", {"zones": [{"id": "z"}]}, {}, "field-removed", "$.zones"),
    (
        "a time of another format",
        with_(CONTACT, createdAt="2026-11-29T10:00:00Z"),
        with_(CONTACT, createdAt=1764410400),
        "type-changed",
        "$.createdAt",
    ),
    (
        "a list that left a resource without stars",
        PRODUCT | {"stars_count": 0, "tags": ["x"]},
        PRODUCT | {"stars_count": 0},
        "field-removed",
        "$.tags",
    ),
    (
        "a list that is new beside a count of nothing",
        PRODUCT | {"stars_count": 0},
        PRODUCT | {"stars_count": 0, "topics": ["x"]},
        "field-added",
        "$.topics",
    ),
    (
        "a list that left where there are hits",
        {"data": [{"id": 1}], "users": [USER], "n": None, "meta": {"result_count": 1}},
        {"data": [{"id": 1}], "n": None, "meta": {"result_count": 2}},
        "field-removed",
        "$.users",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "rule", "path"), [row[1:] for row in CHANGED], ids=[row[0] for row in CHANGED]
)
def test_what_an_api_changed_is_reported(old: Any, new: Any, rule: str, path: str) -> None:
    found = {(change.rule, change.path) for change in compare(body(old), body(new))}
    assert (rule, path) in found


@pytest.mark.parametrize(
    "failure",
    [
        {"ok": False, "error": "ratelimited"},
        {"success": False, "message": "Try later."},
        {"status": "error", "message": "No such zone."},
        {"status": "Failed", "statusDescription": "No such zone."},
        {"trId": "1", "responseCode": 2200, "errors": [{"code": 2200, "message": "No."}]},
        {"success": False, "errors": [{"code": 1003}], "messages": [], "result": None},
        {"data": None, "errors": [{"message": "timeout"}]},
    ],
)
def test_an_error_under_200_where_none_was_recorded_says_nothing(failure: Any) -> None:
    with pytest.raises(NotComparable):
        compare(body({"zones": [{"id": 1}], "data": "x"}), body(failure))


def page(number: int, document: dict[str, Any]) -> dict[str, Any]:
    """Return a recording of another resource of the same surface."""
    request = {"method": "GET", "url": f"https://api.example.com/v1/things?page={number}"}
    return {**document, "request": request}


def test_records_with_rare_fields_show_one_more() -> None:
    """Of thirty records each has a few of many fields; another rare field is not a change."""
    usual = [{"id": number, "title": "x"} for number in range(40)]
    rare = [
        {**one, name: "y"} for one, name in zip(usual, ("isbn", "issue", "series"), strict=False)
    ]
    history = [body({"items": [*rare, *usual[3:]], "note": None}) for _ in range(10)]
    others = [{"id": number, "title": "x"} for number in range(50, 90)]
    live = [{**one, "suffix": "Jr"} if at == 1 else one for at, one in enumerate(others)]
    old, new = (body({"items": items, "note": None}) for items in (usual, live))
    assert compare(old, new, baseline=history) == []
    every = body({"items": [{**one, "suffix": "Jr"} for one in usual], "note": None})
    assert [change.path for change in compare(old, every, baseline=history)] == [
        "$.items[*].suffix"
    ]


def test_a_record_may_lack_a_field_that_all_recorded_ones_have_by_chance() -> None:
    full = [{"id": number, "address": "x", "note": None} for number in range(9)]
    lacking = [*full[:8], {"id": 8, "note": None}]
    few = [*full[:1], *({"id": number, "note": None} for number in range(1, 9))]
    history = [page(at, body({"recipients": full[at : at + 1]})) for at in range(4)]
    old = body({"recipients": full[:5]})
    assert compare(old, body({"recipients": lacking}), baseline=history) == []
    (change,) = compare(old, body({"recipients": few}), baseline=history)
    assert (change.rule, change.path) == ("field-became-optional", "$.recipients[*].address")
