"""States outside of a process: files and pickles of every stateful class, frozen files, and what is refused.

``python tests/test_storage.py`` writes the files in ``tests/data`` that are not there. They are format 1: a change that
no longer reads them needs another number, once a version has been released.
"""

import copy
import io
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import numopt as no
from numopt import _storage
from numopt._jit import Record
from numopt.generic import element
from numopt.rules.chain import rule
from numopt.rules.piecewise import Interpolated, Joined, Steps
from numopt.sparse import state as of_search
from numopt.sparse.set import KeepLinks

DATA = Path(__file__).parent / "data"


def bowl(x):
    w = np.arange(1, x.size + 1)
    return float(np.sum(w * abs(x - 0.5) ** 2)), 2 * w * (x - 0.5)


def told(opt, times):
    """A solver after so many evaluations."""
    for _ in range(times):
        if opt.running:
            opt.tell(*bowl(opt.ask()))
    return opt


def evolved(es, times):
    for _ in range(times):
        if es.running:
            es.tell([bowl(candidate)[0] for candidate in es.ask()])
    return es


def stepped(rule, dtype, times, n=8):
    """An optimizer after so many steps, and its x."""
    x = np.linspace(-1, 1, n).astype(dtype)
    opt = rule.init(x)
    for _ in range(times):
        opt.update(x, 2 * x - 1)
    return opt, x


def optimizer(rule, dtype=float, times=5):
    return stepped(rule, dtype, times)[0]


def descent():
    """What minimize leaves of a chain after three steps, with leave for more."""
    rule = no.chain(no.Clip(1.0), no.Adam(0.1))
    state = no.minimize(bowl, np.zeros(4), jac=True, method=rule, options={"maxiter": 3}).state
    state.resume(1e-6, 0.0, 2000, 2000)
    return state


SCHEDULE = no.join([no.linear(0.0, 0.1, 3), no.piecewise_interpolate("cosine", 0.1, {4: 0.5})], [3])
MAKERS = {
    "lbfgs": lambda: told(no.LBFGS(np.zeros(20), memory=5), 7),
    "lbfgs_complex": lambda: told(no.LBFGS(np.zeros(3, complex), linesearch=no.Zoom(c3=None)), 3),
    "spg": lambda: told(no.SPG(np.zeros(3), no.Box([0.0, 0.0, 0.6], np.inf)), 3),
    "spg_complex": lambda: told(no.SPG(np.ones(2, complex), no.Intersection(no.LinfBall(0.4), no.L2Ball(1.0))), 3),
    "descent": lambda: told(descent(), 2),
    "optimizer": lambda: optimizer(no.chain(no.Clip(1.0), no.Adam(0.1))),
    "optimizer_nested": lambda: optimizer(
        no.chain(no.AccumulateGradients(2), no.Lookahead(no.AdamW(SCHEDULE), 3), no.Box(np.full(8, -0.9), 2.0)),
        np.float32,
    ),
    "optimizer_two_passes": lambda: optimizer(
        no.chain(no.Trace(0.9), no.ClipByGlobalNorm(1.0), no.Scale(-0.1)), np.complex64
    ),
    "set": lambda: optimizer(no.SET(no.Adam(0.1), [(0, 2, 3)], density=0.5, every=2, grow=no.ByMomentum(), seed=5)),
    "evolution": lambda: evolved(no.SparseEvolution(np.zeros(4), seed=1, bounds=[(-1, 1)] * 4), 6),
    "evolution_complex": lambda: evolved(
        no.SparseEvolution(np.zeros(2, complex), seed=1, selection="two-stage", resamples=2), 0
    ),
}
NOISY = no.chain(no.NoisySGD(0.1, seed=3), no.AffineSet([[1.0, 1j, 0.0]], [0.0]))


def parts(state):
    return state.__reduce__()[1][2]


