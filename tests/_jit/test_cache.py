"""The disk cache: the next process compiles nothing, an edited package is compiled again, and nothing can break a call.

Each test runs a small package, made of the package's own ``_jit`` folder and two modules, in processes of its own.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import numopt
from numopt._jit import _stamp

A = """
from ._jit import jit

@jit
def helper(x):
    return x + 1.0
"""

B = """
import numpy as np
from ._jit import fields, jit, record, stateful
from .a import helper

@record
class Rate:
    value: float = 2.0

@jit
def product(rate, x):
    return rate.value * helper(x)

@fields
class BoxFields:
    value: np.ndarray

@stateful(BoxFields)
class Box:
    def __new__(cls, value=1.0):
        return cls.compiled.new(float(value))

    class compiled:
        def new(value=1.0):
            return BoxFields(np.full(1, value))

        def grow(self):
            self.value[0] = helper(self.value[0])
            return self.value[0]
"""

C = """
from ._jit import by_type, jit

@by_type(borrow=True)
def scale(record, x):
    pass

@jit
def scaled(record, x):
    return scale(record, x) + 1.0

@jit
def shown(x):
    print(x)
    return x
"""

D = """
from ._jit import record
from .c import scale

@record
class Twice:
    pass

@scale.register(Twice)
def _(record, x):
    return 2.0 * x
"""

E = D.replace("Twice", "Thrice").replace("2.0", "3.0")

# outside the package; cached by Numba itself
USER = """
import numba

@numba.njit(cache=True)
def use(box):
    return box.grow()
"""

# The result is a line of JSON: what was compiled (functions that came from the cache are not), and the values.
REPORT = """
import json
from numba.core import event

class Compiled(event.Listener):
    names = []

    def on_start(self, event):
        function = event.data["dispatcher"].py_func
        self.names.append((str(function.__module__), function.__name__))

    def on_end(self, event):
        pass

event.register("numba:compile", Compiled())

def report(*values):
    print(json.dumps({"compiled": Compiled.names, "values": values}))
