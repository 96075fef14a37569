"""``scripts/fuzz TARGET``: fuzz one target, guided by coverage, within the limits of one input, for a while or a number of inputs.

- New inputs that reach new code are kept in ``.tools/fuzz/TARGET``; an input that breaks a promise is written to ``.tools/fuzz/found`` and the
  run ends with status 77. Mended, it goes into ``tests/fuzz/corpus/TARGET`` and stays there.
- ``--input FILE`` judges one such file again, without the fuzzer.
- The same ``--seed`` and ``--runs`` on the same corpus try the same inputs.
- ``--all`` gives each target its share of the seconds, one after another.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from fuzz.limits import one_input
from fuzz.targets import MODULES, module_of

ROOT = Path(__file__).parents[2]
LONGEST_INPUT = 32_767


def _fuzz(target: str, given: argparse.Namespace) -> None:
    import atheris

    module = module_of(target)
    with atheris.instrument_imports(include=module.INSTRUMENTED):
        module.load()

    def one(data: bytes) -> None:
        with one_input():
            module.judge(data)

    kept, found = given.keep / target, given.keep / "found"
    for folder in (kept, found):
        folder.mkdir(parents=True, exist_ok=True)
    for name, data in module.seeds().items():
        (kept / f"seed-{name}").write_bytes(data)
    limits = [f"-runs={given.runs}"] if given.runs else [f"-max_total_time={given.seconds}"]
    fixed = [f"-max_len={LONGEST_INPUT}", "-timeout=300", "-rss_limit_mb=0", f"-artifact_prefix={found}/{target}-"]
    atheris.Setup([target, *limits, *fixed, f"-seed={given.seed}", "-print_final_stats=1", "-verbosity=0", str(kept)], one)
    atheris.Fuzz()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description="Fuzz a parser, guided by coverage.")
    parser.add_argument("target", nargs="?", choices=sorted(MODULES))
    parser.add_argument("--all", action="store_true", help="every target, one after another")
    parser.add_argument("--seconds", type=int, default=60, help="how long; with --all in sum (60)")
    parser.add_argument("--runs", type=int, default=0, help="how many inputs, instead of a time")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations (1)")
    parser.add_argument("--input", type=Path, help="judge this one file and fuzz nothing")
    parser.add_argument("--keep", type=Path, default=ROOT / ".tools" / "fuzz", help="folder of what is kept between runs")
    given = parser.parse_args(arguments)
    if given.all:
        share = str(max(1, given.seconds // len(MODULES)))
        usual = ["--seconds", share, "--runs", str(given.runs), "--seed", str(given.seed), "--keep", str(given.keep)]
        return max(subprocess.run([sys.executable, "-m", "fuzz.run", each, *usual]).returncode for each in sorted(MODULES))
    if given.target is None:
        parser.error(f"name a target: {', '.join(sorted(MODULES))}; or --all")
    if given.input is not None:
        with one_input():
            module_of(given.target).judge(given.input.read_bytes())
        return 0
    _fuzz(given.target, given)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
