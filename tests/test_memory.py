"""Memory: whatever is done with a public name, what compiled code allocates for it is freed again."""

import copy
import gc
import inspect
import io
import pickle
import warnings

import numpy as np
import pytest
import scipy.optimize
from numba import njit
from numba.core.runtime import rtsys

import numopt as no
from numopt.rules import Descent

pytestmark = pytest.mark.jit_only

N = 6
X = np.linspace(1.0, 2.0, N)
LAYERS = [(0, 2, 3)]


def live():
    """What has been allocated and not freed: blocks, and of these the ones that are counted."""
    gc.collect()
    stats = rtsys.get_allocation_stats()
    return stats.alloc - stats.free, stats.mi_alloc - stats.mi_free


def check(action):
    """Do it three times; afterwards there is as much as before, beside what the first time keeps for good."""
    action()
    before = live()
    gc.freeze()  # else millions of objects of Numba are looked through again
    for _ in range(3):
        action()
    assert live() == before


def test_what_is_kept_is_seen():
    kept = []
    with pytest.raises(AssertionError):
        check(lambda: kept.append(no.SGD(0.1).init(X)))


# --- objectives -------------------------------------------------------------------------------------------------------


@njit
def value(x, shift=0.0):
    f = 0.0
    for i in range(x.size):
        f += (x[i] - i - shift) ** 2 + 0.1 * (x[i] - i) ** 4
    return f


@njit
def gradient(x, shift=0.0):
    g = np.empty_like(x)
    for i in range(x.size):
        g[i] = 2.0 * (x[i] - i - shift) + 0.4 * (x[i] - i) ** 3
    return g


@njit
def pair(x, shift=0.0):
    return value(x, shift), gradient(x, shift)


@njit
def inplace(x, g):
    g[:] = gradient(x)
    return value(x)


@njit
def with_arrays(x, a, nested):
    return value(x) + a[0] * nested[1][0][0] * x[0], gradient(x)


@njit
def in_modulus(z):
    return np.sum(np.abs(z - 1.0) ** 2), np.conj(2.0 * (z - 1.0))


@njit
def bowl(x):
    return (x[0] - 1.0) ** 2 + np.abs(x[1:]).sum()


@njit
def raising(x, g, fatal):
    g[:] = 2.0 * x
    if x[0] < fatal:
        raise ValueError("outside the domain")
    return (x * x).sum()


@njit
def raising_value(x, fatal):
    if x[0] < fatal:
        raise ValueError("outside the domain")
    return (x * x).sum()


def stopping(x):
    raise StopIteration


# --- every public name ------------------------------------------------------------------------------------------------


def steps(rule, f=None):
    """Steps, and a copy, which looks at all fields."""

    def action():
        x = X.copy()
        opt = rule.init(x)
        for _ in range(2):
            opt.update(x, 0.1 * x, f)
        copy.copy(opt).update(x, x, f)
        opt.reset()

    return action


def before_sgd(rule, f=None):
    return steps(no.chain(rule, no.SGD(0.1)), f)


def rated(schedule):
    def action():
        schedule(3)
        steps(no.SGD(schedule))()

    return action


def onto(a_set, x=X):
    """Projections, membership, and the last link of a chain."""

    def action():
        out = np.empty_like(x)
        no.project(x, a_set)
        no.project(x[::-1], a_set, out=out)
        a_set.contains(out)
        y = x.copy()
        no.chain(no.SGD(0.1), a_set).init(y).update(y, x)

    return action


def near(function):
    def action():
        no.prox(X, function)
        no.prox(X, function, out=np.empty(N))
        y = X.copy()
        no.chain(no.SGD(0.1), function).init(y).update(y, X)

    return action


def rewired(**choices):
    def action():
        x = X.copy()
        opt = no.SET(no.SGD(0.1), LAYERS, density=0.5, every=1, **choices).init(x)
        opt.update(x, X)
        opt.update(x, X)
        no.prune_regrow(X.copy(), np.ones(N, np.int8), LAYERS, 0.3, 1, X.copy(), **choices)

    return action


