"""Amazon Bedrock, whose requests are signed.

https://docs.aws.amazon.com/bedrock/latest/APIReference
"""

from __future__ import annotations

from cachy.providers.aws import AWS_WIRE
from cachy.providers.provider import Provider, parse_surfaces

_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_REGIONS = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "us-gov-east-1", "us-gov-west-1"),
    *("ca-central-1", "ca-west-1", "mx-central-1", "sa-east-1"),
    *("eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2"),
    *("eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1"),
    *("af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2"),
    *("ap-northeast-3", "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2"),
    *("ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-7"),
)
# What is covered unless `doms` says otherwise: not the whole of AWS.
BEDROCK_HOSTS = tuple(f"bedrock-runtime.{region}.amazonaws.com" for region in _REGIONS)

BEDROCK = Provider(
    name="bedrock",
    hosts=("amazonaws.com", "amazonaws.com.cn", "api.aws"),
    wire=AWS_WIRE,
    auth="",
    placeholders=_KEYS,
    credential_sources=(
        *_KEYS,
        *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_BEARER_TOKEN_BEDROCK"),
        *("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"),
        *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    ),
    base_url_variables=("AWS_ENDPOINT_URL_BEDROCK_RUNTIME",),
    surfaces=parse_surfaces(
        *(
            f"POST /model/{{model}}/{verb} generates"
            for verb in ("invoke", "invoke-with-response-stream", "converse", "converse-stream")
        )
    ),
)
