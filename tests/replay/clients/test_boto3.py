"""boto3: recorded with a key, replayed with no key, no network and no word of a signature."""

from __future__ import annotations

import io
import json
import os
import random
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
import requests
from aws_messages import CONVERSE, stream
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import (
    ClientError,
    EventStreamError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.loaders import Loader
from conftest import Scope, fixtures_in, refused
from scripted_aws import (
    ANSWER,
    BROKEN_STREAM,
    SAID,
    SAID_IN_PIECES,
    SESSION_KEY,
    SESSION_SECRET,
    SESSION_TOKEN,
    Aws,
)
from scripted_server import ScriptedServer, SeenRequest, serving
from urllib3.exceptions import ProtocolError

import cachy

MODELS = Loader()
MODEL = "anthropic.claude-sonnet-4-5-20250929-v1:0"
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAQX7ZKLMNPRSTUVWA",
    "AWS_SECRET_ACCESS_KEY": "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",
    "AWS_SESSION_TOKEN": "FwoGZXIvYXdzEJr" + "Qx81kQm3Lw7Vt0Rb5Nc9" * 9,
}
SECRETS = (*KEYS.values(), SESSION_KEY, SESSION_SECRET, SESSION_TOKEN)
SIGNATURES = ("aws4-hmac", "amz-date", "amz-signature", "chunk-signature", "checksum-crc32=")
HI: Any = [{"role": "user", "content": [{"text": "Is it sunny?"}]}]
LARGE = random.Random(1).randbytes(5 * 2**20 + 2**18)  # more than the least size of a part
Program = Callable[[Callable[..., Any]], Any]


def new_session(**keys: str) -> boto3.Session:
    """Return a session that knows no credentials yet; reading its models once is enough."""
    core = botocore.session.Session()
    core.register_component("data_loader", MODELS)
    return boto3.Session(botocore_session=core, region_name="us-east-1", **keys)


class World:
    """AWS on loopback, a program that is run twice, and what it left on disk."""

    def __init__(self, recording: Scope, replaying: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
        self.aws = Aws()
        self.recording, self.replaying, self.monkeypatch = recording, replaying, monkeypatch
        self.url, self.requests = "", list[SeenRequest]()

    def client(self, service: str, **config: Any) -> Any:
        given = Config(s3={"addressing_style": "path"}, **config)
        return new_session().client(service, endpoint_url=self.url, config=given)

    def record(self, program: Program, answer: Callable[..., Any] | None = None) -> Any:
        for name, value in KEYS.items():
            self.monkeypatch.setenv(name, value)
        with serving(otherwise=answer or self.aws.respond) as server, self.recording():
            self.url, self.requests = server.url, server.requests
            return program(self.client)

    def replay(self, program: Program) -> Any:
        for name in KEYS:
            self.monkeypatch.delenv(name, raising=False)
        with self.monkeypatch.context() as patched, self.replaying():
            patched.setattr(socket.socket, "connect", _no_connection)
            return program(self.client)

    def both(self, program: Program) -> Any:
        """Return what a program says, which is the same with AWS gone."""
        said = self.record(program)
        assert self.replay(program) == said
        self.search()
        return said

    def search(self) -> None:
        texts = [path.read_bytes().decode("utf-8", "replace") for path in _files()]
        assert texts
        for text in texts:
            assert [secret for secret in SECRETS if secret in text] == []
            assert [sign for sign in SIGNATURES if sign in text.lower()] == []


def _files() -> Iterator[Path]:
    yield from (path for path in Path("cachy_fixtures").rglob("*") if path.is_file())


def _no_connection(self: socket.socket, address: Any) -> None:
    raise AssertionError(f"a connection to {address}")


@pytest.fixture
def world(
    recording: Scope,
    replaying: Scope,
    monkeypatch: pytest.MonkeyPatch,
    project: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> World:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    return World(recording, replaying, monkeypatch)


def names() -> set[str]:
    """The names of the fixtures without their fingerprints."""
    return {path.stem.rpartition("-")[0] for path in fixtures_in(Path.cwd())}


def documents() -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in fixtures_in(Path.cwd())]


def test_s3_objects_are_put_read_and_listed(world: World) -> None:
    def program(client: Callable[..., Any]) -> Any:
        s3 = client("s3")
        puts = [
            s3.put_object(Bucket="b", Key=f"{n}.txt", Body=b"line 1\nline 2\n", Metadata={"n": n})
            for n in ("one", "two", "three")
        ]
        s3.put_object(Bucket="b", Key="zfile", Body=io.BytesIO(b"from a file"))
        got = s3.get_object(Bucket="b", Key="one.txt")
        head = s3.head_object(Bucket="b", Key="two.txt")
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket="b", PaginationConfig={"PageSize": 2}
        )
        with pytest.raises(ClientError) as caught:
            s3.get_object(Bucket="b", Key="none")
        return (
            [(put["ETag"], put["ChecksumCRC32"]) for put in puts],
            [*got["Body"].iter_lines()],
            (got["Metadata"], got["ResponseMetadata"]["RequestId"]),
            (head["Metadata"], head["ContentLength"]),
            [row["Key"] for page in pages for row in page["Contents"]],
            s3.get_object(Bucket="b", Key="zfile")["Body"].read(),
            caught.value.response["Error"]["Code"],
        )

    said = world.both(program)
    assert said[1:4] == (
        [b"line 1", b"line 2"],
        ({"n": "one"}, "4442587FB7D0A2F9"),
        ({"n": "two"}, 14),
    )
    assert said[4:] == (["one.txt", "three.txt", "two.txt", "zfile"], b"from a file", "NoSuchKey")
    uploads = [one["request"] for one in documents() if one["request"]["method"] == "PUT"]
    assert {one["text"] if isinstance(one["text"], str) else "lines" for one in uploads} == {
        "from a file",
        "lines",
    }