def searched(**options):
    def action():
        es = no.SparseEvolution(np.zeros(N), seed=1, maxfun=300, **options)
        while es.running:
            es.tell([bowl(x) for x in es.ask()])
        es.result()

    return action


def line_searched(search):
    return lambda: no.line_search(lambda a: (a - 3.0) ** 2, lambda a: 2.0 * (a - 3.0), 1.0, search)


RULES = [
    no.ADOPT(0.1),
    no.COCOB(),
    no.LAMB(0.1),
    no.MADGRAD(0.1),
    no.SGD(0.1, momentum=0.9),
    no.ACProp(0.1),
    no.AMSGrad(0.1),
    no.AdEMAMix(0.1),
    no.AdaBelief(0.1),
    no.AdaDelta(),
    no.AdaGrad(0.1),
    no.AdaMax(0.1),
    no.AdaMaxW(0.1),
    no.Adam(0.1),
    no.AdamW(0.1),
    no.Adan(0.1),
    no.DoG(),
    no.DoWG(),
    no.Lion(0.1),
    no.NovoGrad(0.1),
    no.OptimisticGD(0.1),
    no.Prodigy(),
    no.RAdam(0.1),
    no.RMSProp(0.1, centered=True, momentum=0.9),
    no.RProp(0.1),
    no.Scale(-0.1),
    no.SignSGD(0.1),
    no.Signum(0.1),
    no.SimplifiedAdEMAMix(0.1),
    no.Yogi(0.1),
]
BEFORE_SGD = [
    no.AccumulateGradients(2),
    no.AdaptiveClip(0.1),
    no.AddDecayedWeights(0.1),
    no.AddNoise(0.1, 0.5),
    no.Centralize(),
    no.Clip(1.0),
    no.ClipByGlobalNorm(1.0),
    no.EMA(0.8),
    no.Normalize(),
    no.SkipNonFinite(),
    no.Trace(0.9),
    no.ZeroNonFinite(),
]
SETS = [
    no.AffineSet(np.ones((2, N)) + np.eye(2, N), np.ones(2)),
    no.Box(np.zeros(N), np.ones(N)),
    no.BoxSection(np.zeros(N), np.ones(N), np.ones(N), 2.0),
    no.CappedSimplex(2.0, np.ones(N)),
    no.Disc(np.zeros(N), np.ones(N)),
    no.GroupL1Ball([0, 0, 1, 1, 2, 2], 1.0),
    no.Halfspace(np.ones(N), 1.0),
    no.Hyperplane(np.ones(N), 1.0),
    no.Intersection(no.L2Ball(2.0), no.Halfspace(np.ones(N), 1.0)),
    no.L0Ball(2),
    no.L1Ball(1.0),
    no.L1Sphere(1.0),
    no.L2Ball(1.0),
    no.L2Sphere(1.0),
    no.LinfBall(1.0),
    no.NonNegative(),
    no.SecondOrderCone(),
    no.Simplex(),
    no.SparseSimplex(2),
    no.UnitModulus(),
    no.WeightedL1Ball(np.ones(N), 1.0),
]
SCHEDULES = [
    no.constant(0.1),
    no.cosine_decay(0.1, 10),
    no.exponential_decay(0.1, 10, 0.5),
    no.polynomial(0.1, 0.01, 2, 10),
    no.warmup_constant(0.0, 0.1, 3),
    no.warmup_cosine(0.0, 0.1, 3, 10),
    no.warmup_exponential(0.0, 0.1, 3, 10, 0.5),
]
PRUNING = [no.ByMagnitude(), no.BySign()]
GROWING = [no.ByGradient(), no.ByMomentum(), no.AtRandom()]

