"""Takes each private name of a framework away in turn, and runs small programs: `benchmarks.names`.

All names that the adapters list, and each private attribute that they read of a framework's objects. For
each: whether the program was as without us, what was said, and what was not recorded. Takes about five
minutes of CPU time; exits with 1 if a program was disturbed. It must not be run beside anything that
measures.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from pathlib import Path

from benchmarks import rows

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.names", description=__doc__)
    rows.add_option(parser)
    options = parser.parse_args()
    results = rows.Results(options.json)
    from faults import removal
    from faults.names import run_without

    for framework in ("torch", "tensorflow"):
        work = f"programs disturbed by a private name of {framework} that is gone"
        if importlib.util.find_spec(framework) is None:
            results.add(rows.missing("", work, "", rows.OURS))
            continue
        disturbed = 0
        names = [one for one in (*removal.listed(), *removal.unlisted()) if one.framework == framework]
        with tempfile.TemporaryDirectory() as folder:
            found = run_without(framework, names, Path(folder))
        for name, seen in found.items():
            disturbed += not seen.is_undisturbed
            verdict = "as plain" if seen.is_undisturbed else f"DISTURBED: {seen.error or seen.outputs}"
            said = len([line for line in seen.stderr if " is off: " in line])
            print(f"{name}: {verdict}; {said} said; lost: {', '.join(sorted(seen.lost)) or 'nothing'}")
        results.add(rows.measured("", f"{work}, of {len(found)}", "", [disturbed], 0))
    return results.end()


if __name__ == "__main__":
    sys.exit(main())
