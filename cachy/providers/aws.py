"""What the APIs of AWS share: signatures, parameters in headers, and errors that pass.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from cachy.interaction import Headers, Json, header
from cachy.providers.provider import Operation, WireFormat

# Where all services are asked; with `_SERVICE` behind it, that one. Often a server of this machine.
ENDPOINT = "AWS_ENDPOINT_URL"

# Request headers that say what is wanted; no other one that AWS has takes part in matching.
TARGET = "x-amz-target"  # the operation, where all have one path
_PARAMETERS = (
    *(TARGET, "range", "x-amz-invocation-type"),
    *("x-amz-copy-source", "x-amz-copy-source-range", "x-amz-rename-source"),
    *("x-amz-acl", "x-amz-storage-class", "x-amz-tagging", "x-amz-object-attributes"),
    *("x-amz-metadata-directive", "x-amz-tagging-directive", "x-amz-server-side-encryption"),
    *("x-amz-website-redirect-location", "x-amz-bypass-governance-retention"),
    *("x-amzn-bedrock-guardrailidentifier", "x-amzn-bedrock-guardrailversion"),
    *("x-amzn-bedrock-trace", "x-amzn-bedrock-performanceconfig-latency"),
)
AWS_WIRE = WireFormat(
    "bedrock",
    operations=(
        Operation("/converse-stream", stream_ends=("metadata",)),
        Operation("/invoke-with-response-stream"),
    ),
    match_headers=_PARAMETERS,
)

# Response headers that boto3 and its users read.
KEPT_HEADERS = (
    *("x-amz-request-id", "x-amz-bucket-region", "x-amz-version-id", "x-amz-delete-marker"),
    *("x-amz-copy-source-version-id", "x-amz-storage-class", "x-amz-server-side-encryption"),
    *("x-amz-server-side-encryption-aws-kms-key-id", "x-amz-mp-parts-count"),
    *("x-amz-server-side-encryption-bucket-key-enabled", "x-amz-tagging-count"),
    *("x-amz-missing-meta", "x-amz-expiration", "x-amz-restore", "x-amz-replication-status"),
    *("x-amz-archive-status", "x-amz-object-size", "x-amz-abort-date", "x-amz-request-charged"),
    *("x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"),
    *("x-amz-object-lock-legal-hold", "x-amz-function-error", "x-amz-executed-version"),
    *("x-amzn-errortype", "x-amzn-query-error", "x-amzn-bedrock-content-type"),
    *("x-amzn-bedrock-input-token-count", "x-amzn-bedrock-output-token-count"),
    *("x-amzn-bedrock-invocation-latency", "x-amzn-bedrock-performanceconfig-latency"),
)
METADATA = "x-amz-meta-"  # what the caller keeps beside an object in S3
# A client compares these with the body, which may be written otherwise.
CHECKSUM, _CRC = "x-amz-checksum-", "x-amz-crc32"

# Errors that a client tries again, or that a fresh credential cures, whatever their status:
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
# https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
_PASSING = (  # compiled at need, as the next one is
    r"(?:\w*Throttl\w*|\w*TooManyRequests\w*|ProvisionedThroughputExceeded\w*|SlowDown"
    r"|RequestLimitExceeded|BandwidthLimitExceeded|PriorRequestNotComplete"
    r"|TransactionInProgress\w*|RequestTimeout\w*|InternalError|ExpiredToken\w*|RequestExpired"
    r"|UnrecognizedClient\w*|InvalidSignature\w*|IncompleteSignature\w*|SignatureDoesNotMatch"
    r"|MissingAuthenticationToken\w*|InvalidClientTokenId|InvalidAccessKeyId|InvalidToken"
    r"|AuthFailure|AccessDenied\w*|RequestTimeTooSkewed|NotAuthorized)"
)
_CODE = rb"<Code>([\w.]{1,100})</Code>"


def is_checksum(name: str) -> bool:
    """Return whether a response header is a checksum of the body."""
    return name.lower().startswith((CHECKSUM, _CRC))


def passing_error(headers: Headers, body: bytes) -> str:
    """Return the code of an error that says nothing lasting; "" for any other response."""
    if not any(name.lower().startswith("x-amz") for name, _ in headers):
        return ""
    code = _error_code(headers, body)
    return code if re.fullmatch(_PASSING, code) else ""


def _error_code(headers: Headers, body: bytes) -> str:
    """Return an error's code: of a header, of JSON or of XML."""
    named = header(headers, "x-amzn-errortype") or ""
    if not named and (found := re.search(_CODE, body)):
        named = found[1].decode("ascii")
    if not named and body[:1] == b"{":
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            value = {}
        named = str(value.get("__type") or value.get("code") or "")
    return named.partition(":")[0].rpartition("#")[2]


_S3_HOST = r"(?:(?P<bucket>.+)\.)?s3(?:[.-][a-z0-9.-]+)?\.amazonaws\.com(?:\.cn)?"
S3_SIGN = "x-amz-request-id"
"""A response header of S3, also where another host plays it; most other services have another."""
# Parameters of a query that name an operation, with the method and whether an object is meant.
_S3_NAMED = {
    ("POST", True, "uploads"): "CreateMultipartUpload",
    ("PUT", True, "partNumber"): "UploadPart",
    ("POST", True, "uploadId"): "CompleteMultipartUpload",
    ("DELETE", True, "uploadId"): "AbortMultipartUpload",
    ("GET", True, "uploadId"): "ListParts",
    ("POST", True, "select"): "SelectObjectContent",
    ("POST", True, "restore"): "RestoreObject",
    ("POST", False, "delete"): "DeleteObjects",
    ("GET", False, "list-type"): "ListObjectsV2",
    ("GET", False, "uploads"): "ListMultipartUploads",
    ("GET", False, "versions"): "ListObjectVersions",
}
_S3_PARTS = "acl attributes cors encryption legal-hold location logging policy retention tagging"
_S3_VERBS = {"GET": "Get", "PUT": "Put", "DELETE": "Delete", "HEAD": "Head"}


def is_s3(host: str) -> bool:
    """Return whether a host is one of S3."""
    return re.fullmatch(_S3_HOST, host) is not None


def s3_operation(method: str, url: str, headers: Mapping[str, Json]) -> str:
    """Return the operation of S3 that a request asks for; "" where it is not a usual one."""
    parts = urlsplit(url)
    found = re.fullmatch(_S3_HOST, parts.hostname or "")
    bucket, _, key = parts.path.lstrip("/").partition("/")
    is_object = bool(parts.path.strip("/") if found and found["bucket"] else key)
    if method == "GET" and not bucket and not (found and found["bucket"]):
        return "ListBuckets"
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    for name in names:
        if named := _S3_NAMED.get((method, is_object, name)):
            return named
    verb, noun = _S3_VERBS.get(method, ""), "Object" if is_object else "Bucket"
    part = next((name for name in names if name in _S3_PARTS.split()), "")
    if not verb or part:
        return f"{verb}{noun}{part.title().replace('-', '')}" if verb else ""
    if method == "PUT" and is_object and "x-amz-copy-source" in headers:
        return "CopyObject"
    usual = {"GetBucket": "ListObjects", "PutBucket": "CreateBucket"}
    return usual.get(f"{verb}{noun}", f"{verb}{noun}")
