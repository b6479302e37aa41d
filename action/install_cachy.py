"""Install cachy where it cannot disturb the project, once for all steps of a job.

It goes into a virtual environment that no later step has on its PATH, so that
`cachy drift --check "pytest -q"` still runs the project's own pytest. Its dependencies come from
a lock with hashes, as wheels only, and pip sees none of the job's keys; cachy itself is the
action's own checkout. One line in the environment lets cachy read the project's packages, as it
learns from the SDKs' response models.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from interpreter import Interpreter, find_interpreter, find_sdks, look_at
from workflow import render_error, save_output

SOURCE = Path(__file__).resolve().parent.parent
LOCK = SOURCE / "action" / "requirements.lock"
DONE = "cachy-is-installed"
# What pip may need to reach its index; keys and tokens of the job are not among it.
KEPT = (
    *("PATH", "HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "SYSTEMROOT", "SYSTEMDRIVE"),
    *("TEMP", "TMP", "TMPDIR", "LANG", "LC_ALL", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_CERT"),
    *("PIP_TRUSTED_HOST", "PIP_PROXY", "PIP_CACHE_DIR", "PIP_CONFIG_FILE"),
    *("PIP_DEFAULT_TIMEOUT", "PIP_RETRIES"),
)


def main() -> int:
    folder = Path(os.environ["CACHY_ACTION_FOLDER"] or ".")
    project = find_interpreter(os.environ, folder)
    own = look_at(sys.executable)
    base = project if project and project.is_new_enough else own
    if not base or not base.is_new_enough:
        found = ".".join(map(str, base.version)) if base else "none"
        return _fail(f"cachy needs Python 3.11 or later, found {found}. Set python-version.")
    environment = Path(os.environ["RUNNER_TEMP"], "cachy-environment")
    try:
        python = install(environment, base, bare(os.environ))
    except (subprocess.CalledProcessError, OSError) as error:
        code = getattr(error, "returncode", error)
        return _fail(f"cachy could not be installed (exit code {code}): see above.")
    _let_it_read(python, project or own)
    save_output("python", str(python.path))
    # -I: no folder of the project and no PYTHONPATH stands in for cachy.
    save_output("cachy", shlex.join([str(python.path), "-I", "-X", "utf8", "-m", "cachy"]))
    return 0


def bare(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that pip gets."""
    return {name: environ[name] for name in KEPT if name in environ}


def install(folder: Path, base: Interpreter, environ: Mapping[str, str]) -> Interpreter:
    """Return the environment's Python; an earlier step of this job may have created it."""
    mark, key = folder / DONE, _key(base)
    if not mark.is_file() or mark.read_text(encoding="utf-8") != key:
        shutil.rmtree(folder, ignore_errors=True)
        pip = _find_pip(base, environ)
        # Without a pip of its own the environment is made in half the time.
        _run([base.path, "-I", "-m", "venv", *(["--without-pip"] if pip else []), folder], environ)
        python = _inside(folder)
        pip = [*pip, "--python", str(python.path)] if pip else [str(python.path), "-I", "-m", "pip"]
        options = ["--quiet", "--no-input", "--no-user", "--disable-pip-version-check"]
        options += ["--require-hashes", "--only-binary", ":all:", "--no-deps"]
        _run([*pip, "install", *options, "-r", LOCK], environ)
        _copy_cachy(python.packages)
        mark.write_text(key, encoding="utf-8")
    return _inside(folder)


def _copy_cachy(packages: Path) -> None:
    """Copy the action's own cachy, with the name and version that `cachy --version` reads."""
    leave_out = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SOURCE / "cachy", packages / "cachy", ignore=leave_out)
    # By hand: the job's own Python may be too old to read TOML.
    project = (SOURCE / "pyproject.toml").read_text(encoding="utf-8")
    (version,) = re.findall(r'^version = "(.+)"$', project, re.MULTILINE)
    about = packages / f"pycachy-{version}.dist-info"
    about.mkdir()
    text = f"Metadata-Version: 2.1\nName: pycachy\nVersion: {version}\n"
    (about / "METADATA").write_text(text, encoding="utf-8")


def _key(base: Interpreter) -> str:
    content = LOCK.read_bytes() + f"{SOURCE}\n{base.path}\n{base.version}".encode()
    return hashlib.sha256(content).hexdigest()


def _find_pip(base: Interpreter, environ: Mapping[str, str]) -> list[str]:
    """Return a pip that can install into another environment; uv's environments have none."""
    for python in (sys.executable, str(base.path), "python3"):
        command = [python, "-I", "-m", "pip"]
        try:
            said = subprocess.run(
                [*command, "--version"], env=environ, capture_output=True, text=True, check=True
            ).stdout
        except (OSError, subprocess.CalledProcessError):
            continue
        found = re.match(r"pip (\d+)\.(\d+)", said)
        if found and (int(found[1]), int(found[2])) >= (22, 3):
            return command
    return []


def _run(command: Sequence[str | Path], environ: Mapping[str, str]) -> None:
    subprocess.run(list(map(str, command)), env=environ, check=True)


def _inside(folder: Path) -> Interpreter:
    python = look_at(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    if python is None:
        raise FileNotFoundError(f"{folder} has no Python")
    return python


def _let_it_read(python: Interpreter, project: Interpreter | None) -> None:
    """Let cachy import the project's packages after its own; print if there is no SDK."""
    is_readable = project is not None and project.version == python.version
    line = f"{project.packages}\n" if project and is_readable else ""
    (python.packages / "project.pth").write_text(line, encoding="utf-8")
    if os.environ.get("CACHY_ACTION_COMMAND") != "drift":
        return
    if project and is_readable and (found := find_sdks(project)):
        print(f"cachy: knows the response models of {', '.join(found)} ({project.packages})")
        return
    where = project.packages if project else "this job"
    print(
        f"cachy: found no SDK in {where}, so drift compares without their response models. Install "
        "your project before this step, in .venv or in the job's own Python (3.11 or later)."
    )


def _fail(message: str) -> int:
    print(render_error(message), flush=True)
    return 2


if __name__ == "__main__":
    sys.exit(main())
