"""The command line, one file a command."""

from __future__ import annotations

import importlib
import os
import sys

import click

from cachy.cli.terminal import say
from cachy.config import suggest
from cachy.errors import CachyError

# Command -> what it does; its module is loaded only when it runs or prints its own help.
COMMANDS = {
    "demo": "Run a self-contained demo (one minute, no key, no network).",
    "init": "Write the files that a project needs to start; never overwrite.",
    "run": "Run a command with cachy enabled; no code changes needed.",
    "serve": "Serve the fixtures over HTTP, for programs in any language.",
    "verify": "Check the committed fixtures offline.",
    "drift": "Re-send the recorded requests and report what the APIs changed.",
    "diff": "Compare the structure of two responses, or of two folders.",
    "ls": "List the fixtures.",
    "doctor": "Show what applies here, and test that requests are really caught.",
    "prune": "List or delete the fixtures that no test uses.",
    "show": "Show a fixture as a readable transcript.",
    "import": "Convert cassettes of vcrpy, pytest-recording or cassetter.",
    "explain": "Explain a rule: what it means, why it matters, what to do.",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"cachy.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS:
            hint = suggest(args[0], COMMANDS)
            ctx.fail(f"Unknown command {args[0]!r}. {hint}".rstrip())
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pycachy", prog_name="cachy")
def program() -> None:
    """Record API calls once, replay them in CI, and learn when the API changes.

    Exit codes: 0 clean; 1 findings, drift or a miss; 2 wrong usage, configuration or input;
    3 something could not be checked.
    """


def main() -> None:
    """Run the program; a user's mistake ends in one line and an exit code."""
    sys.exit(run_program(sys.argv[1:]))


def run_program(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    try:
        code = program.main(arguments or ["--help"], prog_name="cachy", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except CachyError as error:
        say(f"cachy: {error}", err=True)
        return error.exit_code
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "cachy"
        say(f"cachy: {error.format_message()} See: {path} --help", err=True)
        return 2
    except click.exceptions.Abort:
        say("cachy: stopped.", err=True)
        return 130
    except BrokenPipeError:
        # The reader closed the pipe (`cachy ls | head`); flushing at exit would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