"""

USE_PACKAGE = "from demo.b import Box, Rate, product\nreport(product(Rate(), 3.0), Box(5.0).grow())"
USE_USER = "from demo.b import Box\nfrom user import use\nreport(use(Box(5.0)))"


def run(where, script, **environment):
    """Run a script in a fresh process in the folder ``where``; warnings are errors, and nothing may be said."""
    home = {"HOME": str(where / "home"), "XDG_CACHE_HOME": str(where / "home")}
    environment = {"NUMBA_CACHE_DIR": "", **environment}  # empty: the caches lie where they lie for users
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", REPORT + script],
        cwd=where,
        env={**os.environ, **home, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    *said, report = done.stdout.splitlines()
    return json.loads(report) | ({"said": said} if said else {})


def make_package(where):
    shutil.copytree(
        Path(numopt._jit.__file__).parent, where / "demo" / "_jit", ignore=shutil.ignore_patterns("__pycache__")
    )
    (where / "demo" / "__init__.py").write_text("")
    (where / "demo" / "a.py").write_text(A)
    (where / "demo" / "b.py").write_text(B)
    (where / "demo" / "c.py").write_text(C)
    (where / "demo" / "d.py").write_text(D)
    (where / "demo" / "e.py").write_text(E)
    (where / "user.py").write_text(USER)
    return where


def rewrite(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def used_once(tmp_path_factory):
    """A folder with the package after its first process, and what that process said."""
    where = make_package(tmp_path_factory.mktemp("package"))
    return where, run(where, USE_PACKAGE + "\nfrom user import use\nuse(Box(5.0))")


@pytest.fixture
def warm(used_once, tmp_path):
    """A copy of that folder, to be changed by one test."""
    shutil.copytree(used_once[0], tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def cold(tmp_path):
    return make_package(tmp_path)


@pytest.mark.jit_only
def test_second_process_compiles_nothing(used_once, warm):
    assert ["demo.b", "product"] in used_once[1]["compiled"]
    assert used_once[1]["values"] == [8.0, 6.0]
    assert run(warm, USE_PACKAGE) == {"compiled": [], "values": [8.0, 6.0]}
    assert run(warm, USE_USER) == {"compiled": [], "values": [6.0]}


@pytest.mark.jit_only
def test_edited_callee_in_another_file_is_seen(warm):
    rewrite(warm / "demo" / "a.py", "x + 1.0", "x + 2.0")
    assert run(warm, USE_PACKAGE)["values"] == [10.0, 7.0]


@pytest.mark.jit_only
def test_users_cached_function_sees_an_edited_package(warm):
    rewrite(warm / "demo" / "a.py", "x + 1.0", "x + 2.0")
    assert run(warm, USE_USER)["values"] == [7.0]


@pytest.mark.jit_only
def test_an_edit_leaves_what_does_not_depend_on_it(warm):
    rewrite(warm / "demo" / "c.py", "+ 1.0", "+ 2.0")
    assert run(warm, USE_PACKAGE) == {"compiled": [], "values": [8.0, 6.0]}


SCALED = """
from demo.c import scaled
from demo.d import Twice
from demo.e import Thrice
report(scaled(Twice(), 5.0), scaled(Thrice(), 5.0))
"""


@pytest.mark.jit_only
def test_an_edited_implementation_is_seen_where_it_is_chosen(warm):
    assert run(warm, SCALED)["values"] == [11.0, 16.0]
    rewrite(warm / "demo" / "e.py", "3.0", "4.0")
    after = run(warm, SCALED)
    assert after["values"] == [11.0, 21.0]
    assert after["compiled"].count(["demo.c", "scaled"]) == 1
    assert run(warm, SCALED)["compiled"] == []


@pytest.mark.jit_only
def test_an_edited_file_of_a_users_class_is_seen(warm):
    script = "from demo.c import scaled\nfrom mine import Twice\nreport(scaled(Twice(), 5.0))"
    mine = D.replace("._jit", "demo._jit").replace(".c", "demo.c")
    (warm / "mine.py").write_text(mine)
    assert run(warm, script)["values"] == [11.0]
    assert run(warm, script)["compiled"] == []
    (warm / "mine.py").write_text(mine.replace("2.0", "6.0"))
    assert run(warm, script)["values"] == [31.0]


@pytest.mark.jit_only
def test_compiled_callers_of_one_that_prints(warm):
    """Code that needs objects of Python finds them, cached or not, also where only its caller has machine code."""
    user = "import numba\nfrom demo.c import shown\n@numba.njit(cache=True)\ndef use(x):\n    return shown(x)\n"
    (warm / "prints.py").write_text(user)
    script = "from prints import use\nreport(use(3.0))"
    assert run(warm, script)["said"] == ["3.0"]
    assert run(warm, script) == {"compiled": [], "values": [3.0], "said": ["3.0"]}
    (warm / "prints.py").write_text(user.replace("shown(x)", "shown(x + 1.0)"))
    edited = run(warm, script)
    assert edited["said"] == ["4.0"]
    assert edited["compiled"] == [["prints", "use"]]


@pytest.mark.jit_only
def test_interrupts_wait_until_all_is_compiled(cold):
    script = """
import os, signal
from demo.b import Rate, product

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell runs in the background

class Interrupted(event.Listener):
    def on_start(self, event):
        os.kill(os.getpid(), signal.SIGINT)

    def on_end(self, event):
        os.kill(os.getpid(), signal.SIGINT)

sender = Interrupted()
event.register("numba:compile", sender)
came = 0
while product.entry.overloads == {} and came < 5:
    try:
        product(Rate(), 3.0)
    except KeyboardInterrupt:
        came += 1
event.unregister("numba:compile", sender)
report(came, product(Rate(), 3.0))
"""
    assert run(cold, script)["values"] == [1, 8.0]
    assert run(cold, USE_PACKAGE.replace(", Box(5.0).grow()", "").replace("Box, ", "")) == {
        "compiled": [],
        "values": [8.0],
    }


@pytest.mark.jit_only
def test_what_is_compiled_is_logged_and_why(cold):
    script = """
