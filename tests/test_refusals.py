"""What constructors, options and compiled code answer to what they cannot take: the sentence first."""

import numpy as np
import pytest
from numba import njit
from scipy.optimize import Bounds, OptimizeWarning

import numopt as no


def bowl(x):
    return float(x @ x), 2 * x


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (
            lambda: no.Adam(lr=0.1),
            "^Adam has no parameter 'lr': did you mean 'learning_rate'.*learning_rate, b1, b2, eps",
        ),
        (lambda: no.Adam(0.1, beta1=0.9), "did you mean 'b1'"),
        (lambda: no.Adam(0.1, betas=(0.9, 0.99)), "did you mean 'b1' and 'b2'"),
        (lambda: no.Adam(0.1, momentum=0.9), "did you mean 'b1'"),
        (lambda: no.Adam(0.1, epsilon=1e-8), "did you mean 'eps'"),
        (lambda: no.Adam(0.1, colour=1), "^Adam has no parameter 'colour': Adam takes learning_rate"),
        (lambda: no.Adam(), "^Adam: missing a required argument: 'learning_rate'; Adam takes learning_rate"),
        (lambda: no.NonNegative(1.0), "^NonNegative: too many positional arguments; NonNegative takes no arguments"),
        (lambda: no.NAdam(lr=0.1), "^NAdam has no parameter 'lr': did you mean 'learning_rate'"),
        (lambda: no.RMSProp(0.1, alpha=0.9), "did you mean 'decay'"),
        (lambda: no.Adam(0.1)._replace(lr=0.2), "did you mean 'learning_rate'"),
        (lambda: no.ClipByGlobalNorm(max_norm=1.0), "did you mean 'largest'"),
        (lambda: no.L1Ball(r=1.0), "^L1Ball has no parameter 'r': did you mean 'radius'"),
        (lambda: no.Box(lb=0.0, ub=1.0), "did you mean 'lower'"),
        (lambda: no.L1Norm(lam=1.0), "did you mean 'weight'"),
        (lambda: no.AffineSet(A=np.eye(2), rhs=1), "^AffineSet has no parameter 'rhs'"),
        (lambda: no.Intersection(no.NonNegative(), tl=1e-3), "did you mean 'tol'"),
        (lambda: no.cosine_decay(1.0, decay_steps=5), "did you mean 'steps'"),
        (lambda: no.linear(init_value=1.0), "did you mean 'init'"),
        (lambda: no.onecycle_cosine(total_steps=5), "did you mean 'steps'"),
        (lambda: no.MoreThuente(c1=1e-4), "did you mean 'ftol'"),
        (lambda: no.Zoom(maxls=5), "did you mean 'max_evals'"),
        (lambda: no.LBFGS(np.zeros(2), m=5), "^LBFGS has no parameter 'm': did you mean 'memory'"),
        (lambda: no.LBFGS(np.zeros(2), max_iter=5), "did you mean 'maxiter'"),
        (lambda: no.SPG(np.zeros(2), bounds=None), "^SPG has no parameter 'bounds': did you mean 'onto'"),
        (lambda: no.SparseEvolution(np.zeros(2), lam=0.1), "did you mean 'penalty'"),
        (lambda: no.SET(no.SGD(0.1), layers=[(0, 2, 2)], sparsity=0.5), "did you mean 'density'"),
    ],
)
def test_a_wrong_keyword_is_answered_with_the_names_and_the_nearest(make, match):
    with pytest.raises(TypeError, match=match):
        make()


@pytest.mark.parametrize(
    ("name", "meant"),
    [("max_iter", "maxiter"), ("maxitr", "maxiter"), ("maxfev", "maxfun"), ("m", "maxcor"), ("verbose", "disp")],
)
def test_an_unknown_option_is_answered_with_the_nearest(name, meant):
    with pytest.warns(OptimizeWarning, match=rf"unknown options: {name} \(did you mean '{meant}'\?\); known: maxcor"):
        no.minimize(bowl, [1.0], jac=True, options={name: 1})


@pytest.mark.parametrize("name", ["maxcor", "maxls", "maxiter", "maxfun", "callback_every", "ftol", "gtol", "max_time"])
@pytest.mark.parametrize("value", [True, "1", 1j])
def test_an_option_that_is_no_number_is_named(name, value):
    with pytest.raises(TypeError, match=f"^{name} must be"):
        no.minimize(bowl, [1.0], jac=True, options={name: value})


@pytest.mark.parametrize("name", ["eps", "finite_diff_rel_step", "x_scale"])
@pytest.mark.parametrize("value", [True, "1", 1j])
def test_a_step_or_scale_that_is_no_number_is_named(name, value):
    with pytest.raises(TypeError, match=f"^{name} must be a positive number"):
        no.minimize(lambda x: float(x @ x), [1.0], options={name: value})


def test_a_tolerance_that_is_no_number_is_named():
    with pytest.raises(TypeError, match=r"^tol must be a number, got True"):
        no.minimize(bowl, [1.0], jac=True, tol=True)


@pytest.mark.parametrize("maxiter", [1.5, np.float64(1.5)])
def test_a_limit_may_be_any_number(maxiter):
    assert no.minimize(lambda x: (np.sum(x**4), 4 * x**3), [3.0, 2.0], jac=True, options={"maxiter": maxiter}).nit == 2


