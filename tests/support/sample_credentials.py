"""Invented credentials of many providers, made at run time so that no file of ours holds one."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass

ALNUM = string.ascii_letters + string.digits
WORD = ALNUM + "_-"
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + "234567"
BASE64 = ALNUM + "+/"
DIGITS = string.digits


@dataclass(frozen=True)
class Kind:
    """What a credential looks like: literal texts and (alphabet, length) between them."""

    pieces: tuple[str | tuple[str, int], ...]
    variable: str = ""  # where the shape tells nothing: the variable that holds it

    def make(self, seed: str) -> str:
        """Make a credential, always the same one of a seed; it ends in a letter or a digit."""
        dice = random.Random(seed)
        made = "".join(
            piece if isinstance(piece, str) else "".join(dice.choices(piece[0], k=piece[1]))
            for piece in self.pieces
        )
        return made if made[-1] in ALNUM + "=-\n" else made[:-1] + "7"


def _pem(kind: str) -> Kind:
    lines: list[str | tuple[str, int]] = [f"-----BEGIN {kind}-----\n"]
    for _ in range(3):
        lines += [(BASE64, 64), "\n"]
    return Kind((*lines, (BASE64, 30), f"==\n-----END {kind}-----"))


# https://docs.github.com/en/code-security/reference/secret-security/supported-secret-scanning-patterns
KINDS = {
    "openai project": Kind(("sk-proj-", (WORD, 74), "T3BlbkFJ", (WORD, 74))),
    "openai": Kind(("sk-", (ALNUM, 20), "T3BlbkFJ", (ALNUM, 20))),
    "anthropic": Kind(("sk-ant-api03-", (WORD, 93), "AA")),
    "google": Kind(("AIza", (WORD, 34), "Q")),
    "google oauth": Kind(("ya29.a0", (WORD, 120))),
    "aws access key": Kind(("AKIA", (UPPER, 16))),
    "aws secret key": Kind(((BASE64, 40),), "AWS_SECRET_ACCESS_KEY"),
    "aws session": Kind(("IQoJb3JpZ2lu", (BASE64, 280), "=="), "AWS_SESSION_TOKEN"),
    "azure": Kind(((ALNUM, 52), "JQQJ99", (ALNUM, 26))),
    "azure, older": Kind(((HEX, 32),), "AZURE_OPENAI_API_KEY"),
    "github classic": Kind(("ghp_", (ALNUM, 36))),
    "github fine-grained": Kind(("github_pat_", (ALNUM, 22), "_", (ALNUM, 59))),
    "hugging face": Kind(("hf_", (string.ascii_letters, 34))),
    "slack": Kind(("xoxb-", (DIGITS, 12), "-", (DIGITS, 13), "-", (ALNUM, 24))),
    "stripe": Kind(("sk_live_", (ALNUM, 99))),
    "groq": Kind(("gsk_", (ALNUM, 52))),
    "openrouter": Kind(("sk-or-v1-", (HEX, 64))),
    "mistral": Kind(((ALNUM, 32),), "MISTRAL_API_KEY"),
    "cohere": Kind(((ALNUM, 40),), "CO_API_KEY"),
    "together": Kind(("tgp_v1_", (WORD, 43))),
    "together, older": Kind(((HEX, 64),), "TOGETHER_API_KEY"),
    "replicate": Kind(("r8_", (ALNUM, 37))),
    "xai": Kind(("xai-", (ALNUM, 80))),
    "perplexity": Kind(("pplx-", (ALNUM, 48))),
    "deepseek": Kind(("sk-", (HEX, 15), "7", (HEX, 16))),
    "jwt": Kind(("eyJhbGciOiJIUzI1NiJ9.eyJ", (ALNUM, 41), ".", (WORD, 43))),
    "private key": _pem("PRIVATE KEY"),
    "twilio": Kind(((HEX, 32),), "TWILIO_AUTH_TOKEN"),
    "sendgrid": Kind(("SG.", (WORD, 22), ".", (WORD, 43))),
    "telegram": Kind(((DIGITS, 10), ":AA", (WORD, 33)), "TELEGRAM_BOT_TOKEN"),
}