NAMES = {type(rule).__name__: steps(rule) for rule in RULES}
NAMES |= {type(rule).__name__: before_sgd(rule) for rule in BEFORE_SGD}
NAMES |= {type(a_set).__name__: onto(a_set) for a_set in SETS}
NAMES |= {type(schedule).__name__: rated(schedule) for schedule in SCHEDULES}
NAMES |= {type(prune).__name__: rewired(prune=prune) for prune in PRUNING}
NAMES |= {type(grow).__name__: rewired(grow=grow) for grow in GROWING}
NAMES |= {
    type(of).__name__: near(of)
    for of in (no.L1Norm(0.1), no.L2Norm(0.1), no.LinfNorm(0.1), no.GroupL1Norm([0, 0, 1, 1, 2, 2], 0.1))
}
NAMES |= {type(search).__name__: line_searched(search) for search in (no.MoreThuente(), no.Zoom(), no.Backtracking())}
NAMES |= {
    "Averaged": steps(no.ScheduleFree(no.SGD(0.1))),
    "Chain": steps(no.chain(no.Clip(1.0), no.Adam(0.1))),
    "ComplexBox": onto(no.ComplexBox((-np.ones(N), np.ones(N)), (0.0, 1.0)), X * (1 + 1j)),
    "GradientReport": lambda: str(no.check_gradient(pair, X)),
    "Hypercube": onto(no.Hypercube()),
    "KeepNonNegative": steps(no.chain(no.SGD(0.1), no.KeepNonNegative())),
    "LineSearchResult": line_searched(no.MoreThuente()),
    "Lookahead": steps(no.Lookahead(no.SGD(0.1), k=2)),
    "NAdam": steps(no.NAdam(0.1)),
    "NAdamW": steps(no.NAdamW(0.1)),
    "NoisySGD": steps(no.NoisySGD(0.1)),
    "PolyakSGD": steps(no.PolyakSGD(), 1.0),
    "ReduceOnPlateau": steps(no.chain(no.SGD(0.1), no.ReduceOnPlateau()), 1.0),
    "SET": rewired(sigma=0.1),
    "ScheduleFree": steps(no.ScheduleFree(no.Adam(0.1, b1=0.0))),
    "SlowWeights": steps(no.Lookahead(no.Adam(0.1), k=2)),
    "ByCost": searched(selection="cost"),
    "ByScore": searched(grow="score"),
    "TwoStage": searched(selection="two-stage"),
    "chain": steps(no.chain(no.ClipByGlobalNorm(1.0), no.SGD(0.1))),
    "check_gradient": lambda: no.check_gradient(value, X, gradient),
    "join": rated(no.join([no.constant(0.1), no.constant(0.2)], [3])),
    "lbfgs": lambda: scipy.optimize.minimize(pair, X, jac=True, method=no.lbfgs),
    "line_search": line_searched(no.MoreThuente()),
    "linear": rated(no.linear(0.1, 0.01, 10)),
    "load": lambda: no.load(saved(optimizer())),
    "minimize": lambda: no.minimize(pair, X, jac=True),
    "onecycle_cosine": rated(no.onecycle_cosine(10, 0.1)),
    "onecycle_linear": rated(no.onecycle_linear(10, 0.1)),
    "piecewise_constant": rated(no.piecewise_constant(0.1, {3: 0.5})),
    "piecewise_interpolate": rated(no.piecewise_interpolate("cosine", 0.1, {3: 0.5})),
    "project": lambda: no.project([3.0, 1.0, 2.0], no.Intersection(no.Box(0.0, 2.0), no.Simplex(4.0))),
    "prox": near(no.L1Norm(0.1)),
    "prune_regrow": rewired(),
    "sgdr": rated(no.sgdr([{"init": 0.0, "peak": 0.1, "warmup": 2, "steps": 5}])),
}
BY_MEMBERS = {"LBFGS", "Optimizer", "SPG", "SparseEvolution"}
EXEMPT = {
    "Status": "an enumeration",
    "Verdict": "an enumeration",
    "plot_convergence": "draws what results hold",
    "show_config": "prints versions",
}
# made by code that no other test compiles, or of many parts
DEAR = {"ByCost", "ByScore", "TwoStage"}


def test_every_public_name_has_a_case():
    groups = [set(NAMES), BY_MEMBERS, set(EXEMPT)]
    assert set.union(*groups) == set(no.__all__)
    assert sum(map(len, groups)) == len(no.__all__)


