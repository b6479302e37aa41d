"""Which fields are secret by their name, and which only sound like it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from cachy.redact import redact_json, redact_pairs, redact_text, redact_url
from cachy.redact.names import QUALIFIERS, WRAPPERS
from cachy.redact.response import RESPONSE

VALUE = "hunter2hunter2X"
PASSWORD = "[redacted:{{password}}]"
NEVER = ("(?!)",)  # a pattern of the user's that never matches: every string is looked at
SECRET = [
    *("password", "passwd", "pwd", "passphrase", "passcode", "db_pwd", "userPwd", "PASSWORD"),
    *("password_confirmation", "passwordConfirmation", "password-confirm", "password2"),
    *("confirm_password", "newPassword", "old_password", "new_password_again", "NewPassword2"),
    *("password_1", "PASSWORD_OLD", "password repeat", "New Password", "passphrase_new"),
    *("password_hash", "passwordHash", "encrypted_password", "passwords", "db_password_value"),
    *("client_secret_2", "clientSecretValue", "SecretString", "secret_text", "secret1"),
    *("api_key_2", "apiKey1", "API_KEY_OLD", "access_token_2", "refreshTokenNew"),
    *("csrf_token", "csrfToken", "_csrf", "csrfmiddlewaretoken", "authenticity_token"),
    *("__RequestVerificationToken", "xsrf-token", "user[password]", "password[]"),
    *("user[password_confirmation]", "accounts[0][password]", "user.password", "wsse:Password"),
]
HARMLESS = [
    *("password_min_length", "passwordPolicy", "password_required", "password_expires_at"),
    *("forgot_password_url", "passwordless", "password_hint", "password_strength", "pwdLastSet"),
    *("secret_santa", "secretary", "secret_name", "secrets_manager", "client_secret_expires_at"),
    *("monkey", "keyboard", "key_2", "api_key_id", "api_keys", "secrets", "token_2", "tokens"),
    *("csrf_param", "csrf_header_name", "passport", "compass", "pwdx", "next_page_token"),
]


def places(name: str, value: str) -> list[tuple[str, str]]:
    """Write a field in each place that has names, and redact it."""
    written = json.dumps({"a": 1, name: value})
    return [
        (value, redact_json({name: value})[name]),
        (value, redact_json({"a": [{"name": name, "value": value}]})["a"][0]["value"]),
        (value, redact_json({"a": [{"key": name, "value": value}]})["a"][0]["value"]),
        (value, redact_pairs([(name, value)])[0][1]),
        *((text, redact_text(text)) for text in (f'"{name}": "{value}"', f"'{name}': '{value}'")),
        *((text, redact_json(text)) for text in (written, json.dumps(written))),
    ]


@pytest.mark.parametrize("name", SECRET)
def test_a_name_that_means_a_secret_hides_its_value_in_every_place(name: str) -> None:
    for _, clean in places(name, VALUE):
        assert VALUE not in json.dumps(clean)
        assert "[redacted:" in json.dumps(clean)


@pytest.mark.parametrize("name", HARMLESS)
def test_a_name_that_only_sounds_like_a_secret_hides_nothing(name: str) -> None:
    for value, clean in places(name, VALUE):
        assert clean == value


@pytest.mark.parametrize("name", SECRET + HARMLESS)
def test_the_quick_look_finds_what_the_thorough_one_finds(name: str) -> None:
    for value in (
        {name: VALUE},
        {"a": [{"key": name, "value": VALUE}]},
        {"a": f'"{name}": "{VALUE}"', "b": f"?{name}={VALUE}"},
        {"a": f"<{name}>{VALUE}</{name}>", "b": f'<input name="{name}" value="{VALUE}">'},
    ):
        assert redact_json(value) == redact_json(value, NEVER)


MINTED = "Zx91kQm3Lw7Vt0Rb5Nc2"


@pytest.mark.parametrize("name", ["reset_password_token", "invitationToken", "user-token", "key_2"])
def test_a_token_of_its_own_kind_is_secret_where_it_looks_generated(name: str) -> None:
    assert redact_json({name: MINTED}) == redact_json({name: MINTED}, NEVER) != {name: MINTED}
    assert MINTED not in redact_url(f"https://h.example/?{name}={MINTED}")
    assert redact_json({name: "abc"}) == {name: "abc"}


def test_a_list_of_a_name_and_a_generated_value_is_a_field() -> None:
    value = {"fields": [["password", MINTED], ["user", "ann"]], "required": ["password", "api_key"]}
    clean = {**value, "fields": [["password", PASSWORD], ["user", "ann"]]}
    assert redact_json(value) == redact_json(value, NEVER) == clean


@pytest.mark.parametrize("qualifier", QUALIFIERS)
def test_every_qualifier_may_follow_a_name(qualifier: str) -> None:
    for name in (f"password_{qualifier}", f"apiKey{qualifier.title()}", f"secret-{qualifier}-2"):
        assert VALUE not in json.dumps(redact_json({name: VALUE}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password_confirmation", "required"),
        ("password_check", "passed"),
        ("password_hash", "bcrypt"),
        ("password_digest", "sha256"),
        ("password_verification", "disabled"),
        ("secret_value", "https://vault.example/v1/secret/a"),
        ("api_key_new", "true"),
        ("secrets", "inherit"),
        ("csrf", "enabled"),
        ("PWD", "/home/ann/project"),
        ("OLDPWD", "C:\\Users\\ann"),
    ],
)
def test_a_value_that_only_says_something_of_a_secret_stays(name: str, value: str) -> None:
    assert redact_json({name: value}) == {name: value}


def test_what_is_not_a_string_is_not_a_secret() -> None:
    settings: dict[str, Any] = {
        "password_min_length": 8,
        "passwordPolicy": {"minimum": 8, "rotation": "90 days"},
        "password_required": True,
        "password_confirmation": None,
        "secret_2": False,
    }
    assert redact_json(settings) is settings


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("user[password]=a&n=1", f"user[password]={PASSWORD}&n=1"),
        ("user%5Bpwd%5D=a", f"user%5Bpwd%5D={PASSWORD}"),
        ("pwd=a&password2=b", f"pwd={PASSWORD}&password2={PASSWORD}"),
        ("filter[key]=name&password_reset=1", "filter[key]=name&password_reset=1"),
    ],
)
def test_parameters_in_brackets_have_the_name_inside(query: str, expected: str) -> None:
    assert redact_url(f"https://h.example/?{query}") == f"https://h.example/?{expected}"


@pytest.mark.parametrize("part", ["plaintext", "enc", "1", "a", "[", "]", ".", "_", "password"])
def test_no_name_takes_long(part: str) -> None:
    before = time.process_time()
    for name in (part * 50_000, part * 50_000 + "!", "password" + part * 50_000):
        redact_json({name: VALUE})
    assert time.process_time() - before < 2


MESSAGES = [
    "can't be blank",
    "This password is too short.",
    "is too short (minimum is 8 characters)",
]


def test_what_an_api_says_of_a_password_that_it_refuses_stays_in_a_response() -> None:
    errors = {"errors": {"password": MESSAGES, "password_confirmation": ["doesn't match Password"]}}
    assert redact_json(errors, (), RESPONSE) is errors
    given = {"passwords": [VALUE, "correct horse battery", "is a8 too"]}
    assert redact_json(given, (), RESPONSE) == {"passwords": [PASSWORD] * 3}
    assert redact_json({"password": MESSAGES}) == {"password": [PASSWORD] * 3}  # of a request
    assert redact_json({"password": MESSAGES[0]}, (), RESPONSE) == {"password": PASSWORD}


def test_a_parameter_is_as_secret_where_json_escapes_spell_it() -> None:
    escaped = MINTED.replace("k", "\\u006b")
    assert redact_url(f"https://h.example/?key={escaped}") == redact_url(
        f"https://h.example/?key={MINTED}"
    )


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_an_object_that_says_the_type_of_a_secret_hides_its_value(wrapper: str) -> None:
    for name in ("password", "client_secret", "access_token", "api_token", ":password"):
        field = {name: {wrapper: VALUE}}
        for value in (field, {"Item": {"user": {"M": field}}}, {"body": json.dumps(field)}):
            clean = redact_json(value)
            assert VALUE not in json.dumps(clean)
            assert clean == redact_json(value, NEVER) == redact_json(clean)
        assert VALUE not in redact_text(json.dumps({"body": json.dumps(field)}))


@pytest.mark.parametrize(
    "value",
    [
        {"L": [{"S": VALUE}, {"S": VALUE}]},
        {"SS": [VALUE, VALUE]},
        {"M": {"value": {"S": VALUE}}},
        {"arrayValue": {"values": [{"stringValue": VALUE}]}},
        {"DataType": "String", "StringValue": VALUE},
        {"type": "secret", "value": VALUE},
    ],
)
def test_a_secret_is_hidden_in_nested_types_and_lists(value: Any) -> None:
    assert VALUE not in json.dumps(redact_json({"password": value}))


@pytest.mark.parametrize(
    "value",
    [
        {"type": "string", "minLength": 8, "description": "A new password", "format": "password"},
        {"message": "is too short"},
        {"code": "blank", "detail": "This field is required."},
        {"required": True, "min": 8},
        {"$ref": "#/definitions/Password"},
        {"label": "Password", "placeholder": "Your password"},
        {"value": None},
        {"policy": {"value": "strict"}},
    ],
)
def test_an_object_that_describes_a_secret_stays(value: Any) -> None:
    field = {"password": value, "token": {"S": "abc"}, "name": {"S": VALUE}}
    assert redact_json(field) is field
    assert redact_text(json.dumps(field)) == json.dumps(field)


IN_TEXT = [
    ("login ann password=", "TxtPwFAKE1a2b", ""),
    ("password: ", "TxtPwFAKE", ""),
    ("db:\n  password: ", "YamlPwFAKE123", "\n  port: 5432"),
    ("db:\n  - api_key: '", "Yaml2wFAKE", "'"),
    ("host=a;password=", "Abc12345", ";port=1"),
    ("host=a, password: ", "Abc12345", ", port=1"),
    ("a=1&b=2 passwd = ", "hunter22", ""),
    ("Your new password: ", "P@ssword!", ""),
    ("the secret: ", "ab12cd34", " is yours"),
    ("pwd=x passcode=", "481516", ""),
]


@pytest.mark.parametrize(("before", "secret", "after"), IN_TEXT)
def test_a_password_that_a_text_assigns_is_hidden(before: str, secret: str, after: str) -> None:
    text = before + secret + after
    clean = redact_text(text)
    assert secret not in clean
    assert clean.endswith(after)
    assert redact_text(clean) is clean
    assert redact_json({"a": text}) == redact_json({"a": text}, NEVER) == {"a": clean}


@pytest.mark.parametrize(
    "text",
    [
        "password: must be at least 8 characters",
        "forgot your password: click here, or Click there",
        "password: 8-character minimum, password: 30days",
        "a password=getPass2(), secret=os.environ['A1'], pwd=config.db2.password",
        "connect(user=user, password=userPassword, api_key=settings.openAiKey)",
        "class A:\n  password: String\n  secret: SecretStr\n  api_key: str | None",
        "a password=$DB_PASSWORD1 secret=${DB1} passwd=%s pwd={pw}",
        "password: https://a1.example/reset, password: /run/secrets/db1",
        "the password: ann1@example.com, secret: my-secret-2, api_key: ab12****",
        "password: sha256, password: 2026-01-01, password: minLength=8",
        "password:\n  Value1234: x",
        "secret: GitHub, password: README",
    ],
)
def test_prose_and_code_about_a_password_stay(text: str) -> None:
    assert redact_text(text) is text
