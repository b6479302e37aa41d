"""How hosts are written in the settings, and which hosts an entry covers."""

from __future__ import annotations

import pytest

from cachy.config import is_covered, load_config
from cachy.config.covered_hosts import base_url_hosts, find_alias, parse_alias, parse_dom
from cachy.errors import CachyError
from cachy.interaction import host_and_port
from cachy.providers import DOMS


@pytest.mark.parametrize(
    ("entry", "host", "port"),
    [
        ("api.example.com", "API.Example.com.", 443),
        ("Api.Example.COM.", "api.example.com", 443),
        ("example.com", "deep.api.example.com", 80),
        ("*.example.com", "api.example.com", 80),
        (".example.com", "example.com", 80),
        ("bücher.example", "xn--bcher-kva.example", 443),
        ("xn--bcher-kva.example", "bücher.example", 443),
        ("BÜCHER.example", "shop.bücher.example.", 443),
        ("straße.example", "xn--strae-oqa.example", 443),
        ("127.0.0.1:*", "127.0.0.1", 8123),
        ("127.0.0.1:8123", "127.0.0.1", 8123),
        ("::1", "::1", 8123),
        ("[::1]:8123", "::1", 8123),
        ("0:0:0:0:0:0:0:1", "::1", 80),
        ("*", "anything.example", 1),
        ("*:8000", "anything.example", 8000),
    ],
)
def test_an_entry_covers_its_host_however_either_is_written(
    entry: str, host: str, port: int
) -> None:
    assert is_covered(host, port, [parse_dom(entry)])


@pytest.mark.parametrize(
    ("entry", "host", "port"),
    [
        ("example.com", "notexample.com", 443),
        ("example.com", "example.com.evil.org", 443),
        ("example.com:8000", "example.com", 443),
        ("[::1]:8000", "::1", 80),
        ("*:8000", "example.com", 80),
    ],
)
def test_an_entry_covers_no_other_host(entry: str, host: str, port: int) -> None:
    assert not is_covered(host, port, [parse_dom(entry)])


@pytest.mark.parametrize(
    ("entry", "advice"),
    [
        ("https://api.x.org/v1", "use 'api.x.org'"),
        ("user@api.x.org", "use 'api.x.org'"),
        ("a.org, b.org", "use 'a.org'"),
        ("api.x.org ", "use 'api.x.org'"),
        ("", "use 'api.example.com'"),
        ("api.*.com", "use 'api.example.com'"),
        ("*x.org", "use 'x.org'"),
        ("a..b", "use 'api.example.com'"),
        ("[zz]", r"use '\[::1\]'"),
        ("a.org:", "use 'a.org' for every port"),
        ("a.org:http", "use 'a.org' for every port"),
        ("a.org:70000", "use 'a.org' for every port"),
    ],
)
def test_an_entry_that_can_match_nothing_is_refused(entry: str, advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        parse_dom(entry)
    with pytest.raises(CachyError, match=advice):
        load_config(doms=[entry])


def test_every_known_host_is_written_as_hosts_are_compared() -> None:
    assert tuple(map(parse_dom, DOMS)) == DOMS


def test_a_url_names_its_host_as_hosts_are_compared() -> None:
    assert host_and_port("https://BÜCHER.example./v1") == ("xn--bcher-kva.example", 443)
    assert host_and_port("http://[::1]:8000/") == ("::1", 8000)


def test_base_url_variables_name_hosts() -> None:
    environment = {
        "OPENAI_BASE_URL": "http://Gateway.local:4000/v1",
        "ANTHROPIC_BASE_URL": "https://gateway.example/anthropic",
        "AZURE_OPENAI_ENDPOINT": "https://[::1]:8443/",
        "OLLAMA_HOST": "10.0.0.7",
        "GROQ_BASE_URL": "not a url",
        "OTHER_BASE_URL": "https://other.example",
    }
    assert base_url_hosts(environment) == {
        "gateway.local:4000": "OPENAI_BASE_URL",
        "gateway.example:443": "ANTHROPIC_BASE_URL",
        "[::1]:8443": "AZURE_OPENAI_ENDPOINT",
        "10.0.0.7": "OLLAMA_HOST",
    }


def test_an_alias_is_found_by_host_and_port() -> None:
    aliases = parse_alias({"Gateway.local:4000": "api.openai.com", "b.example": "a.example"})
    assert find_alias("gateway.local", 4000, aliases) == "api.openai.com"
    assert find_alias("gateway.local", 80, aliases) == ""
    assert find_alias("b.example", 443, aliases) == "a.example"
    with pytest.raises(ValueError, match="is not one host"):
        parse_alias({"*": "api.openai.com"})