@pytest.mark.slow
def test_s3_transfers_in_parts_and_ranges_by_threads(world: World, tmp_path: Path) -> None:
    source, target = tmp_path / "source.bin", tmp_path / "target.bin"
    source.write_bytes(LARGE)
    parts = TransferConfig(
        multipart_threshold=2**20, multipart_chunksize=5 * 2**20, max_concurrency=4
    )

    def program(client: Callable[..., Any]) -> Any:
        s3 = client("s3", retries={"max_attempts": 1})
        s3.upload_file(str(source), "b", "large.bin", Config=parts)
        target.write_bytes(b"")
        s3.download_file("b", "large.bin", str(target), Config=parts)
        return target.read_bytes() == LARGE

    assert world.both(program)
    assert len([one for one in documents() if "range" in one["request"].get("headers", {})]) == 2


def test_a_presigned_url_is_the_same_request_on_each_day(world: World) -> None:
    def program(client: Callable[..., Any]) -> Any:
        urls: list[str] = []
        for version in ("s3", "s3v4"):
            s3 = client("s3", signature_version=version)
            given = {"Bucket": "b", "Key": "signed.txt"}
            urls.append(s3.generate_presigned_url("get_object", given, ExpiresIn=60 + len(urls)))
        return [requests.get(url, timeout=9).text for url in urls]

    world.aws.objects["/b/signed.txt"] = b"signed"
    assert world.both(program) == ["signed", "signed"]
    [document] = documents()
    assert document["request"]["url"].endswith("/b/signed.txt")


def test_dynamodb_operations_are_fixtures_of_their_own(world: World) -> None:
    def program(client: Callable[..., Any]) -> Any:
        table = client("dynamodb")
        world.aws.too_many = 2  # which the client tries again
        table.put_item(TableName="users", Item={"id": {"S": "1"}, "name": {"S": "Ada"}})
        found = table.get_item(TableName="users", Key={"id": {"S": "1"}})["Item"]["name"]["S"]
        asked = table.query(
            TableName="users",
            KeyConditionExpression="id = :i",
            ExpressionAttributeValues={":i": {"S": "1"}},
        )
        endpoints = table.describe_endpoints()  # a body of {}, as that of
        return found, asked["Count"], endpoints["Endpoints"], table.list_tables()["TableNames"]

    assert world.both(program) == ("Ada", 1, [], ["users"])
    assert names() == {
        *("put-item-users", "get-item-users", "query-users", "describe-endpoints", "list-tables"),
    }
    assert len(world.requests) == 7


