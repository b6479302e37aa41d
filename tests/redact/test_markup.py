"""Secrets in XML and HTML, by the names of elements and attributes."""

from __future__ import annotations

import re
import time

import pytest

from cachy.redact import redact_json, redact_text

VALUE = "hunter2hunter2X"
SECRET = [
    ("{{password}}", "<password>S</password>"),
    ("{{password}}", "<a:NewPassword x='1'>\n S\n</a:NewPassword>"),
    ("{{password}}", '<wsse:Password Type="a#PasswordText">S</wsse:Password>'),
    ("{{password}}", "<password><![CDATA[S]]></password>"),
    ("{{password}}", '<input type="password" name="x" value="S">'),
    ("{{password}}", '<add key="DbPassword" value="S"/>'),
    ("{{password}}", '<user name="bob" password="S"/>'),
    ("{{password}}", '<property name="connection.password">S</property>'),
    ("{{password}}", "<key>password</key>\n<string>S</string>"),
    ("{{password}}", "<name>pwd</name><value><string>S</string></value>"),
    ("access-token", "<AccessToken>S</AccessToken>"),
    ("secret-key", "<SecretAccessKey>S</SecretAccessKey>"),
    ("csrf-token", '<input type="hidden" name="csrf_token" value="S">'),
    ("csrf-token", "<input value='S' name='csrf_token'/>"),
    ("csrf-token", "<form><input type=hidden name=csrf_token value=S></form>"),
    ("csrf-token", "<input name=csrf_token value=S/>"),
    ("csrf-token", '<meta name="csrf-token" content="S" />'),
    ("csrf-token", '{"html": "<input name=\\"csrf_token\\" value=\\"S\\">"}'),
]
HARMLESS = [
    "Sign in as <user> with <password> at <host>",
    '<label for="password">Password</label><input name="password" placeholder="Password">',
    "<Key>photos/a.jpg</Key><token>abc</token><NextToken>AAbb11CCdd22EEff33GG</NextToken>",
    '<a href="/password/reset?password_reset=1">Forgot password?</a>',
    '<password/><password></password><input type="password" value="">',
    '<meta name="csrf-param" content="authenticity_token">',
]


@pytest.mark.parametrize(("kind", "shape"), SECRET, ids=[row[1][:24] for row in SECRET])
def test_a_secret_is_found_by_the_name_of_its_element(kind: str, shape: str) -> None:
    text, expected = (re.sub(r"\bS\b", said, shape) for said in (VALUE, f"[redacted:{kind}]"))
    assert redact_text(text) == expected
    assert redact_text(expected) is expected
    assert redact_json({"a": [text]}) == {"a": [expected]}


@pytest.mark.parametrize("text", HARMLESS)
def test_markup_without_a_secret_is_the_same_object(text: str) -> None:
    assert redact_text(text) is text


@pytest.mark.parametrize("sign", ["<a ", "<password>", "<a x='", "<key>a</key>", "</", "<![CDATA["])
def test_no_markup_takes_long(sign: str) -> None:
    before = time.process_time()
    redact_text('"password":' + sign * (20_000 // len(sign)))
    assert time.process_time() - before < 2