@pytest.mark.variants
@pytest.mark.parametrize("name", sorted(NAMES.keys() - DEAR))
def test_public_name(name):
    check(NAMES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(DEAR))
def test_public_name_of_a_search(name):
    check(NAMES[name])


# --- every method, property and field of objects with a state --------------------------------------------------------


def lbfgs():
    opt = no.LBFGS(X)
    for _ in range(3):
        opt.tell(*pair(opt.ask()))
    return opt


def spg():
    opt = no.SPG(X, no.Box(np.zeros(N), np.full(N, 3.0)))
    for _ in range(3):
        opt.tell(*pair(opt.ask()))
    return opt


def optimizer():
    x = X.copy()
    opt = no.Adam(0.1).init(x)
    opt.update(x, X)
    return opt


def descent():
    opt = Descent((no.Adam(0.1),), X, 1e-5, 100, 100)
    for _ in range(3):
        opt.tell(*pair(opt.ask()))
    return opt


def evolution():
    es = no.SparseEvolution(np.zeros(N), seed=1)
    es.tell([bowl(x) for x in es.ask()])
    return es


def saved(opt):
    file = io.BytesIO()
    opt.save(file)
    file.seek(0)
    return file


OBJECTS = {no.LBFGS: lbfgs, no.SPG: spg, no.Optimizer: optimizer, Descent: descent, no.SparseEvolution: evolution}
TOLD = {
    "ask": lambda opt: (opt.ask(), opt.ask(np.empty(N))),
    "tell": lambda opt: [opt.tell(*pair(opt.ask())) for _ in range(3)],
    "result": lambda opt: [dict(opt.result()), opt.result().get("hess_inv"), opt.result().state],
    "resume": lambda opt: opt.resume(1e-6, 0.0, 100, 100),
}
TOLD_COMPILED = {
    "ask": lambda opt: opt.compiled.ask(opt),
    "tell": lambda opt: opt.compiled.tell(opt, *pair(X)),
}
LIMITS = (1e-6, 0.0, 100, 100)
FILES = {"save": saved, "load": lambda opt: type(opt).load(saved(opt))}
METHODS = {
    no.LBFGS: TOLD
    | {
        "inverse_hessian": lambda opt: (opt.inverse_hessian() @ X, opt.inverse_hessian(X).todense()),
        "reset": lambda opt: (opt.reset(X), opt.reset(X, keep_memory=True)),
    },
    no.SPG: TOLD | {"reset": lambda opt: opt.reset(X)},
    no.Optimizer: {
        "update": lambda opt: (opt.update(X.copy(), X), opt.update(X.copy(), np.repeat(X, 2)[::2])),
        "reset": lambda opt: opt.reset(),
        "_explain": lambda opt: refused(ValueError, lambda: opt.update(np.ones(N + 1), np.ones(N + 1))),
    },
    Descent: TOLD,
    no.SparseEvolution: {
        "ask": lambda es: (es.ask(), es.ask(np.empty_like(es.ask()))),
        "tell": lambda es: [es.tell([bowl(x) for x in es.ask()]) for _ in range(3)],
        "tell_by": lambda es: es.tell_by(es.compiled.tell, [bowl(x) for x in es.ask()]),
        "resume": lambda es: es.resume(1000),
        "result": TOLD["result"],
    },
}
COMPILED = {
    no.LBFGS: TOLD_COMPILED
    | {
        "new": lambda opt: opt.compiled.new(X, 10, no.MoreThuente(), 1e-5, 0.0, 10, 10),
        "reset": lambda opt: opt.compiled.reset(opt, X, True),
        "resume": lambda opt: opt.compiled.resume(opt, *LIMITS),
    },
    no.SPG: TOLD_COMPILED
    | {
        "new": lambda opt: opt.compiled.new(X, opt.parameters.onto, 10, 1e-5, 10, 10),
        "reset": lambda opt: opt.compiled.reset(opt, X),
        "resume": lambda opt: opt.compiled.resume(opt, 1e-6, 100, 100),
    },
    no.Optimizer: {
        "new": lambda opt: opt.compiled.new(opt.rules, X),
        "update": lambda opt: opt.compiled.update(opt, X.copy(), X, None),
        "reset": lambda opt: opt.compiled.reset(opt),
    },
    Descent: TOLD_COMPILED | {"new": lambda opt: opt.compiled.new(opt.parameters.rules, X, 1e-5, 10, 10)},
    no.SparseEvolution: {
        "new": lambda es: type(es)(X),
        "ask": lambda es: es.compiled.ask(es),
        "tell": lambda es: (es.compiled.ask(es), es.compiled.tell(es, np.ones(1))),
        "resume": lambda es: es.compiled.resume(es, 1000),
    },
}
SETTERS = {no.Optimizer: {"learning_rate": lambda opt: setattr(opt, "learning_rate", 0.2)}}
OF_PYTHON = {
    "made": lambda opt: None,
    "shown": repr,
    "copied": copy.copy,
    "deeply copied": copy.deepcopy,
    "pickled": lambda opt: pickle.loads(pickle.dumps(opt)),
    "compared": lambda opt: (opt == opt, hash(opt)),
}
NOT_CALLED = {
    *("compiled", "_declared"),  # classes
    *("_from_fields", "_numba_box_", "_numba_type_", "_type", "_meminfo"),  # what the others here go through
    "to_device",  # needs a GPU
}