def same(one, other):
    """Whether parts are equal bit for bit."""
    if isinstance(one, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def go_on(state):
    """Some steps more."""
    if isinstance(state, no.SparseEvolution):
        for _ in range(5):
            if state.running:
                batch = state.ask()
                state.tell([bowl(candidate)[0] for candidate in batch])
    elif isinstance(state, no.Optimizer):
        x = np.linspace(1, 2, int(state.scalars[1])).astype(state.buffer.dtype)
        for _ in range(5):
            state.update(x, 2 * x - 1)
    else:
        told(state, 5)
    return state


def from_file(state):
    file = io.BytesIO()
    state.save(file)
    return no.load(file)


def from_pickle(state):
    return pickle.loads(pickle.dumps(state))


def from_fields(state):
    return type(state)._from_fields(state._values)


@pytest.mark.variants
@pytest.mark.parametrize("name", MAKERS)
def test_what_is_saved_pickled_or_copied_goes_on_bit_for_bit(name):
    state = MAKERS[name]()
    twins = [make(state) for make in (from_file, from_pickle, copy.copy, copy.deepcopy, from_fields)]
    assert all(type(twin) is type(state) and same(parts(twin), parts(state)) for twin in twins)
    go_on(state)
    assert all(same(parts(go_on(twin)), parts(state)) for twin in twins)


@pytest.mark.variants
@pytest.mark.parametrize("name", MAKERS)
def test_a_file_of_format_1_is_read(name):
    """What was in the file is in the object, part by part, and is what it begins with."""
    state = no.load(DATA / f"{name}.npz")
    file = io.BytesIO()
    state.save(file)
    file.seek(0)
    with np.load(file) as again, np.load(DATA / f"{name}.npz") as frozen:
        assert sorted(again) == sorted(frozen)
        assert int(frozen["format"]) == 1
        for key in frozen:
            assert again[key].dtype == frozen[key].dtype
            assert np.array_equal(again[key], frozen[key], equal_nan=frozen[key].dtype.kind == "f"), key
    assert type(state) is type(MAKERS[name]())
    twin = from_pickle(state)
    assert same(parts(go_on(state)), parts(go_on(twin)))


@pytest.mark.variants
@pytest.mark.parametrize("name", ["lbfgs", "spg", "descent", "evolution"])
def test_the_parts_of_format_1_mean_what_they_meant(name):
    state = no.load(DATA / f"{name}.npz")
    with np.load(DATA / f"{name}.npz") as file:
        x, scalars, counters = (file[key] for key in ("x", "scalars", "counters"))
    np.testing.assert_array_equal(state.x, x)
    assert state.f == scalars[0] / scalars[1]
    assert (state.status, state.nit, state.nfev) == tuple(counters[:3])
    assert state.nfev > 0
    while state.running:
        go_on(state)
    np.testing.assert_allclose(state.result().x, 0.5, atol=0.11)  # the last bound of SPG is 0.6


def test_the_rules_of_a_frozen_file_are_those_that_were_given():
    state = no.load(DATA / "optimizer.npz")
    assert state.rules == (no.Clip(1.0), no.Adam(0.1))
    with np.load(DATA / "optimizer.npz") as file:
        assert state.count == file["scalars"][0] == 5
        np.testing.assert_array_equal(state.state["Adam"].v, file["vectors.1.v"])


@pytest.mark.variants
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_an_optimizer_of_every_dtype(dtype):
    opt, x = stepped(no.chain(no.Clip(1.0), no.Adam(0.1)), dtype, 3)
    for twin in (from_file(opt), from_pickle(opt)):
        y, again = x.copy(), copy.copy(opt)
        for _ in range(3):
            twin.update(y, 2 * y - 1)
        z = x.copy()
        for _ in range(3):
            again.update(z, 2 * z - 1)
        np.testing.assert_array_equal(y, z)


def test_arrays_in_sets_and_counted_noise():
    opt = NOISY.init(np.ones(3, complex))
    twin = from_file(opt)
    assert twin.rules == opt.rules
    assert same(parts(twin), parts(opt))


def test_every_part_of_every_class_has_a_key():
    """A field that has none would be forgotten."""

    def places(value, place):
        if isinstance(value, np.ndarray):
            return [place]
        if hasattr(value, "_fields") and not isinstance(value, Record):
            return [p for name, v in value._asdict().items() for p in places(v, f"{place}.{name}")]
        return []

    for cls, layout in _storage._LAYOUTS.items():
        state = next(s for s in map(_of_class, FIRST) if type(s) is cls)
        fields = zip(cls._declared.names, state._values, strict=True)
        found = {p for name, value in fields for p in places(value, name)}
        assert found - layout.keys.keys() <= {"parameters.prototype"}
        assert len({*layout.keys.values()}) == len(layout.keys)
        assert not {"format", "class"} & {*layout.keys.values()}


FIRST = "lbfgs", "spg", "descent", "optimizer", "evolution"
_MADE = {}


def _of_class(name):
    if name not in _MADE:
        _MADE[name] = MAKERS[name]()
    return copy.copy(_MADE[name])


ENDS = {  # how many evaluations are those of the bowl, and what the others give
    "nan at the start": (0, lambda f, g: (np.nan, np.nan * g)),
    "infinite at the start": (0, lambda f, g: (np.inf, g)),
    "nan": (2, lambda f, g: (np.nan, np.nan * g)),
    "minus infinity": (2, lambda f, g: (-np.inf, g)),
    "wrong slopes": (0, lambda f, g: (f, -g)),
    "huge": (0, lambda f, g: (1e250 * f, 1e250 * g)),
    "tiny": (0, lambda f, g: (1e-300 * f, 1e-300 * g)),
}


@pytest.mark.parametrize("name", ["lbfgs", "spg", "descent"])
@pytest.mark.parametrize("end", ENDS)
def test_no_state_that_a_run_comes_through_is_refused(name, end):
    new = {
        "lbfgs": lambda: no.LBFGS(np.zeros(20), memory=5),
        "spg": lambda: no.SPG(np.zeros(3), no.Box([0.0, 0.0, 0.6], np.inf)),
        "descent": lambda: no.rules.Descent((no.Clip(1.0), no.Adam(0.1)), np.zeros(4), 1e-5, 30, 30),
    }
    state, (right, other) = new[name](), ENDS[end]
    for k in range(30):
        assert same(parts(from_pickle(state)), parts(state))
        if state.running:
            with np.errstate(over="ignore", invalid="ignore"):
                f, g = bowl(state.ask())
                state.tell(*((f, g) if k < right else other(f, g)))


def test_a_nan_that_an_optimizer_was_given_is_no_damage():
    opt, x = stepped(no.chain(no.Clip(1.0), no.Adam(0.1)), float, 2)
    opt.update(x, np.full(8, np.nan))
    assert np.isnan(opt.state["Adam"].m).all()
    assert same(parts(from_pickle(opt)), parts(opt))


# --- what is refused ---------------------------------------------------------------------------------------------


def longer(a):
    return np.concatenate([a, a])


def put(index, number):
    def change(a):
        a = a.copy()
        a.flat[index] = number
        return a

    return change


WRONG = [
    ("lbfgs", "x", lambda a: a[:1], r"gradient must be float64 of shape \(1,\)|steps must be"),
    ("lbfgs", "gradient", lambda a: a[:1], r"gradient must be float64 of shape \(20,\), got float64 of shape \(1,\)"),
    ("lbfgs", "trial", longer, "trial must be"),
    ("lbfgs", "direction", lambda a: a.astype(np.float32), "direction must be float64 .* got float32"),
    ("lbfgs", "best_gradient", lambda a: a[None], "best_gradient must be"),
    ("lbfgs", "steps", lambda a: a[:, :1], "steps must be"),
    ("lbfgs", "changes", lambda a: a.T, "changes must be"),
    ("lbfgs", "ring", put(0, 6), "ring must lie from 0 to 5, got 6"),
    ("lbfgs", "ring", put(0, -1), "ring must lie from 0 to 5"),
    ("lbfgs", "ring", put(1, 5), "ring must lie from 0 to 4, got 5"),
    ("lbfgs", "search", longer, "search must be"),
    ("lbfgs", "scalars", lambda a: a[:-1], "scalars must be"),
    ("lbfgs", "counters", put(0, 77), "counters must begin with a Status, got 77"),
    ("lbfgs", "counters", put(1, -1), "counters must lie from 0 to inf, got -1"),
    ("lbfgs", "counters", lambda a: a.astype(float), "counters must be int64"),
    ("lbfgs", "x", put(3, np.nan), "x must not hold NaN, which entry 3 is"),
    ("lbfgs", "gradient", put(0, np.nan), "gradient must not hold NaN"),
    ("lbfgs", "trial", put(0, np.nan), "trial must not hold NaN"),
    ("lbfgs", "scalars", put(0, np.nan), "scalars must not hold NaN"),
    ("lbfgs", "like", lambda a: np.empty(0, np.float32), "like must be a vector of float64 or complex128"),
    ("lbfgs", "like", lambda a: np.empty(3), r"like must be float64 of shape \(0,\), got float64 of shape \(3,\)"),
    ("lbfgs_complex", "x", lambda a: a[:-1], r"x must be a vector of 2 real numbers an entry, got shape \(5,\)"),
    (
        "lbfgs",
        "linesearch",
        lambda r: {"MoreThuente": {**r["MoreThuente"], "ftol": 2.0}},
        "linesearch: .*ftol.*2.0",
    ),
    ("lbfgs", "inverse", lambda a: np.zeros((20, 20)), r"inverse must be float64 of shape \(0, 0\)"),
    ("lbfgs", "linesearch", lambda r: {"Golden": {}}, "linesearch must be a record of numopt, got 'Golden'"),
    ("lbfgs", "linesearch", lambda r: {"Adam": {}}, "linesearch: Adam has the fields learning_rate"),
    ("lbfgs", "linesearch", lambda r: {"L1Ball": {"radius": 1.0}}, "linesearch must be one of MoreThuente, Zoom"),
    ("spg", "values", lambda a: a[:0], "values must be"),
    ("spg", "best", lambda a: a[:1], "best must be"),
    ("spg", "onto", lambda r: {"Box": {"lower": np.zeros(2), "upper": 1.0}}, "x0 has 3 entries"),
    ("spg", "onto", lambda r: {"L1Sphere": {"radius": 1.0}}, "not convex"),
    ("spg", "onto", lambda r: {"Disc": {"center": 0.0, "radius": -1.0}}, "onto"),
    ("spg", "values", put(0, np.nan), "values must not hold NaN"),
    ("descent", "trial", lambda a: a[:1], "trial must be"),
    ("descent", "x", longer, r"x must be float64 of shape \(4,\), as the optimizer has it, got shape \(8,\)"),
    ("lbfgs", "steps", lambda a: np.empty((2**40, 0)), "inner must have as many rows and columns as steps has rows"),
    ("lbfgs", "search", put(0, np.nan), "search must not hold NaN"),
    ("lbfgs", "steps", put(slice(None), np.nan), "steps must not hold NaN"),
    ("optimizer", "vectors", lambda p: [p[0], {"m": p[1]["m"][:1], "v": p[1]["v"]}], r"vectors.1.m must be .* \(1,\)"),
    ("descent", "best", put(0, np.nan), "best must not hold NaN"),
    ("descent", "optimizer", lambda p: p["Optimizer"], "optimizer must be of the class Optimizer"),
    ("optimizer", "scalars", put(1, 4e6), r"vectors.1.m must be float64 of shape \(4000000,\), got .* \(8,\)"),
    ("optimizer", "scalars", put(1, 7.5), "scalars must begin with whole numbers"),
    ("optimizer", "scalars", put(1, np.nan), "scalars must lie from 0.0"),
    ("optimizer", "scalars", put(0, -1.0), "scalars must lie from 0.0"),
    ("optimizer", "scalars", put(1, 1e300), "scalars must lie from 0.0"),
    ("optimizer", "buffer", lambda a: np.empty(8), r"buffer must be float64 of shape \(0,\)"),
    ("optimizer", "buffer", lambda a: np.empty(0, np.float32), "vectors.1.m must be float32"),
    ("optimizer", "vectors", lambda p: p[::-1], "vectors.0 must hold nothing"),
    ("optimizer", "vectors", lambda p: [p[0], {"m": p[1]["m"]}], "vectors.1 must hold m, v, got m"),
    ("optimizer", "vectors", lambda p: p[:1], "vectors must hold"),
    ("optimizer", "numbers", lambda p: [np.zeros(2), *p[1:]], "numbers.0 must hold nothing"),
    ("optimizer", "rules", lambda p: [], "rules must be a chain of rules"),
    ("optimizer", "rules", lambda p: p[:1], "would climb"),
    ("optimizer", "rules", lambda p: [p[0], {"Adam": {**p[1]["Adam"], "b1": 2.0}}], "rules: .*b1"),
    (
        "optimizer",
        "rules",
        lambda p: [*p, {"WeightedL1Ball": {"weights": np.ones(3), "radius": 1.0}}],
        "not for vectors",
    ),
    (
        "set",
        "vectors",
        lambda p: [{**p[0], "mask": put(1, 4)(p[0]["mask"])}, *p[1:]],
        "mask must lie from 0 to 3, got 4",
    ),
    ("set", "vectors", lambda p: [*p[:2], {"mask": p[2]["mask"][:5]}], r"vectors.2.mask must be int8 of shape \(8,\)"),
    ("set", "numbers", lambda p: [put(0, np.nan)(p[0]), *p[1:]], "numbers must lie from 0.0 to inf, got nan"),
    ("optimizer_nested", "numbers", lambda p: [put(0, 7.0)(p[0]), *p[1:]], "numbers must lie from 0.0 to 2.0, got 7"),
    ("evolution", "candidates", lambda a: a[:7], "candidates must be"),
    ("evolution", "ranks", put(0, 10**6), "ranks must lie from 0 to"),
    ("evolution", "active", put(2, 4), "active must lie from 0 to 3, got 4"),
    ("evolution", "order", put(0, -1), "order must lie from 0 to 3, got -1"),
    ("evolution", "penalize", put(0, 2), "penalize must lie from 0 to 1, got 2"),
    ("evolution", "limits", lambda a: a[:3], "limits must be two bounds"),
    ("evolution", "counters", put(slice(3, None), 2**60), "must lie|shape"),
    ("evolution", "center", put(0, np.nan), "center must not hold NaN"),
    ("evolution", "selection", lambda r: {"ByScore": {}}, "selection must be"),
]


def damaged(name, key, change):
    found = dict(parts(_of_class(name)))
    found[key] = change(found[key])
    return name, found


def file_of(name, found):
    """The file with these parts."""
    arrays = {"format": np.array(1), "class": np.array(type(_of_class(name)).__name__)}
    for key, part in found.items():
        lifted = _storage._lifted(part, key, arrays)
        if not isinstance(part, np.ndarray):
            arrays[key] = np.array(json.dumps(lifted))
    return arrays


_COMPILED_ANEW = "lbfgs_complex", "set", "optimizer_nested"


def _marked(case):
    return pytest.param(*case, marks=pytest.mark.variants if case is WRONG[0] or case[0] in _COMPILED_ANEW else ())


@pytest.mark.parametrize(("name", "key", "change", "message"), [*map(_marked, WRONG)])
def test_a_wrong_part_is_refused_by_its_name(tmp_path, name, key, change, message):
    _, found = damaged(name, key, change)
    with pytest.raises(ValueError, match=message):
        pickle.loads(pickle.dumps(Damaged(type(_of_class(name)).__name__, 1, found)))
    np.savez(tmp_path / "state.npz", **file_of(name, found))
    with pytest.raises(ValueError, match=message) as error:
        no.load(tmp_path / "state.npz")
    assert str(tmp_path / "state.npz") in str(error.value)


class Damaged:
    """Pickled as a state, with what it is given."""

    def __init__(self, *args):
        self.args = args

    def __reduce__(self):
        return _storage.restore, self.args


@pytest.mark.parametrize("counter", range(3, 23))
def test_counters_of_the_search_that_compiled_code_would_follow_out_of_an_array_are_refused(counter):
    """Whatever one is set to, the state is refused, or the search goes on and keeps within its arrays."""
    for number in (-1, 10**6, 2**62):
        _, found = damaged("evolution", "counters", put(counter, number))
        try:
            es = _storage.restore("SparseEvolution", 1, found)
        except ValueError:
            continue
        assert number >= 0 or counter == of_search.CHOSEN
        k = es.core.counters
        assert counter not in {of_search.PARTS, of_search.BATCH, of_search.ACTIVE}
        assert k[of_search.BATCH] <= es.core.values.size


@pytest.mark.parametrize("name", FIRST)
def test_a_missing_or_a_strange_part_is_named(tmp_path, name):
    found = parts(_of_class(name))
    for key in found:
        with pytest.raises(ValueError, match=f"no state of .*: {key} is missing"):
            _storage.restore(type(_of_class(name)).__name__, 1, {k: v for k, v in found.items() if k != key})
        np.savez(tmp_path / "state.npz", **{k: v for k, v in file_of(name, found).items() if k != key})
        with pytest.raises(ValueError, match=f"state.npz: no state of .*: {key} is missing"):
            no.load(tmp_path / "state.npz")
    with pytest.raises(ValueError, match="it has no 'luck'"):
        _storage.restore(type(_of_class(name)).__name__, 1, {**found, "luck": np.zeros(1)})


@pytest.mark.parametrize("name", FIRST)
def test_a_state_of_another_format_is_refused_in_a_sentence(tmp_path, name):
    cls = type(_of_class(name))
    for written in (0, 2, None, "1"):
        with pytest.raises(ValueError, match=f"a state of {cls.__name__} in format {written} cannot be read"):
            pickle.loads(pickle.dumps(Damaged(cls.__name__, written, {})))
    np.savez(tmp_path / "state.npz", **{**file_of(name, parts(_of_class(name))), "format": np.array(2)})
    with pytest.raises(
        ValueError, match=r"state\.npz: a state of .* in format 2 cannot be read here, where the format is 1"
    ):
        no.load(tmp_path / "state.npz")


@pytest.mark.parametrize(
    "args", [(), ("LBFGS",), ("LBFGS", 1), ("Unknown", 1, {}), ("LBFGS", 1, 3), ("LBFGS", 1, {}, 0)]
)
def test_whatever_a_pickle_holds_it_is_a_value_error(args):
    with pytest.raises(ValueError, match="state"):
        _storage.restore(*args)


@pytest.mark.parametrize("name", FIRST)
def test_parts_that_are_none_are_refused(name):
    with pytest.raises(ValueError, match=r"must|damaged"):
        _storage.restore(type(_of_class(name)).__name__, 1, dict.fromkeys(parts(_of_class(name))))


def test_a_pickle_without_a_format_is_refused_in_a_sentence():
    from numopt._jit import _stateful

    state = _of_class("lbfgs")
    with pytest.raises(ValueError, match="pickled by a numopt whose states had no format number"):
        _stateful._rebuild(type(state), state._values)


def test_from_fields_looks_at_the_fields():
    opt = _of_class("lbfgs")
    core, *others = opt._values
    with pytest.raises(ValueError, match="gradient must be"):
        no.LBFGS._from_fields((core._replace(grad=core.grad[:1]), *others))


# --- files ---------------------------------------------------------------------------------------------------------


def test_a_class_reads_its_own_files_only(tmp_path):
    _of_class("lbfgs").save(tmp_path / "state.npz")
    assert type(no.LBFGS.load(tmp_path / "state.npz")) is no.LBFGS
    with pytest.raises(ValueError, match=r"state\.npz: it holds no SPG, but an object of LBFGS"):
        no.SPG.load(tmp_path / "state.npz")
    with pytest.raises(ValueError, match="holds no Optimizer"):
        no.Optimizer.load(tmp_path / "state.npz")


def test_a_name_without_suffix_is_that_of_the_file_that_numpy_wrote(tmp_path):
    _of_class("optimizer").save(tmp_path / "state")
    assert no.load(tmp_path / "state").count == 5
    assert no.load(str(tmp_path / "state.npz")).count == 5


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        no.load(tmp_path / "state.npz")


@pytest.mark.parametrize("name", FIRST)
def test_a_cut_or_damaged_file_is_a_value_error_with_its_path(tmp_path, name):
    path = tmp_path / "state.npz"
    _of_class(name).save(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    cuts = [whole[:k] for k in (0, 1, 10, len(whole) // 2, len(whole) - 1)]
    for _ in range(40):
        content = bytearray(whole)
        content[rng.integers(len(content))] ^= 1 << rng.integers(8)
        cuts.append(bytes(content))
    refused = 0
    for content in cuts:
        path.write_bytes(content)
        try:
            twin = no.load(path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017
            refused += 1
        else:  # a bit of what the archive says beside the content, such as a date
            assert same(parts(twin), parts(_of_class(name)))
    assert refused > 20


def test_arrays_of_objects_are_refused(tmp_path):
    arrays = file_of("lbfgs", parts(_of_class("lbfgs")))
    np.savez(tmp_path / "state.npz", **{**arrays, "x": np.array([{}, None], object)})
    with pytest.raises(ValueError, match=r"state.npz is no file that save wrote.*allow_pickle"):
        no.load(tmp_path / "state.npz")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"a": 1, "b": 2}', '{"array": "luck"}', "null", "[" * 10**5])
def test_whatever_stands_for_a_record_it_is_a_value_error(tmp_path, text):
    arrays = file_of("optimizer", parts(_of_class("optimizer")))
    np.savez(tmp_path / "state.npz", **{**arrays, "rules": np.array(text)})
    with pytest.raises(ValueError, match=r"state\.npz"):
        no.load(tmp_path / "state.npz")


def test_something_else_is_no_state(tmp_path):
    np.savez(tmp_path / "other.npz", x=np.ones(3))
    with pytest.raises(ValueError, match=r"other\.npz holds no state of numopt"):
        no.load(tmp_path / "other.npz")
    np.save(tmp_path / "x.npy", np.ones(3))
    with pytest.raises(ValueError, match=r"x.npy is no file that save wrote"):
        no.load(tmp_path / "x.npy")


def test_a_record_of_somebody_else_is_pickled_but_not_saved(tmp_path):
    opt = no.chain(Mine(2.0), no.SGD(0.5)).init(np.ones(2))
    assert from_pickle(opt).rules == opt.rules
    with pytest.raises(TypeError, match=r"save: a file cannot hold Mine\(factor=.*2.0"):
        opt.save(tmp_path / "state.npz")


@rule
class Mine:
    """A rule that is not of the package."""

    factor: float


@element.register(Mine)
def _(rule, c, state, u, x):
    return (), u


@pytest.mark.parametrize(
    "fields",
    [
        lambda: Steps(np.array([1.0, 2.0]), np.ones(2)),
        lambda: Steps(np.array([2.0, 1.0]), np.ones(3)),
        lambda: Interpolated(np.array([0.0, 2.0]), np.ones(1)),
        lambda: Interpolated(np.zeros(0), np.zeros(0)),
        lambda: Joined((0.1, 0.2), np.array([1.0, 2.0])),
        lambda: no.AffineSet(np.ones((1, 2)), np.ones(1), np.ones((1, 2)), np.ones(9)),
        lambda: no.AffineSet(np.ones((1, 2)), np.ones(1), np.ones((1, 5)), np.ones(1)),
        lambda: KeepLinks(np.array([[-1.0, 2.0, 2.0, 1.0]]), 0.0),
        lambda: KeepLinks(np.array([[0.0, 2.0, 2.0, 5.0]]), 0.0),
        lambda: KeepLinks(np.array([[0.0, 2.0, 2.0]]), 0.0),
    ],
)
def test_a_record_whose_arrays_do_not_fit_together_cannot_be_made(fields):
    """Nor, therefore, come from a file or a pickle."""
    with pytest.raises(ValueError, match=r"must"):
        fields()


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    for stem, make in MAKERS.items():
        if not (DATA / f"{stem}.npz").exists():
            make().save(DATA / f"{stem}.npz")
