"""Records of APIs of data: what users edit, choose and leave out, and what only an API changes."""

from __future__ import annotations

from typing import Any

import pytest
from documents import DATA_URL, body

from cachy.drift import NotComparable, compare

TYPE = {
    "name": "Post",
    "description": "",
    "displayField": "title",
    "fields": [{"id": "title", "type": "Text", "disabled": False}],
    "sys": {"id": "p1", "version": 4, "publishedVersion": 3, "updatedAt": "2026-11-29T10:00:00Z"},
}
EDITED = {**TYPE["sys"], "version": 5, "updatedAt": "2026-11-30T10:00:00Z"}  # type: ignore[dict-item]
BANK = {"id": "b1", "name": "A", "code_type": "list", "oauth": True, "urls": []}
DISK = {"id": "d1", "os": "linux", "managed": {"id": "m1", "storageType": "SSD"}, "zones": []}
VAULT = {"id": "v1", "name": "vault", "location": "eu", "sku": {"name": "a"}, "policies": []}
DATASET = {"id": "d1", "name": "a", "created_at": "2026-09-01", "updated_at": "2026-09-01"}
SETUP = {"id": "c1", "strategy": "db", "options": {"min": 8, "mfa": {"active": True}}, "realms": []}
NODE = {"name": "n1", "address": "10.0.0.1", "conditions": [{"type": "Ready", "status": "True"}]}


def without(base: dict[str, Any], *names: str, **more: Any) -> dict[str, Any]:
    return {**{name: item for name, item in base.items() if name not in names}, **more}


# Each row: what it is, the recorded body, the live body.
SAME = [
    ("a document that was edited", TYPE, without(TYPE, "displayField", sys=EDITED)),
    (
        "a part that was edited",
        TYPE,
        {**TYPE, "fields": [{"id": "title", "type": "Text"}], "name": "Posts", "sys": EDITED},
    ),
    (
        "what another kind of record has",
        {"banks": [BANK, without(BANK, "oauth", id="b2", code_type="numeric")]},
        {"banks": [BANK, {**BANK, "id": "b3", "code_type": "numeric"}]},
    ),
    (
        "a tag that is a sentence now",
        TYPE,
        {**TYPE, "fields": [{"id": "title", "type": "Long text", "disabled": False}]},
    ),
    (
        "a tag that some records lack",
        {"disks": [DISK, {**DISK, "managed": {"id": "m2"}}]},
        {"disks": [{**DISK, "id": "d3", "managed": {"id": "m3"}}]},
    ),
    (
        "one record of several with more",
        {"vaults": [VAULT, {**VAULT, "id": "v2"}]},
        {"vaults": [VAULT, {**VAULT, "id": "v2", "location": "us", "identity": {"id": "i"}}]},
    ),
    (
        "a first attribute",
        {"hosts": {"h": {"attributes": {}, "host": "h", "path": "/x"}}, "n": 0},
        {"hosts": {"h": {"attributes": {"ip": "10.0.0.1"}, "host": "h", "path": "/x"}}, "n": 0},
    ),
    ("null and nothing", {**SETUP, "owner": None}, {**SETUP, "id": "c2", "strategy": "sms"}),
    (
        "metadata of a user",
        {"id": 1, "a": 1, "b": 2, "app_metadata": {"key": "x"}},
        {"id": 1, "a": 1, "b": 2, "app_metadata": {"key": "x", "plan": "y"}},
    ),
    (
        "custom fields",
        {"id": 1, "a": 1, "b": [], "customFields": {"size": "x"}},
        {"id": 1, "a": 1, "b": [], "customFields": {"colour": "y"}},
    ),
    (
        "a total beside the items",
        {"start": 0, "limit": 5, "authenticators": []},
        {"start": 0, "limit": 5, "authenticators": [{"id": "a"}], "total": 1},
    ),
    (
        "a product that went offline",
        {"d": {"Id": "p", "Online": True, "Size": 5, "Nodes": []}},
        {"d": {"Id": "p", "Online": False, "Size": 5, "Nodes": [], "OnDemand": False}},
    ),
    ("options that somebody set", SETUP, {**SETUP, "options": {"min": 10, "max": 20}}),
    (
        "facets by the query",
        {"facets": {"kind": [{"name": "a", "count": 1}]}, "hits": [], "n": 1},
        {"facets": {"age": [{"name": "b", "count": 1, "from": 0}]}, "hits": [], "n": 1},
    ),
]


