"""How many small faults the tests see: `make mutants MODULES=... TESTS=...`.

cosmic-ray plants one fault at a time (a comparison turned around, a number changed, a branch taken
away) into a copy of the tree and runs the tests there. Faults within SQL texts are not among them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Annotations are not evaluated, and without a decorator a module does not load.
LEFT_OUT = ("core/RemoveDecorator", "core/ReplaceBinaryOperator_BitOr_.*")
CONFIG = """\
[cosmic-ray]
module-path = {modules}
timeout = {timeout}
excluded-modules = []
test-command = {command}

[cosmic-ray.distributor]
name = "local"

[cosmic-ray.filters.operators-filter]
exclude-operators = {left_out}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Plant the faults and print those that no test saw; 1 where too few were seen."""
    asked = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder) / "tree"
        _copy(tree)
        session = str(Path(folder) / "session.sqlite")
        config = Path(folder) / "config.toml"
        tests = [str(asked.python), "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        config.write_text(
            CONFIG.format(
                modules=json.dumps(asked.modules),
                timeout=float(asked.timeout),
                command=json.dumps(" ".join([*tests, *asked.tests])),
                left_out=json.dumps(LEFT_OUT),
            )
        )
        for step in (
            ["cosmic-ray", "init", str(config), session],
            ["cr-filter-operators", session, str(config)],
            ["cosmic-ray", "baseline", str(config)],
            ["cosmic-ray", "exec", str(config), session],
        ):
            if code := subprocess.call([asked.tools / step[0], *step[1:]], cwd=tree):
                print(f"`{step[0]} {step[1]}` failed; the tests must pass without a fault.")
                return code
        report = [asked.tools / "cr-report", "--surviving-only", "--show-diff", session]
        subprocess.call(report, cwd=tree)
        rate = subprocess.run(
            [asked.tools / "cr-rate", session], cwd=tree, capture_output=True, text=True, check=True
        )
    seen = 100 - float(rate.stdout)
    print(f"{seen:.0f} % of the faults were seen; wanted are {asked.wanted:.0f} %.")
    return int(seen < asked.wanted)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--tools", type=Path, required=True, help="folder of cosmic-ray's commands")
    parser.add_argument("--python", type=Path, default=Path(sys.executable))
    parser.add_argument("--modules", nargs="+", required=True, help="files to plant faults in")
    parser.add_argument("--tests", nargs="+", required=True, help="tests that should see them")
    parser.add_argument("--timeout", type=float, default=120, help="seconds for the tests")
    parser.add_argument("--wanted", type=float, default=90, help="least share seen, in percent")
    return parser


def _copy(tree: Path) -> None:
    """The files under version control as they are now."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)


if __name__ == "__main__":
    sys.exit(main())