import logging
lines = []
handler = logging.Handler()
handler.emit = lambda record: lines.append(record.getMessage())
logging.getLogger("numopt").addHandler(handler)
logging.getLogger("numopt").setLevel(logging.INFO)
from demo.b import Rate, product
product(Rate(), 3.0)
report(*lines)
"""
    first = run(cold, script)["values"]
    assert any(line.startswith("compiled demo.b.product(") and "there is no" in line for line in first)
    assert run(cold, script)["values"] == []
    rewrite(cold / "demo" / "a.py", "x + 1.0", "x + 2.0")
    assert all("other sources" in line for line in run(cold, script)["values"])


@pytest.mark.jit_only
def test_class_renamed_in_the_package_leaves_its_cache_usable(warm):
    rewrite(warm / "demo" / "b.py", "class Rate:", "class Speed:")
    script = USE_PACKAGE.replace("Rate", "Speed")
    assert run(warm, script)["values"] == [8.0, 6.0]
    assert run(warm, script) == {"compiled": [], "values": [8.0, 6.0]}


@pytest.mark.jit_only
def test_argument_of_a_class_that_is_gone_leaves_the_cache_usable(warm):
    script = "from demo.b import Rate, product\nfrom user import Mine\nreport(product(Mine(3.0), 1.0))"
    user = "from typing import NamedTuple\nclass Mine(NamedTuple):\n    value: float\n"
    (warm / "user.py").write_text(user)
    assert run(warm, script)["values"] == [6.0]
    (warm / "user.py").unlink()
    assert run(warm, USE_PACKAGE)["values"] == [8.0, 6.0]


def with_a_flipped_bit(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.jit_only
@pytest.mark.parametrize("damage", [with_a_flipped_bit, lambda content: content[:40], lambda content: b""])
def test_damaged_cache_files_are_replaced(warm, damage):
    compiled = list((warm / "demo").rglob("*.numopt"))
    assert compiled
    for path in compiled:
        path.write_bytes(damage(path.read_bytes()))
    assert run(warm, USE_PACKAGE)["values"] == [8.0, 6.0]
    assert run(warm, USE_PACKAGE)["compiled"] == []


@pytest.mark.jit_only
def test_installation_and_home_that_cannot_be_written(cold):
    # files where there should be folders: this holds for root as well, whom permissions do not stop
    for folder in (cold / "demo", cold / "demo" / "_jit"):
        (folder / "__pycache__").write_text("")
    (cold / "home").write_text("")
    elsewhere = {"NUMBA_CACHE_DIR": str(cold / "home" / "below")}
    assert run(cold, USE_PACKAGE, **elsewhere)["values"] == [8.0, 6.0]
    assert run(cold, USE_PACKAGE)["values"] == [8.0, 6.0]


@pytest.mark.jit_only
def test_full_disk_compiles_in_memory(cold):
    pytest.importorskip("resource", reason="limits of processes are POSIX")
    limit = (
        "import resource\nfrom demo.b import Box, Rate, product\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    )
    # what goes to the pipe is no file, and is not limited
    assert run(cold, limit + USE_PACKAGE)["values"] == [8.0, 6.0]


@pytest.mark.jit_only
def test_sources_in_an_archive(cold):
    shutil.make_archive(cold / "packed", "zip", cold, "demo")
    shutil.rmtree(cold / "demo")
    assert run(cold, f"import sys\nsys.path.insert(0, 'packed.zip')\n{USE_PACKAGE}")["values"] == [8.0, 6.0]


def run_until_nothing_is_compiled(where, script, **environment):
    """The last of up to three runs: of two processes that store at the same time, one may be forgotten."""
    for _ in range(3):
        done = run(where, script, **environment)
        if not done["compiled"]:
            break
    return done


MINIMIZE = """
import numba
import numpy as np
import numopt

@numba.njit
def fun(x):
    return ((x - {0}) ** 2).sum(), 2.0 * (x - {0})

