"""Runs the steps of action.yml as a GitHub runner does: environment files, `env:`, no INPUT_*."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from forking import Done, run_script
from places import ROOT

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
SHELLS = {"bash": ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"]}
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")
LARGEST_SUMMARY = 1024 * 1024
# A script that does no more than start a Python program of the action.
STARTS_PYTHON = re.compile(
    r'(?:python=.* \|\| exit 0\n)?"\$\w+" (?:-X utf8 )?"\$GITHUB_ACTION_PATH/(action\S*)"\n'
)


@dataclass(frozen=True)
class Said:
    """One workflow command that the runner understood."""

    command: str
    properties: dict[str, str]
    message: str


@dataclass
class Ran:
    """What a run of the action left behind."""

    code: int = 0
    log: str = ""
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)

    def of_kind(self, kind: str) -> list[Said]:
        return [said for said in self.said if said.command == kind]


@dataclass(frozen=True)
class Runner:
    """A job: its checkout, its temporary folder, its environment.

    `stand_ins` are outputs of steps that are not run: remote actions, and steps tested elsewhere.
    With `uses_bash` each script is run by bash; else the Python program that it starts is forked.
    """

    workspace: Path
    temp: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    stand_ins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    uses_bash: bool = True

    def run(self, **inputs: str) -> Ran:
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert set(given) <= set(ACTION["inputs"]), "no such input"
        ran = Ran()
        contexts: dict[str, Any] = {"github": {"token": "ghs_token-of-the-job"}, "steps": {}}
        contexts["inputs"] = {
            name: given.get(name, expand(declared["default"], contexts))
            for name, declared in ACTION["inputs"].items()
        }
        for step in ACTION["runs"]["steps"]:
            if ran.code == 0 and evaluate(step.get("if", "'yes'"), contexts):
                contexts["steps"][step["id"]] = {"outputs": self._run_step(step, contexts, ran)}
        for name, declared in ACTION["outputs"].items():
            ran.outputs[name] = expand(declared["value"], contexts)
        ran.said = understood(ran.log)
        return ran

    def _run_step(self, step: Any, contexts: Any, ran: Ran) -> Mapping[str, str]:
        if step["id"] in self.stand_ins:
            return self.stand_ins[step["id"]]
        files = self._environment_files()
        env = {name: expand(value, contexts) for name, value in step.get("env", {}).items()}
        given = self._environment() | {name: str(path) for name, path in files.items()} | env
        starts_python = None if self.uses_bash else STARTS_PYTHON.fullmatch(step["run"])
        if starts_python:
            program, kept = ROOT / starts_python[1], subprocess.STDOUT
            done = run_script(program, folder=self.workspace, environ=given, stderr=kept)
        else:
            done = self._run_by_bash(step, given)
        ran.code, ran.log = done.returncode, ran.log + done.stdout
        ran.summary += files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
        assert files["GITHUB_STEP_SUMMARY"].stat().st_size <= LARGEST_SUMMARY
        assert files["GITHUB_ENV"].read_text() == files["GITHUB_PATH"].read_text() == ""
        return read_outputs(files["GITHUB_OUTPUT"].read_text(encoding="utf-8"))

    def _run_by_bash(self, step: Any, environ: Mapping[str, str]) -> Done:
        script = self.temp / "script.sh"
        script.write_text(step["run"], encoding="utf-8")
        return subprocess.run(
            [*SHELLS[step["shell"]], str(script)],
            cwd=self.workspace,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=300,
            check=False,
        )

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in INHERITED or name.startswith("PIP_")
        }
        of_runner = {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_EVENT_NAME": "schedule",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
        }
        return kept | of_runner | dict(self.environ)

    def _environment_files(self) -> dict[str, Path]:
        names = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_PATH")
        files = {name: self.temp / name for name in names}
        for file in files.values():
            file.write_text("", encoding="utf-8")
        return files


def expand(text: str, contexts: Any) -> str:
    """Put in every `${{ … }}`."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: evaluate(found[1], contexts), text)


def evaluate(expression: str, contexts: Any) -> str:
    """Evaluate the part of GitHub's expression language that action.yml uses; false is empty."""
    parts = (part.strip() for part in expression.split("||"))
    return next((value for part in parts if (value := _all(part, contexts))), "")


def _all(expression: str, contexts: Any) -> str:
    value = ""
    for part in expression.split("&&"):
        if not (value := _compared(part.strip(), contexts)):
            return ""
    return value


def _compared(expression: str, contexts: Any) -> str:
    for sign, equal in (("==", True), ("!=", False)):
        left, found, right = expression.partition(sign)
        if found:
            same = _value(left.strip(), contexts) == _value(right.strip(), contexts)
            return "true" if same is equal else ""
    return _value(expression, contexts)


def _value(name: str, contexts: Any) -> str:
    if name.startswith("'"):
        return name.strip("'")
    context, *path = name.split(".")
    value = contexts[context]  # an unknown context is a mistake in action.yml
    for key in path:
        value = value.get(key, {})
    return value or ""


def read_outputs(text: str) -> dict[str, str]:
    """Read a GITHUB_OUTPUT file as the runner does; a malformed one fails the test."""
    outputs, lines = {}, iter(text.splitlines())
    for line in lines:
        name, heredoc, delimiter = line.partition("<<")
        assert heredoc, f"not in heredoc form: {line!r}"
        value = []
        while (part := next(lines)) != delimiter:
            value.append(part)
        outputs[name] = "\n".join(value)
    return outputs


def understood(log: str) -> list[Said]:
    """The workflow commands in a log, but for those inside `::stop-commands::`."""
    said, resume = [], ""
    for line in log.splitlines():
        found = re.match(r"\s*::([\w-]+)(?: ([^:]*))?::(.*)$", line)
        if resume:
            resume = "" if line.strip() == f"::{resume}::" else resume
        elif found and found[1] == "stop-commands":
            resume = found[3]
        elif found:
            pairs = (pair.partition("=") for pair in (found[2] or "").split(",") if pair)
            properties = {name: _unescape(value) for name, _, value in pairs}
            said.append(Said(found[1], properties, _unescape(found[3])))
    assert not resume, "commands are still stopped"
    return said


def _unescape(text: str) -> str:
    for code, sign in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, sign)
    return text
