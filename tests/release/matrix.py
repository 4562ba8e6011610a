"""The wheel in fresh environments: each Python that is found, with old and new frameworks.

    cd tests
    python -m release.matrix                  # all combinations of `combinations.py`
    python -m release.matrix --only py3.13    # those whose name has that in it
    python -m release.matrix --check ops      # checks whose name has that in it
    python -m release.matrix --write          # and write what was seen to `seen.json`

It downloads the frameworks of each combination, some gigabytes for PyTorch, and takes about ten minutes each.
It ends with 1 if a check fails. `uv` is used where it is installed, and pip where it is not.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from release.checks import CHECKS, Check, Place
from release.combinations import COMBINATIONS, Combination

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SEEN = HERE / "seen.json"
NAMES = HERE / "private_names.py"


def find_python(version: str) -> str | None:
    """The interpreter of that version: on the path, or one of pyenv's."""
    if found := shutil.which(f"python{version}"):
        done = subprocess.run([found, "-c", ""], check=False, capture_output=True)
        if done.returncode == 0:  # pyenv has stubs for versions that are not switched on
            return found
    homes = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return next(
        (str(home / "bin" / "python") for home in sorted(homes.glob(f"{version}.*"), reverse=True)), None
    )


def build_wheel(folder: Path) -> Path:
    """The wheel by way of the sdist, which is left below `folder / "sdist"`."""
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run([*build, "-t", "sdist"], cwd=ROOT, check=True, capture_output=True)
    (packed,) = folder.glob("*.tar.gz")
    shutil.unpack_archive(packed, folder / "sdist", filter="data")
    (unpacked,) = (folder / "sdist").iterdir()
    subprocess.run([*build, "-t", "wheel"], cwd=unpacked, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(python: str, folder: Path, requirements: list[str]) -> Path:
    """A fresh environment; the folder of its commands."""
    subprocess.run(
        [python, "-m", "venv", *(["--without-pip"] if shutil.which("uv") else []), str(folder)], check=True
    )
    own = str(folder / "bin" / "python")
    pip = ["uv", "pip", "install", "--python", own] if shutil.which("uv") else [own, "-m", "pip", "install"]
    subprocess.run([*pip, "--quiet", *requirements], check=True)
    return folder / "bin"


def versions(place: Place) -> dict[str, str]:
    """What is installed there."""
    text = (
        "import importlib.metadata as m, json, platform\n"
        "names = {d.metadata['Name'].lower().replace('_', '-'): d.version for d in m.distributions()}\n"
        "kept = ('torch', 'tensorflow-cpu', 'keras', 'numpy')\n"
        "found = {name: names[name] for name in kept if name in names}\n"
        "print(json.dumps({'python': platform.python_version(), **found}))"
    )
    found: dict[str, str] = json.loads(place.run("python", "-c", text).stdout)
    return found


def run_check(one: Check, place: Place) -> Any:
    """What it found; a text that begins with `failed: ` if it could not."""
    begun = time.monotonic()
    try:
        found = one.find(place)
    except Exception as error:
        found = f"failed: {error}"
    print(f"    {one.full_name:<28} {time.monotonic() - begun:6.1f} s  {found}", flush=True)
    return found


def try_out(combination: Combination, place: Place, only: list[str]) -> Iterator[dict[str, Any]]:
    """All that can be seen of one combination, or what some checks find; given after each check."""
    here = {"torch": combination.torch, "tensorflow": combination.tensorflow, "": "here"}
    seen: dict[str, Any] = {"versions": versions(place), "missing": {}, "checks": {}}
    if not only or "names" in only:
        for framework in filter(here.get, ("torch", "tensorflow")):
            said = place.run("python", NAMES, framework).stdout
            seen["missing"][framework] = json.loads(said.splitlines()[-1])
        yield seen
    for one in CHECKS:
        if here[one.needs] and (not only or any(text in one.full_name for text in only)):
            seen["checks"][one.full_name] = run_check(one, place)
            yield seen


def failures(seen: dict[str, Any]) -> list[str]:
    """The checks that failed, or that found a fault of ours."""
    found = []
    for name, facts in seen["checks"].items():
        if isinstance(facts, str) and facts.startswith("failed: "):
            found.append(name)
        if isinstance(facts, dict) and facts.get("faults"):
            found.append(f"{name}: faults in {', '.join(facts['faults'])}")
    return found


def write(combination: str, found: dict[str, Any]) -> None:
    """Put what was seen of one combination into the file."""
    seen = json.loads(SEEN.read_text()) if SEEN.exists() else {}
    earlier = seen.get(combination, {})
    if earlier.get("versions") == found["versions"]:
        found = found | {part: earlier[part] | found[part] for part in ("missing", "checks")}
    SEEN.write_text(json.dumps(seen | {combination: found}, indent=1, sort_keys=True) + "\n")


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", action="append", metavar="TEXT", help="combinations with this in their name"
    )
    parser.add_argument(
        "--check",
        action="append",
        metavar="TEXT",
        help="checks with this in their name; `names` looks for private names",
    )
    parser.add_argument("--write", action="store_true", help=f"write what was seen to {SEEN.name}")
    parser.add_argument(
        "--environments", metavar="DIR", help="keep the environments there, and take those that are"
    )
    args = parser.parse_args()
    chosen = [one for one in COMBINATIONS if not args.only or any(text in str(one) for text in args.only)]
    is_bad = False
    with tempfile.TemporaryDirectory(prefix="tracedbg-matrix-") as scratch:
        wheel = build_wheel(Path(scratch))
        for combination in chosen:
            python = find_python(combination.python)
            if python is None:
                print(f"{combination}: no Python {combination.python} here", flush=True)
                continue
            print(combination, flush=True)
            home = Path(args.environments or scratch) / str(combination)
            if not (home / "bin").exists():
                install(python, home, combination.requirements())
            commands = install_wheel(home, wheel)
            folder = Path(scratch) / f"{combination}-runs"
            folder.mkdir()
            found: dict[str, Any] = {}
            for found in try_out(combination, Place(commands, folder), args.check or []):
                if args.write:
                    write(str(combination), found)
            for failure in failures(found):
                is_bad = True
                print(f"  FAILED {failure}", flush=True)
    return 1 if is_bad else 0


def install_wheel(home: Path, wheel: Path) -> Path:
    """Put the wheel in, with what it depends on; in the place of one that is there."""
    own = str(home / "bin" / "python")
    if shutil.which("uv"):
        pip = ["uv", "pip", "install", "--python", own, "--reinstall-package", "tracedbg"]
    else:
        subprocess.run([own, "-m", "pip", "uninstall", "--quiet", "--yes", "tracedbg"], check=False)
        pip = [own, "-m", "pip", "install"]
    subprocess.run([*pip, "--quiet", str(wheel)], check=True)
    return home / "bin"


if __name__ == "__main__":
    sys.exit(main())
