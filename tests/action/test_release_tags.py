"""What a release does with the tags that workflows use."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml
from places import ROOT

GH = """#!/bin/sh
echo "$*" >> "$GH_CALLS"
case "$*" in *PATCH*v1.4*) exit 1 ;; esac
"""


def move_tags(folder: Path, tag: str) -> list[str]:
    """Run the step as a runner does, with a `gh` that knows v1 but not v1.4; return its calls."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))
    (step,) = workflow["jobs"]["tags"]["steps"]
    program, calls = folder / "gh", folder / "calls"
    program.write_text(GH, encoding="utf-8")
    program.chmod(0o755)
    calls.touch()
    subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
        env={
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "GH_CALLS": str(calls),
            "GITHUB_REF_NAME": tag,
            "GITHUB_REPOSITORY": "octo/app",
            "GITHUB_SHA": "abc",
        },
        check=True,
        timeout=60,
    )
    return calls.read_text(encoding="utf-8").splitlines()


def test_a_release_moves_its_major_tag_and_makes_its_minor_tag(tmp_path: Path) -> None:
    moved = "api --silent -X PATCH repos/octo/app/git/refs/tags"
    assert move_tags(tmp_path, "v1.4.2") == [
        f"{moved}/v1 -f sha=abc -F force=true",
        f"{moved}/v1.4 -f sha=abc -F force=true",
        "api --silent -X POST repos/octo/app/git/refs -f ref=refs/tags/v1.4 -f sha=abc",
    ]


@pytest.mark.parametrize("tag", ["v1.4.2rc1", "v2.0.0b3"])
def test_a_prerelease_moves_no_tag(tmp_path: Path, tag: str) -> None:
    assert move_tags(tmp_path, tag) == []
