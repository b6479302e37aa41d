"""What the URL of a remote says: which repository it is, and whose server."""

from __future__ import annotations

import pytest

from cachy.errors import CachyError
from cachy.pull_request.remote import parse_repository_name, refuse_foreign_server


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/octo/app.git", "octo/app"),
        ("https://github.com/octo/app", "octo/app"),
        ("git@github.com:octo/my.app.git", "octo/my.app"),
        ("ssh://git@github.com:22/octo/app/", "octo/app"),
    ],
)
def test_the_repository_s_name_is_read_off_the_remote(url: str, name: str) -> None:
    assert parse_repository_name(url) == name


@pytest.mark.parametrize(
    ("url", "is_refused"),
    [
        ("https://github.com/octo/app", False),
        ("git@github.com:octo/app", False),
        ("ssh://git@ssh.github.com:443/octo/app", False),
        ("../octo/app.git", False),
        ("C:/octo/app.git", False),
        ("git@gitlab.com:octo/app", True),
        ("ssh://git@gitlab.com/octo/app", True),
        ("git@github.com.evil.example:octo/app", True),
        ("gitlab.com:octo/app", True),
        ("http://127.0.0.1@evil.example/octo/app", True),
        ("https://github.com@evil.example/octo/app", True),
        ("http://127.0.0.1:8000/octo/app", False),
        ("http://github.com/octo/app", True),
        ("https://gitlab.com/octo/app", True),
        ("https://github.com.evil.example/octo/app", True),
    ],
)
def test_the_token_goes_to_its_own_server_only(url: str, is_refused: bool) -> None:
    if is_refused:
        with pytest.raises(CachyError, match=r"it was not sent.*docs/other-ci\.md"):
            refuse_foreign_server(url, "https://github.com")
    else:
        refuse_foreign_server(url, "https://github.com")