@pytest.mark.parametrize(("old", "new"), [row[1:] for row in SAME], ids=[row[0] for row in SAME])
def test_what_users_do_with_records_is_not_reported(old: Any, new: Any) -> None:
    assert compare(body(old), body(new)) == []


CHANGED = [
    (
        "metadata that is a list",
        {"a": 1, "b": 2, "c": 3, "metadata": {"uid": "1"}},
        {"a": 1, "b": 2, "c": 3, "metadata": [{"uid": "1"}]},
        "type-changed",
        "$.metadata",
    ),
    (
        "a tag that left every record",
        {"nodes": [NODE]},
        {"nodes": [{**NODE, "conditions": [{"status": "True"}]}]},
        "field-removed",
        "$.nodes[*].conditions[type=Ready].type",
    ),
    (
        "a record that was created anew",
        DATASET,
        {**DATASET, "created_at": "2026-11-30", "updated_at": "2026-11-30", "type": 1, "tags": []},
        "field-added",
        "$.type",
    ),
    (
        "a field that left a document in two places",
        {**TYPE, "owner": {"id": "u", "node": 1}, "node": 1},
        {**TYPE, "owner": {"id": "u"}, "sys": EDITED},
        "field-removed",
        "$.node",
    ),
    (
        "an option that left alone",
        SETUP,
        {**SETUP, "options": {"min": 8}},
        "field-removed",
        "$.options.mfa",
    ),
    (
        "a field that every record has now",
        {"vaults": [VAULT]},
        {"vaults": [{**VAULT, "identity": {"id": "i"}}]},
        "field-added",
        "$.vaults[*].identity",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "rule", "path"), [row[1:] for row in CHANGED], ids=[row[0] for row in CHANGED]
)
def test_what_an_api_changes_in_records_is_reported(
    old: Any, new: Any, rule: str, path: str
) -> None:
    found = {(change.rule, change.path) for change in compare(body(old), body(new))}
    assert (rule, path) in found


def test_a_body_of_a_google_api_that_is_wrapped_loses_its_fields() -> None:
    request = {"method": "GET", "url": "https://compute.googleapis.com/compute/v1/projects/p/zones"}
    zones = {"kind": "compute#zoneList", "id": "z", "items": [{"name": "a"}]}
    old, new = ({**body(one), "request": request} for one in (zones, {"result": zones}))
    found = {(change.rule, change.severity) for change in compare(old, new)}
    assert ("field-removed", "breaking") in found


def test_a_graphql_response_with_an_error_for_a_part_says_nothing() -> None:
    failed = {"data": {"viewer": {"id": 1}, "org": None}, "errors": [{"path": ["org"]}]}
    with pytest.raises(NotComparable):
        compare(body({"data": {"viewer": {"id": 1}, "org": {"id": 2}}}), body(failed))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"by_user": {"ann": {"n": 1}, "bob": {"n": 2}}}, {"by_user": {"eve": {"n": 2}}}),
        ({"members": {"cus_Nffrfeua": {"r": "a"}}}, {"members": {"cus_Okkrfeub": {"r": "a"}}}),
        ({"keys": {"user:1": {"n": 1}}}, {"keys": {"user:12": {"n": 1}, "user:3": {"n": 2}}}),
        ({"held": {"0x1f9840a85d": {"n": 1}}}, {"held": {"0x7fc66500c8": {"n": 1}}}),
        ({"sales": {"Q1 2026": 1}}, {"sales": {"Q2 2026": 1}}),
        ({"scores": {"Ann Smith": 3, "Bob Ray": 4}}, {"scores": {"Eve Poe": 1}}),
        (
            {"ExecutionArn": "e", "Status": "RUNNING"},
            {"ExecutionArn": "e", "Status": "SUCCEEDED", "Output": "{}", "StopDate": 1},
        ),
    ],
)
@pytest.mark.parametrize("url", [DATA_URL, "https://api.openai.com/v1/things"])
def test_a_known_provider_has_maps_and_jobs_too(old: Any, new: Any, url: str) -> None:
    both = ({"id": 1, "total": 2, "next": None, **one} for one in (old, new))
    assert compare(*(body(one, url, "GET") for one in both)) == []
