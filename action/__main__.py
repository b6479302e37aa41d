"""One step of a workflow: run cachy, and put its report where a runner shows it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from escape import code, plain
from inputs import INCONCLUSIVE, PREFIX, WRONG_USAGE, Inputs, StepFailed, read_inputs, refuse_forks
from job_summary import annotations_of, outputs_of, render_summary
from masked_values import find_credentials
from report import Drifted, UnreadableReport, Verified, parse_report
from workflow import (
    Annotation,
    commands_paused,
    render_annotations,
    render_error,
    render_masks,
    save_output,
    save_summary,
)


@dataclass(frozen=True)
class Ended:
    """How cachy ended."""

    code: int
    report: Path
    last_line: str


def main() -> int:
    _print_all(render_masks(find_credentials(os.environ)))
    try:
        inputs = read_inputs(os.environ)
        refuse_forks(inputs.command, os.environ)
        ended = run_cachy(inputs)
        publish(load_report(inputs, ended), inputs, ended)
    except StepFailed as failure:
        _print_all([render_error(plain(str(failure), 1000))])
        save_output("outcome", "inconclusive" if failure.code == INCONCLUSIVE else "error")
        return failure.code
    return ended.code


def run_cachy(inputs: Inputs) -> Ended:
    """Run the CLI; its report goes to a file, what it prints on stderr to the log."""
    report = Path(tempfile.mkdtemp(prefix="cachy-", dir=os.environ.get("RUNNER_TEMP")))
    report /= "report.json"
    with report.open("wb") as stdout, commands_paused():
        try:
            cachy = subprocess.Popen(
                command_line(inputs),
                cwd=inputs.folder,
                env=child_environment(inputs),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            raise StepFailed(f"Cannot start cachy: {error}. See the step before.") from None
        last_line = _pass_through(cachy)
    return Ended(cachy.wait(), report, last_line.removeprefix("cachy: "))


def command_line(inputs: Inputs) -> list[str]:
    """Return what to run; our own options come first, as the user's may end in `-- COMMAND`."""
    options = ["--format", "json"]
    if inputs.open_pr:
        options.append("--open-pr")
    if inputs.fail_on:
        options.append(f"--fail-on={inputs.fail_on}")
    return [*inputs.program, inputs.command, *options, *inputs.args]


def child_environment(inputs: Inputs) -> dict[str, str]:
    """Return the job's environment without our inputs, and with the token only where needed."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return inherited | ({"GITHUB_TOKEN": inputs.token} if inputs.token else {})


def load_report(inputs: Inputs, ended: Ended) -> Verified | Drifted:
    """Return the report.

    Raises:
        StepFailed: there is none; the message is what cachy printed.
    """
    text = ended.report.read_bytes()
    try:
        return parse_report(text, inputs.command)
    except UnreadableReport as error:
        if ended.code in (WRONG_USAGE, INCONCLUSIVE) and not text.strip() and ended.last_line:
            raise StepFailed(ended.last_line, ended.code) from None
        raise StepFailed(
            f"cachy {inputs.command} ended with exit code {ended.code} and no report that this "
            f"action can read ({error}). Leave --format out of args."
        ) from None


def publish(report: Verified | Drifted, inputs: Inputs, ended: Ended) -> None:
    """Write outputs and summary, print annotations."""
    outputs = outputs_of(report) | {"report": str(ended.report)}
    annotations = [_in_checkout(note, inputs.folder) for note in annotations_of(report)]
    if ended.code == WRONG_USAGE:  # say, a report but no right to open the pull request
        outputs["outcome"] = "error"
        annotations.insert(0, Annotation("error", "cachy", plain(ended.last_line, 1000)))
    for name, value in outputs.items():
        save_output(name, value)
    save_summary(render_summary(report), f"the report, {code(str(ended.report))}")
    _print_all(render_annotations(annotations))


def _pass_through(cachy: subprocess.Popen[str]) -> str:
    # Into our own stdout: of two streams a runner may see a command before what pauses it.
    last = ""
    for line in cachy.stderr or ():
        print(line, end="" if line.endswith("\n") else "\n", flush=True)
        last = line.strip() or last
    return last


def _in_checkout(annotation: Annotation, folder: Path) -> Annotation:
    """Return an annotation with its file named from the checkout's root, as GitHub requires."""
    if not annotation.file:
        return annotation
    there = os.path.relpath(folder / plain(annotation.file, 1000))
    return replace(annotation, file=there.replace(os.sep, "/"))


def _print_all(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
