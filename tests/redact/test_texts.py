"""Secrets in tables, commands, settings, sentences and containers; what only looks so stays."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from cachy.config import Config
from cachy.fixture.compose import compose
from cachy.fixture.format.render import render_fixture
from cachy.interaction import Request, Response
from cachy.redact import redact_json, redact_text
from cachy.redact.response import RESPONSE, find_secrets

NEVER = ("(?!)",)  # a pattern of the user's that never matches: every string is looked at
MINTED = "Zx91kQm3Lw7Vt0Rb5Nc2"

SECRET = [
    # Tables
    ("name,password\nann,letmein\nbob,hunter2\n", "letmein hunter2"),
    ("name,password,age\r\nann,letmein,3\r\nbob,hunter2,4\r\n", "letmein hunter2"),
    ("api_key,name\nabcdef,ann", "abcdef"),
    ('"name","password"\n"ann","let,me"\n"bob","hunt""er2"\n', 'let,me hunt""er2'),
    ("id;client_secret;x\n1;s3cr3t;z\n", "s3cr3t"),
    ("name\tpassword\nann\tletmein\n", "letmein"),
    ("name\tsecret\tage\nann\tletmein\t3\n", "letmein"),
    ("name|pwd\nann|letmein\n", "letmein"),
    ("| user | password |\n|---|:--|\n| ann | letmein |\n| bob | hunter2 |\n", "letmein hunter2"),
    ("Here it is:\n\nuser,password\nann,letmein\n\nThat is all.", "letmein"),
    ("\ufeffname,password\nann,letmein\n", "letmein"),
    (f"name,token\nann,{MINTED}\n", MINTED),
    ("name,token\nann,tok_ab12cd\n", "tok_ab12cd"),
    ("token,name\ntok_ab12cd,ann\n", "tok_ab12cd"),
    ("name,access_token,x\nann,abcd,1\n", "abcd"),
    ("name,password,x\nann,letmein\nbob,,1\ncy,hunter2,2\n", "letmein hunter2"),
    ("id, name, password\n1, ann, letmein\n", "letmein"),
    ("user,pass\nann,letmein\n", "letmein"),
    ("+-----+-----+\n| id | pwd |\n+-----+-----+\n| ann | letmein |\n+-----+-----+\n", "letmein"),
    (" user | password\n------+---------\n ann  | letmein\n", "letmein"),
    # Commands
    ("/usr/bin/curl.exe --oauth2-bearer letmein h", "letmein"),
    ("wget --user ann --password letmein h", "letmein"),
    ("docker run -e DB_PASSWORD=letmein -e 'API_KEY=hunter2' x", "letmein hunter2"),
    ("kubectl create secret generic x --from-literal=password=letmein", "letmein"),
    ("run curl -u ann:letmein https://h.example/", "letmein"),
    ("curl -su 'ann:let me' https://h.example/", "let&me".replace("&", "\0")),
    ('curl -uann:letmein https://h.example/ -u "bob:hunter2"', "letmein hunter2"),
    ("curl --user=ann:letmein --proxy-user bob:hunter2 https://h.example/", "letmein hunter2"),
    ("curl https://h.example/v1/charges -u abcdef12345:", "abcdef12345"),
    ("curl -X POST \\\n  -H 'Accept: */*' \\\n  -H 'Authorization: Bearer letmein' h", "letmein"),
    ("curl --header 'X-Api-Key: letmein' -H 'X-My-Token: hunter2' h", "letmein hunter2"),
    ("curl -H 'Cookie: sid=letmein; a=hunter2' -b 'sid=abcdef' h", "letmein hunter2 abcdef"),
    ("curl -d 'user=ann&password=letmein' -F secret=hunter2 h", "letmein hunter2"),
    ("mysql -u root -pletmein db; mysqldump -uroot --password=hunter2 db", "letmein hunter2"),
    ("sshpass -p letmein ssh ann@h.example", "letmein"),
    ("docker login -u ann -p letmein registry.example", "letmein"),
    ("redis-cli -h h.example -a letmein ping", "letmein"),
    ("mongosh -u ann -p letmein", "letmein"),
    ("http -a ann:letmein GET https://h.example", "letmein"),
    ("openssl rsa -passin pass:letmein -in k", "letmein"),
    ("tool --password letmein --api-key=hunter2 --token 'abcdef' x", "letmein hunter2 abcdef"),
    ("PGPASSWORD=letmein psql -h db", "letmein"),
    ("wget --http-password=letmein https://h.example", "letmein"),
    # Settings
    ("password: letmein", "letmein"),
    ("user=ann\npassword=letmein\n", "letmein"),
    ("[db]\nuser = ann\npassword = letmein\nport = 3\n", "letmein"),
    ("DB_USER=ann\nDB_PASSWORD=letmein\nPORT=3\n", "letmein"),
    ("export DB_PASSWORD='let me in'\nPORT=3\n", "let\0me\0in"),
    ("DB_USER=ann\nDB_PASSWORD=correct horse battery\n", "correct\0horse\0battery"),
    ("DB_PASSWORD=p#ss;w(rd\nPORT=3\n", "p#ss;w(rd"),
    ("db:\n  user: ann\n  password: letmein\n  port: 3\n", "letmein"),
    ("db:\n  password: 'correct horse'\n", "correct\0horse"),
    ("db:\n  password: |\n    letmein\n    hunter2\n  port: 3\n", "letmein hunter2"),
    ("passwords:\n  - letmein\n  - hunter2\nport: 3\n", "letmein hunter2"),
    ("passwords:\n  ann: letmein\n", "letmein"),
    ('[db]\nuser = "ann"\npassword = "letmein"\n', "letmein"),
    ("spring.datasource.username: ann\nspring.datasource.password: letmein\n", "letmein"),
    ("machine h.example login ann password letmein", "letmein"),
    ("//registry.example/:_authToken=letmein1", "letmein1"),
    ("GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic YTpi\r\nCookie: a=b\r\n", "YTpi a=b"),
    ("HTTP/1.1 200 OK\r\nSet-Cookie: sid=letmein; Path=/\r\n", "letmein"),
    ("x-api-key: letmein\r\nhost: h\r\n", "letmein"),
    ("Server=db; User Id=sa; Password=letmein; Encrypt=true", "letmein"),
    ('Server=db;Password="let;me";X=1', "let;me"),
    ("AccountName=a;AccountKey=abcDEF123==;EndpointSuffix=core", "abcDEF123=="),
    ("host=h user=ann password=letmein dbname=x", "letmein"),
    ("redis://:letmein@h.example:6379/0", "letmein"),
    ("db: {user: ann, password: letmein}\n", "letmein"),
    ("services:\n  db:\n    environment:\n      - DB_PASSWORD=letmein\n", "letmein"),
    # Code and sentences
    ("login failed: {user=ann, password=letmein}", "letmein"),
    ("I set the password to hunter2; use password hunter2.", "hunter2"),
    ("Your password: letmein", "letmein"),
    ("Username: ann, Password: letmein", "letmein"),
    ('PASSWORD="correct horse"', "correct\0horse"),
    ("const c = {user: 'ann', password: 'letmein'};", "letmein"),
    ("connect(user='ann', password='letmein')", "letmein"),
    (":password => 'letmein', 'secret' => 'hunter2'", "letmein hunter2"),
    ("CREATE USER a IDENTIFIED BY 'letmein'", "letmein"),
    ("ALTER ROLE b WITH PASSWORD 'letmein';", "letmein"),
    ("Hello, your password is hunter2.", "hunter2"),
    ('Your temporary password is "letmein".', "letmein"),
    ("The password for ann was set to hunter2!", "hunter2"),
    ("**Password:** `letmein`", "letmein"),
    ("The passcode is 481516", "481516"),
    ("Your API key is ab12cd34ef", "ab12cd34ef"),
    ("user: ann\npass: hunter2", "hunter2"),
]  # fmt: skip

CONTAINERS: list[tuple[Any, str]] = [
    ({"passwords": {"ann": "letmein", "bob": {"current": "hunter2"}}}, "letmein hunter2"),
    ({"passwords": ["letmein", "b2"]}, "letmein b2"),
    ({"passwords": [{"user": "ann", "value": "letmein"}]}, "letmein"),
    ({"password": {"current": "letmein", "new": "hunter2"}}, "letmein hunter2"),
    ({"credentials": {"ann": "hunter2", "region": "eu-1"}}, "hunter2"),
    ({"credentials": ["hunter2"], "creds": {"ann": "hunter3"}}, "hunter2 hunter3"),
    ({"tokens": [MINTED], "session_tokens": {"ann": "ab12cd34"}}, f"{MINTED} ab12cd34"),
    ({"tokens": {"ann": MINTED}}, MINTED),
    ({"api_keys": ["k1_abcdefgh12"], "secrets": {"DB": "hunter2"}}, "k1_abcdefgh12 hunter2"),
    ({"user": "ann", "pass": "letmein"}, "letmein"),
    ({"auth": {"username": "ann", "pw": "letmein"}}, "letmein"),
    ({"headers": [["Authorization", "Bearer letmein"], ["Cookie", "a=b2"]]}, "letmein b2"),
    ({"args": ["--password", "letmein", "--api-key=hunter2"]}, "letmein hunter2"),
    ({"env": ["DB_PASSWORD=letmein", "PORT=1"]}, "letmein"),
    ({"columns": ["name", "password"], "rows": [["ann", "letmein"], ["bob", "x"]]}, "letmein"),
]  # fmt: skip


def parts(secrets: str) -> list[str]:
    return [secret.replace("\0", " ") for secret in secrets.split()]


@pytest.mark.parametrize(("text", "secrets"), SECRET, ids=[row[0][:30] for row in SECRET])
def test_a_secret_in_a_text_is_hidden_wherever_the_text_stands(text: str, secrets: str) -> None:
    written, twice = json.dumps({"a": text}), json.dumps({"b": json.dumps({"a": text})}, indent=1)
    clean = redact_text(text)
    assert redact_text(clean) is clean
    assert clean.count("\n") == text.count("\n")
    assert redact_json({"a": text}) == redact_json({"a": text}, NEVER) == {"a": clean}
    assert redact_text(written) == json.dumps({"a": clean})
    assert redact_text(twice) == json.dumps({"b": json.dumps({"a": clean})}, indent=1)
    assert find_secrets(text) != []
    assert not [secret for secret in parts(secrets) if secret in clean]


FILE = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f.csv"\r\n\r\n%s\r\n--b--\r\n'


@pytest.mark.parametrize(("text", "secrets"), SECRET[::4], ids=[row[0][:30] for row in SECRET[::4]])
def test_it_is_hidden_in_an_upload_in_a_body_and_in_a_stream(text: str, secrets: str) -> None:
    data = f"data: {json.dumps({'delta': text})}\n\n"
    for kind, asked, said in (
        ("multipart/form-data; boundary=b", FILE % text.encode(), b"{}"),
        ("text/csv", text.encode(), text.encode()),
        ("application/json", json.dumps([text]).encode(), json.dumps([[text]]).encode()),
        ("text/event-stream", b"", data.encode()),
    ):
        headers = (("content-type", kind),)
        sent = Request("POST", "https://h.example/a", headers, asked)
        document, _ = compose(sent, Response(200, headers, said), {}, Config())
        shown = json.dumps(document, ensure_ascii=False).replace('\\"', '"')
        assert not [secret for secret in parts(secrets) if secret in shown]
        assert find_secrets(render_fixture(document)) == []


@pytest.mark.parametrize(
    ("value", "secrets"), CONTAINERS, ids=[str(row[0])[:30] for row in CONTAINERS]
)
def test_what_contains_secrets_has_them_hidden(value: Any, secrets: str) -> None:
    clean = redact_json(value)
    shown = json.dumps(clean)
    assert clean == redact_json(value, NEVER) == redact_json(clean)
    assert not [secret for secret in parts(secrets) if secret in shown]
    for text in (
        json.dumps(value),
        json.dumps(value, indent=2),
        f"Said:\n{json.dumps(value)}\nBye",
    ):
        assert (
            redact_text(text) == text.replace(json.dumps(value), shown)
            or "indent" in text
            or (redact_text(text) == json.dumps(clean, indent=2))
        )
    assert redact_json({"a": json.dumps(value)}) == {"a": shown}


HARMLESS = [
    "name,password policy\nann,strict\n",
    "Fields: name, password, token.\nThe password, if set, is hashed.",
    "SELECT id, name, password\nFROM users, roles, tokens\nWHERE a = b",
    "import os, secret\nfrom x import password, token\n",
    "secret, token, key\nare three words, of them, one",
    "curl -u https://h.example",
    'curl -u "$USER:$PASS" -u username:password -H "X-Api-Key: <key>" https://h.example',
    "curl -H 'Content-Type: application/json' -H 'Authorization: Bearer $TOKEN' https://h.example",
    "docker run -p 80:80 x; tar -p x -u y; mysql -u root -p; mysql -p db",
    "tool --token-limit 5 --max-tokens 100 --password-file /x --password-stdin",
    "tool --password <PASSWORD> --api-key $KEY --token ${TOKEN}; use --password to set it",
    "Your password is incorrect. The password is hashed with sha256; it is valid for 30days.",
    "The secret is out: the secret is that you must work hard.",
    'The field password "required" is missing; password "letters" only, password two of 3.',
    "Use --user and --password when the --token option is missing.",
    "{password: password}, {user: string, password: string}, f(user=name, password=hashed)",
    "The API key is missing, the token is invalid, and the password was reset.",
    "password: string",
    "class A(BaseModel):\n    password: str\n    token: Optional[str] = None\n",
    "def login(password):\n    token = login(password)\n    password = getpass.getpass()\n",
    "password = getpass.getpass()",
    'OpenAI(api_key="your-api-key"), password="<your password>", secret="changeme"',
    "password:\n  required: true\n  minLength: 8\n",
    "secrets:\n  - DB_PASSWORD\n  - S3_BUCKET\n",
    "tokens: 12\nmax_tokens: 5\nstop_tokens: [a]",
    "Authorization: Bearer <token>\nauthorization: required\nCookie: none",
    "labels = {password: 'Password', confirm: \"Confirm your password\", secret: 'required'}",
]
HARMLESS_VALUES: list[Any] = [
    {"tokens": 12, "max_tokens": 5, "stop_tokens": ["</s>", "<|im_end|>"]},
    {"tokens": ["Hello", " world", "GPT4o", "2024-01-01"], "usage": {"prompt_tokens": 3}},
    {"tokens": {"input": "12", "output": "9"}, "credentials": "include"},
    {"credentials": {"type": "service_account", "region": "us-east-1", "project": "my-proj-12"}},
    {"credentials": [{"id": "cred_12", "publicKey": MINTED * 2, "type": "public-key"}]},
    {"secrets": ["DB_PASSWORD", "S3_BUCKET"], "passwords": {"policy": {"min": 8}, "url": "a"}},
    {"secrets": [{"name": "DB_PASSWORD", "created_at": "2019-08-10T14:59:22Z"}]},
    {"api_keys": [{"id": "key_1", "name": "prod2024", "created_at": "2024-01-01"}]},
    {"pass": True, "pw": "yes", "result": {"pass": "17/20"}},
    {"key_id": "568250167242549743", "key": f"{MINTED * 2}aB1="},
    {"columns": ["name", "age"], "rows": [["ann", MINTED]]},
    {"args": ["--password", "--verbose"], "required": ["password", "api_key"]},
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_secret_in_a_text_stays(text: str) -> None:
    assert redact_text(text) is text
    assert redact_text(text, (), RESPONSE) is text
    assert redact_json({"a": text}) == {"a": text}


@pytest.mark.parametrize("value", HARMLESS_VALUES)
def test_what_only_looks_like_a_container_stays(value: Any) -> None:
    assert redact_json(value) is value
    assert redact_text(json.dumps(value)) == json.dumps(value)


@pytest.mark.parametrize("spaced", ['{ "a" :"é\\/\\u00e9",  "password":\t"x"\n, "b": 1.0e3 }'])
def test_json_in_a_text_changes_nowhere_but_in_the_value(spaced: str) -> None:
    assert redact_text(spaced) == spaced.replace('"x"', '"[redacted:{{password}}]"')


PIECES = [
    *("password,", "password|", "a,password\n", "--password ", "curl -u ", "mysql -p", "- ", "\t"),
    *("password is ", "passwords:\n", "  - a\n", "password: |\n", "{", "[", '{"password":', "a=b "),
]


@pytest.mark.parametrize("piece", PIECES)
def test_no_text_takes_long(piece: str) -> None:
    before = time.process_time()
    redact_text("password=1\n" + piece * (20_000 // len(piece)))
    redact_text(f"x,password\ncurl {piece * (20_000 // len(piece))}")
    assert time.process_time() - before < 2