def refused(error, action):
    with pytest.raises(error):
        action()


def members(cls):
    """What can be done with an object, by name."""
    found = dict(OF_PYTHON)
    for name in dir(cls):
        static = inspect.getattr_static(cls, name)
        if name.startswith("__") or name in NOT_CALLED:
            continue
        if inspect.isdatadescriptor(static):
            found[name] = lambda opt, name=name: getattr(opt, name)
            if getattr(static, "fset", None) is not None:
                found[f"{name} ="] = SETTERS[cls].get(name, NO_CASE)
        else:
            found[name] = METHODS[cls].get(name, FILES.get(name, NO_CASE))
    for name in vars(cls.compiled):
        if not name.startswith("__"):
            read = lambda opt, name=name: getattr(opt.compiled, name)(opt)  # noqa: E731
            found[f"compiled.{name}"] = COMPILED[cls].get(name, read)  # a method without a case lacks arguments
    return found


NO_CASE = "add a case"
MEMBERS = [(cls, name) for cls in OBJECTS for name, action in members(cls).items() if callable(action)]


@pytest.mark.parametrize(("cls", "name"), MEMBERS, ids=lambda value: getattr(value, "__name__", value))
def test_member(cls, name):
    action = members(cls)[name]
    check(lambda: action(OBJECTS[cls]()))


def test_every_method_has_a_case():
    assert [(cls, name) for cls in OBJECTS for name, action in members(cls).items() if action is NO_CASE] == []


# --- every path of minimize -------------------------------------------------------------------------------------------


def minimized(fun, x0=X, **given):
    """The result, everything in it looked at."""

    def action():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            result = no.minimize(fun, x0, **given)
        return [value for _, value in sorted(result.items())], result.get("hess_inv")

    return action


def resumed(fun, **given):
    options = given.pop("options", {})

    def action():
        first = no.minimize(fun, X, options={**options, "maxiter": 3}, **given)
        no.minimize(fun, X, options={**options, "state": first.state}, **given)

    return action


def python(x):
    return pair(x)