@pytest.mark.parametrize("method", ["LBFGS", "lbfgs", "L_BFGS", "l_bfgs_b", "L-BFGS-B", no.LBFGS, no.lbfgs])
def test_spellings_of_l_bfgs(method):
    result = no.minimize(bowl, [1.0, 2.0], jac=True, method=method)
    assert result.success
    assert isinstance(result.state, no.LBFGS)


def test_other_spellings():
    result = no.minimize(bowl, [1.0], jac=True, method="spg", bounds=[(0, 1)])
    assert isinstance(result.state, no.SPG)
    result = no.minimize(lambda x: float(x @ x), [1.0], method="sparse_evolution", options={"maxfun": 50})
    assert isinstance(result.state, no.SparseEvolution)


def test_a_class_of_rules_is_no_method():
    with pytest.raises(ValueError, match=r"a rule with its numbers, such as Adam\(1e-2\)"):
        no.minimize(bowl, [1.0], jac=True, method=no.Adam)


@pytest.mark.parametrize("method", [None, "SPG", "SparseEvolution"])
def test_an_empty_start(method):
    with pytest.raises(ValueError, match=r"^x0 is empty"):
        no.minimize(lambda x: 0.0, [], method=method)


def test_a_list_as_args_is_one_argument_as_in_scipy():
    seen = []
    no.minimize(lambda x, *args: (seen.append(args), float(x @ x))[1], [1.0], [3.0, 4.0])
    assert seen[0] == ([3.0, 4.0],)


def test_bounds_objects_are_taken_everywhere():
    bounds = Bounds(0.5, [1.0, 2.0])
    for given in ({"bounds": bounds}, {"constraints": bounds}):
        np.testing.assert_allclose(no.minimize(bowl, [1.0, 1.0], jac=True, **given).x, 0.5)
        result = no.minimize(
            lambda x: float(x @ x),
            [1.0, 1.0],
            method="SparseEvolution",
            options={"maxfun": 200, "penalize": np.zeros(2, bool)},
            **given,
        )
        assert np.all((result.x >= 0.5) & (result.x <= [1.0, 2.0]))
    with pytest.raises(ValueError, match="give bounds"):
        no.minimize(bowl, [1.0, 1.0], jac=True, bounds=bounds, constraints=bounds)


@pytest.mark.parametrize("call", ["update", "tell", "project"])
def test_a_strided_vector_of_another_size_is_not_copied(call):
    """It spans 2^40 entries, of which no machine here could make a copy."""
    x, huge = np.zeros(3), np.lib.stride_tricks.as_strided(np.zeros(1), (2**40,), (0,))
    opt, solver = no.SGD(0.1).init(x), no.LBFGS(x)
    calls = {
        "update": (lambda: opt.update(x, huge), "3 entries, got x"),
        "tell": (lambda: solver.tell(1.0, huge), "the gradient has 1099511627776 entries, but x has 3"),
        "project": (lambda: no.project(huge, no.NonNegative(), out=x), "out must be"),
    }
    with pytest.raises(ValueError, match=calls[call][1]):
        calls[call][0]()


def test_masked_entries_of_a_gradient_are_refused():
    x, g = np.zeros(2), np.ma.masked_array([1.0, 2.0], [False, True])
    for call in (lambda: no.SGD(0.1).init(x).update(x, g), lambda: no.LBFGS(x).tell(1.0, g)):
        with pytest.raises(ValueError, match="has masked entries"):
            call()
    with pytest.raises(ValueError, match=r"^x has masked entries"):
        no.project(g, no.NonNegative())
    with pytest.raises(TypeError, match="lower must hold numbers"):
        no.Box(g, 3.0)


@pytest.mark.jit_only
class TestCompiled:
    def first_line(self, function, *args):
        with pytest.raises(TypeError) as caught:
            njit(function)(*args)
        text = str(caught.value)
        assert "test_refusals.py" in text  # the line of the user's code follows
        return text.splitlines()[0]

    def test_what_python_alone_calls(self):
        x, fun = np.zeros(2), njit(lambda x: x[0])
        assert "drive a solver" in self.first_line(lambda fun, x: no.minimize(fun, x), fun, x)
        assert "ask and tell" in self.first_line(lambda fun, x: no.lbfgs(fun, x), fun, x)
        assert "called from Python" in self.first_line(lambda fun, x: no.check_gradient(fun, x), fun, x)
        assert "called from Python" in self.first_line(lambda x: no.plot_convergence(x), x)
        assert "called from Python" in self.first_line(lambda: no.show_config())
        assert "made in Python" in self.first_line(lambda x: no.SET(x), x)

    def test_wrong_keywords(self):
        assert "did you mean 'learning_rate'" in self.first_line(lambda: no.Adam(lr=0.1))
        assert "did you mean 'learning_rate'" in self.first_line(lambda: no.NAdam(lr=0.1))
        assert "did you mean 'memory'" in self.first_line(lambda x: no.LBFGS(x, m=3), np.zeros(2))

    def test_wrong_vectors_and_sets(self):
        assert "LBFGS: x0 must be a vector" in self.first_line(lambda x: no.LBFGS(x), np.zeros((2, 2)))
        assert "x must be a vector" in self.first_line(lambda x: no.SGD(0.1).init(x), np.zeros((2, 2)))
        assert "project: not a set" in self.first_line(lambda x: no.project(x, 3.0), np.zeros(2))
        assert "would climb" in self.first_line(lambda x: no.Clip(1.0).init(x), np.zeros(2))