def test_an_error_of_the_moment_is_recorded_only_where_a_setting_asks_for_it(world: World) -> None:
    def program(client: Callable[..., Any]) -> None:
        client("dynamodb", retries={"total_max_attempts": 1}).list_tables()

    world.aws.too_many = 99
    with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
        world.record(program)
    assert documents() == []
    recording = world.recording
    world.recording = lambda: recording(record_status=(400,))
    with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
        world.record(program)
    with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
        world.replay(program)


def test_sts_gives_temporary_credentials_that_never_reach_the_disk(world: World) -> None:
    def program(client: Callable[..., Any]) -> Any:
        sts = client("sts")
        account = sts.get_caller_identity()["Account"]
        given = sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/r", RoleSessionName="ada")
        keys = given["Credentials"]
        session = new_session(
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )
        if keys["AccessKeyId"].startswith("["):  # replayed
            assert keys["Expiration"].year == 2099
        other = session.client("sts", endpoint_url=world.url)
        return account, other.get_caller_identity()["UserId"]

    assert world.both(program) == ("123456789012", "AIDAEXAMPLE")
    assert names() == {"get-caller-identity", "assume-role"}


def test_bedrock_converses_and_streams(world: World) -> None:
    def program(client: Callable[..., Any]) -> Any:
        bedrock = client("bedrock-runtime")
        body = json.dumps({"messages": [{"role": "user", "content": "Is it sunny?"}]})
        streamed = bedrock.converse_stream(modelId=MODEL, messages=HI)["stream"]
        raw = bedrock.invoke_model_with_response_stream(modelId=MODEL, body=body)["body"]
        return (
            bedrock.converse(modelId=MODEL, messages=HI)["output"],
            [*streamed],
            json.loads(bedrock.invoke_model(modelId=MODEL, body=body)["body"].read()),
            [json.loads(one["chunk"]["bytes"]) for one in raw],
        )

    output, streamed, said, pieces = world.both(program)
    assert (output, said) == (ANSWER["output"], SAID)
    assert streamed[1] == {
        "contentBlockDelta": {"delta": {"text": "Sunny"}, "contentBlockIndex": 0}
    }
    assert tuple(pieces) == SAID_IN_PIECES
    kinds = sorted(
        kind
        for one in documents()
        for kind in one["response"].keys() & {"json", "eventstream", "base64", "blob"}
    )
    assert kinds == ["eventstream", "eventstream", "json", "json"]
    assert names() == {"is-it-sunny"}


def test_s3_select_streams_records(world: World) -> None:
    def program(client: Callable[..., Any]) -> Any:
        found = client("s3").select_object_content(
            Bucket="b",
            Key="people.csv",
            Expression="SELECT * FROM s3object",
            ExpressionType="SQL",
            InputSerialization={"CSV": {}},
            OutputSerialization={"CSV": {}},
        )
        return [*found["Payload"]]

    assert world.both(program)[0] == {"Records": {"Payload": b"1,Ada\n2,Alan\n3,Grace\n"}}


def test_an_exception_in_a_stream_is_raised_again(world: World) -> None:
    def program(client: Callable[..., Any]) -> Any:
        seen: list[Any] = []
        found = client("bedrock-runtime").converse_stream(modelId=MODEL, messages=HI)["stream"]
        with pytest.raises(EventStreamError, match="Too many tokens") as caught:
            seen.extend(one for one in found)
        found.close()
        return seen, caught.value.response["Error"]["Code"]

    said = world.record(program, lambda _: stream(*BROKEN_STREAM))
    assert world.replay(program) == said
    assert (len(said[0]), said[1]) == (2, "throttlingException")