BOUNDS = [(0.0, 3.0)] * N
EVOLUTION = {"method": "SparseEvolution", "options": {"maxfun": 200}}
PATHS = {
    "pair": minimized(pair, jac=True),
    "Python": minimized(python, jac=True),
    "separate": minimized(value, jac=gradient),
    "inplace": minimized(inplace, jac="inplace"),
    "2-point": minimized(value),
    "3-point": minimized(value, jac="3-point"),
    "differences within bounds": minimized(value, bounds=BOUNDS),
    "args": minimized(pair, args=(0.5,), jac=True),
    "args with arrays": minimized(with_arrays, args=(np.ones(2), (1.0, (np.ones(3),))), jac=True),
    "complex": minimized(in_modulus, X * 1j, jac=True, options={"gradient_convention": "conjugate"}),
    "bounds": minimized(pair, jac=True, bounds=BOUNDS),
    "Bounds": minimized(pair, jac=True, bounds=scipy.optimize.Bounds(0.0, 3.0)),
    "SPG": minimized(pair, jac=True, method="SPG", bounds=BOUNDS),
    "constraints": minimized(pair, jac=True, constraints=no.L1Ball(2.0)),
    "rule": minimized(pair, jac=True, method=no.Adam(0.1), options={"maxiter": 20}),
    "rule in Python": minimized(python, jac=True, method=no.Adam(0.1), options={"maxiter": 20}),
    "history": minimized(pair, jac=True, options={"history": True}),
    "x_scale": minimized(pair, jac=True, options={"x_scale": 2.0}),
    "x_scale of differences": minimized(value, options={"x_scale": np.full(N, 2.0)}),
    "callback": minimized(pair, jac=True, callback=lambda xk: None),
    "callback with results": minimized(pair, jac=True, callback=lambda intermediate_result: None),
    "callback that stops": minimized(pair, jac=True, callback=stopping),
    "target": minimized(pair, jac=True, options={"target": 1.0}),
    "max_time": minimized(pair, jac=True, options={"max_time": 0.0}),
    "maxiter": minimized(pair, jac=True, options={"maxiter": 1}),
    "maxfun": minimized(pair, jac=True, options={"maxfun": 2}),
    "progress": minimized(pair, jac=True, options={"progress": True}),
    "state": resumed(pair, jac=True),
    "state of bounds": resumed(pair, jac=True, bounds=BOUNDS),
    "state of a rule": resumed(pair, jac=True, method=no.Adam(0.1)),
    "raises": lambda: refused(ValueError, lambda: no.minimize(raising, X, (0.9,), jac="inplace")),
    "raises under x_scale": lambda: refused(
        ValueError, lambda: no.minimize(raising, X, (0.9,), jac="inplace", options={"x_scale": 2.0})
    ),
    "raises under bounds": lambda: refused(
        ValueError, lambda: no.minimize(raising, X, (0.9,), jac="inplace", bounds=BOUNDS)
    ),
    "raises in differences": lambda: refused(ValueError, lambda: no.minimize(raising_value, X, (0.9,))),
    "wrong gradient": lambda: refused(ValueError, lambda: no.minimize(lambda x: (1.0, x[1:]), X, jac=True)),
    "SparseEvolution": minimized(bowl, **EVOLUTION),
    "SparseEvolution in Python": minimized(lambda x: bowl(x), **EVOLUTION),
    "SparseEvolution vectorized": minimized(
        lambda points: np.array([bowl(x) for x in points]),
        method="SparseEvolution",
        options={"maxfun": 200, "vectorized": True, "history": True},
    ),
    "SparseEvolution with bounds": minimized(bowl, bounds=[(-1.0, 1.0)] * N, **EVOLUTION),
    "SparseEvolution with resamples": minimized(
        bowl, method="SparseEvolution", options={"maxfun": 200, "resamples": 2, "target": 0.5}
    ),
    "SparseEvolution with mask": minimized(
        bowl, method="SparseEvolution", options={"maxfun": 200, "penalize": np.arange(N) > 0}
    ),
    "basinhopping": lambda: scipy.optimize.basinhopping(
        pair, X, niter=3, minimizer_kwargs={"jac": True, "method": no.lbfgs}, rng=0
    ),
    "SciPy with bounds": lambda: scipy.optimize.minimize(pair, X, jac=True, bounds=BOUNDS, method=no.lbfgs),
}
OF_OTHER_TYPES = {
    "Zoom": minimized(pair, jac=True, options={"linesearch": no.Zoom()}),
    "Backtracking": minimized(pair, jac=True, options={"linesearch": no.Backtracking()}),
    "Intersection": minimized(pair, jac=True, constraints=no.Intersection(no.L2Ball(3.0), no.Box(0.0, 2.0))),
    "set at the end": minimized(pair, jac=True, method=no.chain(no.SGD(0.05), no.L1Ball(2.0)), options={"maxiter": 20}),
    "norm at the end": minimized(
        pair, jac=True, method=no.chain(no.SGD(0.05), no.L1Norm(0.1)), options={"maxiter": 20}
    ),
    "gates": minimized(
        pair, jac=True, method=no.chain(no.SkipNonFinite(), no.Lookahead(no.SGD(0.01))), options={"maxiter": 20}
    ),
    "SET": minimized(pair, jac=True, method=no.SET(no.SGD(0.01), LAYERS, density=0.5), options={"maxiter": 20}),
    "random growth": minimized(bowl, method="SparseEvolution", options={"maxfun": 200, "grow": "random"}),
}


