"""Where the time of the tests goes: ``python -m pytest -p compile_time --compile-time FILE ...``.

Writes the CPU seconds of each test, those of them that went into compiling, and the functions compiled, to FILE, one
JSON list for each process of ``pytest -n``; ``python tests/compile_time.py FILE`` prints the dearest groups of tests,
by files and by functions.
"""

import collections
import json
import sys
import time
from pathlib import Path

import pytest
from numba.core import event

MOST = 20


class Compilations(event.Listener):
    """Sums the CPU time of the outermost compilations."""

    def __init__(self):
        self.depth = self.functions = 0
        self.begun = self.seconds = 0.0

    def on_start(self, event):
        if self.depth == 0:
            self.begun = time.process_time()
        self.depth += 1
        self.functions += 1

    def on_end(self, event):
        self.depth -= 1
        if self.depth == 0:
            self.seconds += time.process_time() - self.begun


compilations, rows = Compilations(), []


def pytest_addoption(parser):
    parser.addoption("--compile-time", metavar="FILE", help="write CPU and compile time of each test to FILE")


def pytest_configure(config):
    event.register("numba:compile", compilations)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    begun, seconds, functions = time.process_time(), compilations.seconds, compilations.functions
    yield
    spent = time.process_time() - begun
    rows.append((item.nodeid, spent, compilations.seconds - seconds, compilations.functions - functions))


def pytest_sessionfinish(session):
    path = session.config.getoption("--compile-time")
    if path and rows:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(rows) + "\n")


def dearest(rows, group):
    """The groups that take most CPU time, as lines of a table."""
    sums = collections.defaultdict(lambda: [0.0, 0.0, 0, 0])
    for name, *figures in rows:
        for i, figure in enumerate((*figures, 1)):
            sums[group(name)][i] += figure
    ordered = sorted(sums.items(), key=lambda item: -item[1][0])[:MOST]
    return [
        f"{spent:8.1f} {compiling:8.1f} {count:6d} {tests:6d}  {name}"
        for name, (spent, compiling, count, tests) in ordered
    ]


def main(path):
    """Print two tables."""
    rows = [row for line in Path(path).read_text(encoding="utf-8").splitlines() for row in json.loads(line)]
    spent, compiling = sum(row[1] for row in rows), sum(row[2] for row in rows)
    print(f"{len(rows)} tests: {spent:.0f} s of CPU time, {compiling:.0f} s of them in compiling")
    for what, group in (
        ("file", lambda name: name.partition("::")[0]),
        ("function", lambda name: name.partition("[")[0]),
    ):
        print(f"\n   CPU s compiling  funcs  tests  {what}", *dearest(rows, group), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1])