def test_a_stream_is_passed_on_as_it_comes_and_marked_where_it_was_cut(world: World) -> None:
    gate = threading.Event()

    def program(client: Callable[..., Any]) -> Any:
        bedrock = client("bedrock-runtime", retries={"total_max_attempts": 1}, read_timeout=9)
        found = bedrock.converse_stream(modelId=MODEL, messages=HI)["stream"]
        first = next(iter(found))  # while the rest has not been sent
        found.close()
        return first

    said = world.record(program, lambda _: stream(*CONVERSE, gate=gate))
    gate.set()
    assert world.replay(program) == said
    [document] = documents()
    assert (document["response"]["truncated"], len(document["response"]["eventstream"])) == (
        True,
        1,
    )


def test_another_operation_and_another_prompt_are_misses(world: World) -> None:
    world.record(lambda client: client("dynamodb").list_tables())
    with refused():
        world.replay(lambda client: client("dynamodb").describe_endpoints())


def test_a_placeholder_is_never_sent(world: World, origin: ScriptedServer) -> None:
    world.url = origin.url
    with world.recording(), refused("AWS_ACCESS_KEY_ID is not set|AWS_ACCESS_KEY_ID isn't set"):
        world.client("dynamodb").list_tables()
    assert origin.requests == []


DEFAULT = "bedrock-runtime.us-east-1.amazonaws.com"


def test_what_a_gateway_recorded_is_replayed_for_the_real_host_without_settings(
    world: World, project: Path
) -> None:
    """No key, no `endpoint_url`, no `doms`: as in CI with nothing but `enable_cachy()`."""

    def program(client: Callable[..., Any]) -> Any:
        return client("bedrock-runtime").converse(modelId=MODEL, messages=HI)["stopReason"]

    for name, value in KEYS.items():
        world.monkeypatch.setenv(name, value)
    with serving(otherwise=world.aws.respond) as server:
        text = f'[tool.cachy]\nalias = {{"{server.host}" = "{DEFAULT}"}}\n'
        (project / "pyproject.toml").write_text(text)
        world.url = server.url
        with cachy.cachy(doms=[server.host, DEFAULT], mode="record"):
            assert program(world.client) == "end_turn"
    [path] = fixtures_in(project)
    assert DEFAULT in path.as_posix()
    for name in KEYS:
        world.monkeypatch.delenv(name)
    world.monkeypatch.setattr(socket.socket, "connect", _no_connection)
    with cachy.cachy(mode="replay"):
        bedrock = new_session().client("bedrock-runtime")
        assert bedrock.converse(modelId=MODEL, messages=HI)["stopReason"] == "end_turn"


FAULTS: dict[str, tuple[type[Exception], ...]] = {
    "cut after 2 events": (ReadTimeoutError, ResponseStreamingError, ProtocolError),
    "malformed after 2 events": (ChecksumMismatch,),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_stream_counts_its_events(fault: str, world: World) -> None:
    seen: list[Any] = []

    def program(client: Callable[..., Any]) -> None:
        found = client("bedrock-runtime").converse_stream(modelId=MODEL, messages=HI)["stream"]
        seen.extend(one for one in found)

    world.record(program)
    seen.clear()
    for name in KEYS:
        world.monkeypatch.delenv(name)
    with world.replaying(fault=fault), pytest.raises(FAULTS[fault]):
        program(world.client)
    assert [next(iter(one)) for one in seen] == ["messageStart", "contentBlockDelta"]


def test_a_status_fault_is_tried_again(world: World) -> None:
    def program(client: Callable[..., Any]) -> Any:
        return client("dynamodb").list_tables()["TableNames"]

    world.record(program)
    for name in KEYS:
        world.monkeypatch.delenv(name)
    with world.replaying(fault="429 x2"):
        assert program(world.client) == ["users"]


def test_a_request_signed_with_a_placeholder_is_not_sent_to_an_uncovered_host(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(project))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://aws.example:4566")
    with cachy.cachy(mode="replay"), refused("carries the placeholder of AWS_ACCESS_KEY_ID"):
        boto3.client("sts", region_name="us-east-1").get_caller_identity()