@pytest.mark.parametrize("path", PATHS)
def test_path(path):
    if path == "progress":
        pytest.importorskip("tqdm")
    check(PATHS[path])


@pytest.mark.slow
@pytest.mark.parametrize("path", OF_OTHER_TYPES)
def test_path_of_another_type(path):
    check(OF_OTHER_TYPES[path])


@pytest.mark.slow
def test_update_of_a_long_vector_on_all_threads():
    x = np.ones(200_000)
    opt = no.chain(no.ClipByGlobalNorm(1.0), no.Adam(0.1)).init(x)
    check(lambda: opt.update(x, x.copy()))


# --- the user's compiled code -----------------------------------------------------------------------------------------


@njit
def run_lbfgs(opt, x0):
    total = 0.0
    for keep in (False, True):
        while opt.running:
            f, g = pair(opt.ask())
            opt.tell(f, g)
        total += opt.x[0] + opt.grad[0] + opt.f + opt.nit + opt.status
        opt.reset(x0, keep)
    return total


@njit
def made_lbfgs(x0):
    opt = no.LBFGS(x0)
    run_lbfgs(opt, x0)
    return opt, (opt.x, opt.core)


@njit
def made_spg(x0, bounds):
    opt = no.SPG(x0, bounds)
    for _ in range(2):
        while opt.running:
            f, g = pair(opt.ask())
            opt.tell(f, g)
        opt.reset(x0)
    return opt, opt.grad


@njit
def made_chain(x):
    opt = no.chain(no.Clip(1.0), no.Adam(0.1)).init(x)
    for _ in range(3):
        opt.update(x, 0.1 * x)
    opt.learning_rate = opt.learning_rate / 2.0
    opt.reset()
    return opt, opt.vectors, opt.rules


@njit
def passed_on(objects, x):
    opt, _ = objects
    opt.update(x, x)
    return objects


@njit
def projected(x, a_set):
    return no.project(x, a_set), a_set.contains(x), a_set


@njit
def made_evolution(x0):
    es = no.SparseEvolution(x0, 0.01, 1)
    while es.running and es.nfev < 200:
        batch = es.ask()
        values = np.empty(batch.shape[0])
        for i in range(values.size):
            values[i] = bowl(batch[i])
        es.tell(values)
    return es, es.support, es.x


@njit
def searched_along(start):
    return no.line_search(phi, dphi, start, no.MoreThuente()).alpha


@njit
def phi(a):
    return (a - 3.0) ** 2


@njit
def dphi(a):
    return 2.0 * (a - 3.0)


COMPILED_CODE = {
    "LBFGS as an argument": lambda: run_lbfgs(no.LBFGS(X), X),
    "LBFGS": lambda: made_lbfgs(X),
    "SPG": lambda: made_spg(X, no.Box(np.zeros(N), np.ones(N))),
    "chain": lambda: made_chain(X.copy()),
    "Optimizer in a tuple": lambda: passed_on((no.Adam(0.1).init(X), 1), X.copy()),
    "sets": lambda: projected(X, no.Box(np.zeros(N), np.ones(N))),
    "SparseEvolution": lambda: made_evolution(np.zeros(N)),
    "line_search": lambda: searched_along(1.0),
}


@pytest.mark.slow
@pytest.mark.parametrize("code", COMPILED_CODE)
def test_compiled_code(code):
    check(COMPILED_CODE[code])
