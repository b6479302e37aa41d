"""Install the action's own cachy where it can't disturb the project.

It goes into a virtual environment of its own that no later step has on its PATH, so
`cachy drift --check "pytest -q"` still runs the project's pytest. One line in that environment
lets cachy read what the job's Python has installed, as it learns from the SDKs' response models;
cachy's own dependencies come first.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from workflow import render_error, save_output


def main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 -- the job's Python may be any
        found = ".".join(map(str, sys.version_info[:2]))
        return _fail(f"cachy needs Python 3.11 or later, found {found}. Set python-version.")
    folder = Path(os.environ["RUNNER_TEMP"], "cachy-environment")
    paths = sysconfig.get_paths("venv", {"base": str(folder), "platbase": str(folder)})
    try:
        venv.create(folder, clear=True, with_pip=True)
        _pip_install(_program("python", paths["scripts"]))
    except subprocess.CalledProcessError as error:
        return _fail(f"cachy could not be installed (exit code {error.returncode}): see above.")
    jobs_packages = sysconfig.get_path("purelib")
    Path(paths["purelib"], "job.pth").write_text(f"{jobs_packages}\n", encoding="utf-8")
    for name in ("python", "cachy"):
        save_output(name, _program(name, paths["scripts"]))
    return 0


def _pip_install(python: str) -> None:
    source = Path(__file__).resolve().parent.parent
    options = ["--quiet", "--no-input", "--no-user", "--disable-pip-version-check"]
    subprocess.run([python, "-m", "pip", "install", *options, str(source)], check=True)


def _program(name: str, scripts: str) -> str:
    return shutil.which(name, path=scripts) or str(Path(scripts, name))


def _fail(message: str) -> int:
    print(render_error(message), flush=True)
    return 2


if __name__ == "__main__":
    sys.exit(main())
