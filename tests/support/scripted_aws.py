"""A small AWS on loopback: S3, DynamoDB, STS and Bedrock, as far as their documentation says it.

`serving(otherwise=Aws().respond)` serves it. It refuses what is not signed, keeps what it is sent,
and answers each call once more or less as the real one does: retries, pages, parts and ranges.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
import zlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from aws_messages import CONVERSE, SELECTED, chunk, event, stream
from scripted_server import ScriptedResponse, SeenRequest

SESSION_KEY = "ASIAQX7ZKLMNPRSTUVWX"
SESSION_SECRET = "t9Xw2LqVb7Rk4Yc1Zm8Np3Sd6Fg5Hj0Ka9Qe2Wr7"
SESSION_TOKEN = "IQoJb3JpZ2luX2VjEJr" + "Zx91kQm3Lw7Vt0Rb5Nc2" * 9
_XML = (("Content-Type", "application/xml"),)
_JSON = "application/x-amz-json-1.0"
_CREDENTIALS = (
    f"<Credentials><AccessKeyId>{SESSION_KEY}</AccessKeyId>"
    f"<SecretAccessKey>{SESSION_SECRET}</SecretAccessKey>"
    f"<SessionToken>{SESSION_TOKEN}</SessionToken>"
    "<Expiration>2026-11-24T10:15:00Z</Expiration></Credentials>"
)
_ACCOUNT = (
    "<Arn>arn:aws:iam::123456789012:user/ada</Arn><UserId>AIDAEXAMPLE</UserId>"
    "<Account>123456789012</Account>"
)
ANSWER = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Sunny."}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 9, "outputTokens": 3, "totalTokens": 12},
    "metrics": {"latencyMs": 321},
}
SAID = {"type": "message", "content": [{"type": "text", "text": "Sunny."}]}
SAID_IN_PIECES = (
    {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Sun"}},
    {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "ny."}},
    {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"outputTokenCount": 2}},
)


@dataclass
class Aws:
    """What is kept, and how many calls are refused as too many before one is answered."""

    objects: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    items: dict[str, Any] = field(default_factory=dict)
    too_many: int = 0

    def respond(self, asked: SeenRequest) -> ScriptedResponse:
        """Answer one request."""
        target = urlsplit(asked.path)
        query = {name: values[0] for name, values in parse_qs(target.query, True).items()}
        is_signed = "authorization" in asked.headers or "Signature" in str(query)
        if not is_signed or "cachy-placeholder" in asked.headers.get("authorization", ""):
            return _error(403, "InvalidAccessKeyId")
        if "x-amz-target" in asked.headers:
            return self._dynamodb(asked.headers["x-amz-target"].rpartition(".")[2], asked.json)
        if target.path.startswith("/model/"):
            return self._bedrock(unquote(target.path).rpartition("/")[2])
        if target.path == "/":
            return _sts(parse_qs(asked.body.decode())["Action"][0])
        return self._s3(asked, unquote(target.path), query)

    def _dynamodb(self, operation: str, body: Any) -> ScriptedResponse:
        if self.too_many:
            self.too_many -= 1
            kind = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
            return _dynamo({"__type": kind, "message": "Slow down"}, 400)
        if operation == "PutItem":
            self.items[body["Item"]["id"]["S"]] = body["Item"]
            return _dynamo({})
        if operation == "GetItem":
            found = self.items.get(body["Key"]["id"]["S"])
            return _dynamo({"Item": found} if found else {})
        if operation == "Query":
            found = [*self.items.values()]
            return _dynamo({"Items": found, "Count": len(found), "ScannedCount": len(found)})
        return _dynamo(
            {"TableNames": ["users"]} if operation == "ListTables" else {"Endpoints": []}
        )

    def _bedrock(self, verb: str) -> ScriptedResponse:
        if verb == "converse-stream":
            return stream(*CONVERSE, pause=0.01)
        if verb == "invoke-with-response-stream":
            return stream(*map(chunk, SAID_IN_PIECES))
        body = ANSWER if verb == "converse" else SAID
        kind = ("Content-Type", "application/json")
        counted = ("X-Amzn-Bedrock-Output-Token-Count", "3")
        return ScriptedResponse(
            json.dumps(body, separators=(",", ":")).encode(), 200, (kind, counted)
        )

    def _s3(self, asked: SeenRequest, path: str, query: dict[str, str]) -> ScriptedResponse:
        match asked.method:
            case "PUT" if "uploadId" in query:
                body = plain_upload(asked)
                self.parts[query["uploadId"]][int(query["partNumber"])] = body
                return _etag(b"", body)
            case "PUT":
                self.objects[path] = plain_upload(asked)
                self.metadata[path] = {
                    name: value
                    for name, value in asked.headers.items()
                    if name.startswith("x-amz-meta-")
                }
                return _etag(b"", self.objects[path])
            case "POST" if "uploads" in query:
                upload = "Vx91kQm3Lw7Vt0Rb5Nc2" + uuid.uuid4().hex
                self.parts[upload] = {}
                return _xml("InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>")
            case "POST" if "select" in query:
                return stream(*SELECTED)
            case "POST":
                parts = self.parts.pop(query["uploadId"])
                self.objects[path] = b"".join(parts[number] for number in sorted(parts))
                return _xml("CompleteMultipartUploadResult", '<ETag>"whole"</ETag>')
        if "list-type" in query:
            return self._page(path, query)
        if path not in self.objects:
            return _error(404, "NoSuchKey")
        return self._object(asked, path)

    def _object(self, asked: SeenRequest, path: str) -> ScriptedResponse:
        body = self.objects[path]
        ranged = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.headers.get("range", ""))
        more = [*self.metadata.get(path, {}).items(), ("x-amz-request-id", "4442587FB7D0A2F9")]
        if not ranged:
            return _etag(body, body, 200, *more)
        first, last = int(ranged[1]), min(int(ranged[2] or len(body)), len(body) - 1)
        kind = ("Content-Range", f"bytes {first}-{last}/{len(body)}")
        return _etag(body[first : last + 1], body, 206, kind, *more)

    def _page(self, path: str, query: dict[str, str]) -> ScriptedResponse:
        names = sorted(name.removeprefix(f"{path}/") for name in self.objects)
        start = int(query.get("continuation-token", "0"))
        page = names[start : start + int(query["max-keys"])]
        after = start + len(page)
        shown = "".join(f"<Contents><Key>{name}</Key><Size>1</Size></Contents>" for name in page)
        is_cut = after < len(names)
        token = f"<NextContinuationToken>{after}</NextContinuationToken>" if is_cut else ""
        cut = f"<IsTruncated>{str(is_cut).lower()}</IsTruncated>"
        return _xml("ListBucketResult", f"{cut}{shown}{token}")


def plain_upload(asked: SeenRequest) -> bytes:
    """Return what is uploaded without the chunks, which carry signatures and a checksum."""
    if "aws-chunked" not in asked.headers.get("content-encoding", ""):
        return asked.body
    rest = asked.body
    pieces: list[bytes] = []
    while True:
        head, _, rest = rest.partition(b"\r\n")
        if not (size := int(head.partition(b";")[0], 16)):
            return b"".join(pieces)
        pieces.append(rest[:size])
        rest = rest[size + 2 :]


def _etag(body: bytes, whole: bytes, status: int = 200, *more: tuple[str, str]) -> ScriptedResponse:
    tag = ("ETag", f'"{hashlib.md5(whole, usedforsecurity=False).hexdigest()}"')
    checksum = ("x-amz-checksum-crc32", "AAAAAA==") if not body else ("x-amz-id-2", "Zm9v" * 9)
    kind = ("Content-Type", "application/octet-stream")
    return ScriptedResponse(body, status, (kind, tag, checksum, *more))


def _xml(root: str, inner: str) -> ScriptedResponse:
    space = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} {space}>{inner}</{root}>'
    return ScriptedResponse(text.encode(), 200, _XML)


def _error(status: int, code: str) -> ScriptedResponse:
    text = f"<Error><Code>{code}</Code><Message>No.</Message></Error>"
    return ScriptedResponse(
        text.encode(), status, (*_XML, ("x-amz-request-id", "4442587FB7D0A2F9"))
    )


def _dynamo(value: Any, status: int = 200) -> ScriptedResponse:
    raw = json.dumps(value, separators=(",", ":")).encode()
    checked = ("x-amz-crc32", str(zlib.crc32(raw)))
    identified = ("x-amzn-RequestId", uuid.uuid4().hex.upper())
    return ScriptedResponse(raw, status, (("Content-Type", _JSON), checked, identified))


def _sts(action: str) -> ScriptedResponse:
    user = "<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn>"
    user += "<AssumedRoleId>AROAEXAMPLE:s</AssumedRoleId></AssumedRoleUser>"
    inner = _ACCOUNT if action == "GetCallerIdentity" else _CREDENTIALS + user
    space = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'
    text = (
        f"<{action}Response {space}><{action}Result>{inner}</{action}Result>"
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
        f"</{action}Response>"
    )
    return ScriptedResponse(text.encode(), 200, (("Content-Type", "text/xml"),))


BROKEN_STREAM = (
    *CONVERSE[:2],
    event("throttlingException", {"message": "Too many tokens"}, "exception"),
)