found = numopt.minimize(fun, np.zeros(3), jac=True).x
own = ("adapted", "evaluate")  # made for each objective
Compiled.names = [(m, name) for m, name in Compiled.names if m.startswith("numopt") and name not in own]
report(*found)
"""


@pytest.mark.slow
@pytest.mark.jit_only
def test_new_objective_in_a_new_process_compiles_nothing_of_the_package(tmp_path):
    paths = [str(Path(numopt.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    shared = {"NUMBA_CACHE_DIR": os.environ["NUMBA_CACHE_DIR"], "PYTHONPATH": os.pathsep.join(paths)}
    run(tmp_path, MINIMIZE.format(1.0), **shared)
    second = run_until_nothing_is_compiled(tmp_path, MINIMIZE.format(2.0), **shared)
    assert second["values"] == pytest.approx([2.0, 2.0, 2.0])
    assert second["compiled"] == []


CHAIN = """
import numba
import numpy as np
import numopt as no

x = np.ones(4)
opt = no.chain(no.Clip(1.0), no.Centralize(), no.Adam(0.1)).init(x)
opt.update(x, np.arange(4.0))
opt.learning_rate = 0.5
opt.update(x, np.arange(4.0))
report(*x)
"""


@pytest.mark.slow
@pytest.mark.jit_only
def test_a_chain_used_before_compiles_nothing(tmp_path):
    paths = [str(Path(numopt.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    shared = {"NUMBA_CACHE_DIR": os.environ["NUMBA_CACHE_DIR"], "PYTHONPATH": os.pathsep.join(paths)}
    first = run(tmp_path, CHAIN, **shared)
    second = run_until_nothing_is_compiled(tmp_path, CHAIN, **shared)
    assert second["values"] == first["values"]
    assert second["compiled"] == []


@pytest.mark.jit_only
def test_code_for_other_types_under_its_file_name_is_compiled_again(warm):
    script = "from demo.b import Rate, product\nreport(product(Rate(), 3.0), product(Rate(), np.float32(3.0)))"
    script = f"import numpy as np\n{script}"
    assert run(warm, script)["values"] == [8.0, 8.0]
    names = sorted((warm / "demo" / "__pycache__").glob("b.product*.numopt"))
    assert len(names) == 2
    first, second = (path.read_bytes() for path in names)
    names[0].write_bytes(second)
    names[1].write_bytes(first)
    repaired = run(warm, script)
    assert repaired["values"] == [8.0, 8.0]
    assert repaired["compiled"].count(["demo.b", "product"]) == 2
    assert run(warm, script)["compiled"] == []


def stamp_of(where, **files):
    for name, text in files.items():
        (where / f"{name}.py").write_text(text)
    return _stamp.package_stamp(where)


def test_stamp_changes_with_every_source(tmp_path):
    first = stamp_of(tmp_path, a="x = 1\n", b="y = 2\n")
    assert stamp_of(tmp_path) == first
    assert stamp_of(tmp_path, b="y = 3\n") != first
    assert stamp_of(tmp_path, b="y = 2\n") == first
    assert stamp_of(tmp_path, a="x = 1\ny = 2\n", b="") != first
    (tmp_path / "b.py").rename(tmp_path / "c.py")
    assert stamp_of(tmp_path, a="x = 1\n", c="y = 2\n") != first


def test_stamp_ignores_what_is_no_source(tmp_path):
    first = stamp_of(tmp_path, a="x = 1\n")
    (tmp_path / "data.txt").write_text("1")
    assert stamp_of(tmp_path) == first


def test_stamp_of_sources_that_cannot_be_read_is_none(tmp_path):
    assert _stamp.package_stamp(tmp_path / "packed.zip" / "package") is None


def test_what_a_module_uses_is_among_its_sources():
    modules = {name: module for name, module in sys.modules.items() if name in _stamp._sources()}
    assert len(modules) > 50
    for name, module in modules.items():
        sources = _stamp._with_imports(name)
        for value in vars(module).values():
            origin = getattr(value, "__module__", None)
            assert origin not in modules or origin in sources, (name, value)


def test_sources_of_a_rule_are_not_those_of_others():
    sources = _stamp._with_imports("numopt.rules.adam")
    assert {"numopt.rules.adam", "numopt.generic", "numopt._jit._record"} <= sources
    assert not {"numopt.rules.yogi", "numopt.solvers.lbfgs", "numopt.minimize"} & sources
