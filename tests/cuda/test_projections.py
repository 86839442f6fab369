"""Projections of device arrays against rational arithmetic and the CPU; in the simulator, or on a GPU."""

import gc
import math

import numpy as np
import pytest
from projections.set_cases import CASES, PAIRS, SMALLEST, assert_near, label, largest, norm1, random_vector, singles

import numopt as no

cuda = pytest.importorskip("numba.cuda", reason="needs numba-cuda")

from numopt.cuda import fields, threshold  # noqa: E402
from numopt.cuda.device import new_vector  # noqa: E402
from numopt.cuda.projections import project_device  # noqa: E402

pytestmark = [pytest.mark.kernel, pytest.mark.filterwarnings("ignore::RuntimeWarning")]  # of NumPy, in the simulator

INF, NAN = np.inf, np.nan
WITHOUT_KERNEL = {
    "GroupL1Ball",
    "L0Ball",
    "SparseSimplex",
    "AffineSet",
}
ON_DEVICE = [(case, dtype) for case, dtype in PAIRS if case.name not in WITHOUT_KERNEL]
BY_ENTRY = {"NonNegative", "Box", "Hypercube", "LinfBall", "Disc", "UnitModulus", "ComplexBox"}
LEVELS = [
    ("L1Ball", float),
    ("L1Ball", complex),
    ("L1Sphere", float),
    ("L1Sphere", complex),
    ("Simplex", float),
]


def case_of(name):
    return next(case for case in CASES if case.name == name)


def projected(x, onto):
    return no.project(cuda.to_device(np.array(x)), onto).copy_to_host()


def same(x, onto, expected):
    np.testing.assert_array_equal(projected(x, onto), expected)


@pytest.fixture
def many_launches(monkeypatch):
    """Short vectors go the way of long ones, with a sample of a few entries."""
    settings = {"ALONE": 2, "IN_A_ROW": 2}
    for name, value in settings.items():
        monkeypatch.setattr(threshold, name, value)
    threshold.kernels.cache_clear()  # a compiled kernel would go on with the numbers of before
    yield
    threshold.kernels.cache_clear()


# --- against rational arithmetic -------------------------------------------------------------------------------------


# the functions of an entry are those of the CPU, whose tests are thorough
SCALED = [pair for pair in ON_DEVICE if pair[0].name not in BY_ENTRY]


@pytest.mark.parametrize(
    ("case", "dtype", "n", "scale"),
    [(*pair, n, 1.0) for pair in ON_DEVICE for n in (1, 30)]
    + [(*pair, 3, scale) for pair in SCALED for scale in (1e-280, 1e280, 1000 * SMALLEST)],
    ids=label,
)
def test_equals_rational_arithmetic(case, dtype, n, scale):
    rng = np.random.default_rng([n, len(case.name)])
    parameters = case.scaled(case.parameters(n, rng, dtype), scale)
    x = random_vector(rng, n, dtype)
    x = np.rint(1000 * x) * SMALLEST if scale < 1e-300 else x * scale
    if n == 30:
        x[::3] = np.rint(1.5 * x[::3])  # ties, zeros
    device = cuda.to_device(x)
    out = new_vector(n, x.dtype)
    assert no.project(device, case.set(*parameters), out=out) is out
    np.testing.assert_array_equal(device.copy_to_host(), x)
    assert_near(out.copy_to_host(), case.exact(x, *parameters), x)
    assert no.project(device, case.set(*parameters), out=device) is device
    np.testing.assert_array_equal(device.copy_to_host(), out.copy_to_host())


@pytest.mark.parametrize("case", [case for case, dtype in ON_DEVICE if dtype is float], ids=label)
def test_single_precision(case):
    for onto, x, expected in singles(case):
        assert_near(projected(x, onto), expected, x, eps=np.finfo(np.float32).eps)


# --- single precision ------------------------------------------------------------------------------------------------

EPS32, SMALLEST32 = np.finfo(np.float32).eps, float(np.finfo(np.float32).smallest_subnormal)


@pytest.fixture(params=["one block", "many launches"])
def any_launches(request):
    if request.param == "many launches":
        request.getfixturevalue("many_launches")


@pytest.mark.parametrize("ratio", [3e-6, 1e-10, 1e-35])
@pytest.mark.parametrize("name", ["L1Ball", "L1Sphere", "Simplex"])
def test_singles_are_right_to_an_ulp_of_a_radius_far_below_them(any_launches, name, ratio):
    case, n = case_of(name), 40
    rng = np.random.default_rng(n)
    size = 1.0 if ratio == 3e-6 else 0.0  # below the spacing of the numbers around 1 only ties remain
    x = (1.0 + size * np.rint(rng.uniform(-9, 3, n)) * 2.0**-22).astype(np.float32)
    x[::2] *= -0.3 if name == "Simplex" else -1.0
    x[3], r = 0.0, ratio * n
    expected, p = case.exact(x.astype(float), r), projected(x, case.set(r))
    assert np.count_nonzero(expected) > 2
    assert_near(p, expected.astype(np.float32), np.array([r]), eps=EPS32)
    assert abs(norm1(p) / r - 1) <= 4 * EPS32 + n * SMALLEST32 / r


@pytest.mark.parametrize("name", ["L1Ball", "Simplex", "LinfNorm"])
@pytest.mark.parametrize("scale", [1e-43, 1e-38, 1e37])
def test_thresholds_of_tiny_and_huge_singles(name, scale):
    x = (scale * np.random.default_rng(7).standard_normal(50)).astype(np.float32)
    r = 4.0 * scale
    if name == "LinfNorm":
        expected, p = x - case_of("L1Ball").exact(x.astype(float), r), projected_by_prox(x, no.LinfNorm(r))
    else:
        expected, p = case_of(name).exact(x.astype(float), r), projected(x, case_of(name).set(r))
    np.testing.assert_allclose(p, expected, rtol=0, atol=4 * EPS32 * largest(x) + SMALLEST32)


def projected_by_prox(x, of):
    return no.prox(cuda.to_device(x), of).copy_to_host()


def test_a_sum_of_singles_beyond_their_range(any_launches):
    x = np.tile(np.float32([1e38, -2e38, 1e38, 0.0]), 8)
    p = projected(x, no.L1Sphere(6.4e39))
    np.testing.assert_allclose(p, np.tile([2e38, -3e38, 2e38, 1e38], 8), rtol=4 * EPS32)
    x = np.full(30, -3e38, np.float32)
    x[4] = 3e38
    p = projected(x, no.Simplex(6.6e39))
    np.testing.assert_allclose(p, np.where(x > 0, INF, 2e38), rtol=8 * EPS32)
    assert (projected(x, no.Simplex(1e300)) == INF).all()


WIDE_SCALES = [1e-44, 1e-38, 1e-20, 1.0, 1e20, 1e38]


@pytest.mark.parametrize("radius", [1e-60, 1e-44, 1e-38, 1e-10, 1.0, 1e10, 1e38, 1e60])
@pytest.mark.parametrize("make", [no.L2Ball, no.L2Sphere], ids=label)
def test_2_norms_of_singles_of_any_size(make, radius):
    """Every entry is right where it can be represented, beside zeros and much smaller ones."""
    for scale in WIDE_SCALES:
        x = (scale * np.array([0.0, 1.0, -1e-3, 0.25, 3e-20, -0.5])).astype(np.float32)
        wide = x.astype(float)
        norm = np.sqrt(np.sum((wide / scale) ** 2)) * scale
        expected = x if make is no.L2Ball and norm <= radius else (wide / norm * radius).astype(np.float32)
        p = projected(x, make(radius))
        assert p.dtype == np.float32
        np.testing.assert_allclose(p, expected, rtol=4 * EPS32, atol=SMALLEST32)


@pytest.mark.parametrize("scale", WIDE_SCALES)
def test_cones_and_shrinkage_of_singles_of_any_size(scale):
    x = (scale * np.array([0.4, 1.0, -1e-3, 0.25, 0.0, -0.5])).astype(np.float32)
    wide = x.astype(float)
    for head in (0.4, -0.3, 2.0, -2.0):
        wide[0] = x[0] = np.float32(scale * head)
        expected = case_of("SecondOrderCone").exact(wide)
        np.testing.assert_allclose(projected(x, no.SecondOrderCone()), expected, rtol=4 * EPS32, atol=SMALLEST32)
    norm = np.sqrt(np.sum((wide / scale) ** 2)) * scale
    for share in (1e-12, 0.3, 0.999, 2.0):
        expected = wide * max(1 - share, 0)
        np.testing.assert_allclose(
            projected_by_prox(x, no.L2Norm(share * norm)), expected, rtol=8 * EPS32, atol=SMALLEST32
        )


@pytest.mark.parametrize("scale", WIDE_SCALES)
@pytest.mark.parametrize("length", [2.0**-30, 2.0**-9, 1.0, 2.0**9, 2.0**40])
def test_planes_for_singles_of_any_size(scale, length):
    normal, x = length * np.array([0.5, -0.25, 0.0, 1.0]), (scale * np.array([1.0, 0.3, -0.7, 0.01])).astype(np.float32)
    wide = x.astype(float)
    for share in (-1.0, 0.0, 0.4, 1.0):
        offset = share * scale * length
        expected = wide - normal / length**2 * (np.sum(normal * wide) - offset) / 1.3125
        p = projected(x, no.Hyperplane(normal, offset))
        np.testing.assert_allclose(p, expected, rtol=0, atol=4 * EPS32 * largest(x, expected) + SMALLEST32)
        assert p[2] == x[2]


def test_a_step_of_singles_that_overflows():
    same(np.float32([3e38]), no.Hyperplane([1.0], -float(np.float32(3e38))), np.float32([-3e38]))
    same(np.float32([1.0, 2.0]), no.Hyperplane([1.0, 0.0], 1e60), [INF, 2.0])


# --- many launches ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [0, 2])
@pytest.mark.parametrize(("name", "dtype"), LEVELS, ids=label)
def test_the_launches_of_long_vectors(many_launches, monkeypatch, name, dtype, steps):
    """With too few steps, one block finishes."""
    monkeypatch.setattr(threshold, "STEPS", steps)
    case, n = case_of(name), 60
    rng = np.random.default_rng(steps)
    x = random_vector(rng, n, dtype)
    for y, share in ((x, 0.05), (np.rint(3 * x), 0.3), (x, 1e-20)):
        r = share * norm1(y)
        p = projected(y, case.set(r))
        assert_near(p, case.exact(y, r), y)
        assert abs(math.fsum(np.abs(p)) / r - 1) <= 1e-14
    if steps == 0:
        inside = 2 * norm1(x)
        assert_near(projected(x, case.set(inside)), case.exact(x, inside), np.array([inside]))
        same(x, case.set(0.0), np.zeros(n))
        x[47] = NAN
        assert np.isnan(projected(x, case.set(1.0))).all()


def test_a_sample_that_tells_nothing(many_launches):
    x = np.zeros(120)
    x[::2] = -INF
    x[119] = 3.0
    same(x, no.Simplex(1.0), np.eye(120)[119])
    same(np.full(64, 2.0), no.Simplex(64.0), np.ones(64))
    same(np.eye(120)[7], no.L1Ball(0.5), 0.5 * np.eye(120)[7])


def test_in_place_by_many_launches(many_launches):
    x = np.random.default_rng(0).standard_normal(150)
    device = cuda.to_device(x)
    project_device(no.L1Ball(3.0), device, 0)
    assert_near(device.copy_to_host(), no.project(x, no.L1Ball(3.0)), x)


@pytest.mark.parametrize("onto", [no.L1Ball(5.0), no.L2Ball(1.0), no.CappedSimplex(2.0)])
def test_a_set_of_whole_vectors_at_the_end_of_a_chain(onto):
    x, g = np.linspace(-2, 3, 20), np.ones(20)
    rules = no.chain(no.SGD(0.1), onto)
    device, expected = cuda.to_device(x), x.copy()
    on_device, on_host = rules.init(device), rules.init(expected)
    for _ in range(2):
        on_device.update(device, cuda.to_device(g))
        on_host.update(expected, g)
    assert_near(device.copy_to_host(), expected, x)


# --- edges -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("case", "dtype"), ON_DEVICE, ids=label)
def test_a_nan_anywhere_is_a_nan_everywhere(case, dtype):
    rng = np.random.default_rng(1)
    onto, x = case.set(*case.parameters(20, rng, dtype)), random_vector(rng, 20, dtype)
    x[19] = NAN if dtype is float else complex(INF, NAN)
    assert np.isnan(projected(x, onto)).all()


@pytest.mark.parametrize(
    "make", [no.L1Ball, no.L1Sphere, no.L2Ball, no.L2Sphere, no.LinfBall, no.Simplex, no.Hypercube]
)
def test_radius_zero_gives_zero(make):
    for x in ([1.0, -2.0, 3.0], [0.0, 0.0, 0.0], [-1e300, 1e300, 1e300], [SMALLEST, 0.0, -SMALLEST]):
        same(x, make(0.0), np.zeros(3))
    assert np.isnan(projected([1.0, NAN, 2.0], make(0.0))).all()


@pytest.mark.parametrize("dtype", [float, complex])
def test_spheres_give_the_zero_vector_a_phase_of_one(dtype):
    zero = np.zeros(4, dtype)
    same(zero, no.L2Sphere(3.0), [3, 0, 0, 0])
    same(zero, no.L1Sphere(3.0), np.full(4, 0.75))
    same(-zero, no.UnitModulus(), np.ones(4))
    same(np.array([0, -2, 0, 0], dtype), no.L1Sphere(6.0), [1, -3, 1, 1])


def test_inside_nothing_moves():
    same([3.0, -4.0], no.L2Ball(5.0), [3, -4])
    same([3j, -4.0], no.L1Ball(7.0), [3j, -4])
    same([3.0, 4.0], no.Simplex(7.0), [3, 4])
    same([3.0, 4.0], no.Halfspace(np.ones(2), 7.0), [3, 4])
    same([0.0, 0.0], no.L2Ball(1.0), [0, 0])


def test_ties_share():
    same([2.0, -2.0, 2.0, 0.5], no.L1Ball(3.0), [1, -1, 1, 0])
    same([2.0, -2.0, 2.0, 0.25], no.Simplex(3.0), [1.5, 0, 1.5, 0])


def test_the_second_order_cone_has_its_axis_first():
    for x, p in (
        ([5.0, 3.0, 4.0], [5, 3, 4]),
        ([-5.0, 3.0, 4.0], [0, 0, 0]),
        ([0.0, 3.0, 4.0], [2.5, 1.5, 2]),
        ([2.0, 0.0, 0.0], [2, 0, 0]),
        ([-2.0], [0]),
        ([2 + 7j], [2]),
        ([0 + 7j, 3j, 4.0], [2.5, 1.5j, 2]),
    ):
        same(x, no.SecondOrderCone(), p)
    assert np.isnan(projected([complex(1, INF), 1.0], no.SecondOrderCone())).all()


def test_infinities():
    same([-INF, 3.0, 2.75], no.Simplex(1.0), [0, 0.625, 0.375])
    same([INF, -INF, 0.25], no.Box(-1.0, 2.0), [2, -1, 0.25])
    for onto in (no.L1Ball(1.0), no.L1Sphere(1.0), no.L2Ball(1.0), no.L2Sphere(1.0)):
        assert np.isnan(projected([1.0, -INF], onto)).all()
        assert np.isnan(projected([complex(0, -INF), 1.0], onto)).all()
    for x in ([-INF, -INF], [INF, 1.0], [INF, -INF]):
        assert np.isnan(projected(x, no.Simplex(1.0))).all()


@pytest.mark.parametrize("name", ["L1Ball", "L1Sphere", "Simplex", "L2Ball", "L2Sphere"])
def test_sums_and_norms_that_overflow(name):
    case = case_of(name)
    for radius in (1.0, 1.7e308):
        for x in (np.full(4, 1.7e308), np.array([1.7e308, -1.6e308, 1.5e308, 1.0])):
            assert_near(projected(x, case.set(radius)), case.exact(x, radius), x)


@pytest.mark.parametrize("name", ["L1Ball", "L1Sphere"])
def test_moduli_that_overflow(name):
    x, case = 1.7e308 * np.array([1 + 1j, 0.5 - 1j, 1e-3]), case_of(name)
    for radius in (1.0, 1e300, 1.7e308):
        assert_near(projected(x, case.set(radius)), case.exact(x, radius), x)


@pytest.mark.parametrize("x", [[SMALLEST * 1j, 0], [1e-300 + 1e-290j, 3e-310], [3.0, -1e-20j]])
def test_small_moduli_that_grow_large(x):
    for r in (1.0, 1e300):
        assert_near(
            projected(np.array(x, complex), no.L1Sphere(r)), case_of("L1Sphere").exact(np.array(x), r), np.array([r])
        )


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_normals_whose_square_over_or_underflows(size):
    case, rng = case_of("Halfspace"), np.random.default_rng(5)
    a, b = case.parameters(7, rng, complex)
    x = random_vector(rng, 7, complex)
    parameters = (a * size, b * size)
    assert_near(projected(x, case.set(*parameters)), case.exact(x, *parameters), x)


def test_a_real_normal_for_complex_vectors():
    onto, x = no.Hyperplane([1.0, 2.0, 0.0], 1.0), np.array([1 + 2j, 3j, 1 - 1j])
    assert_near(projected(x, onto), no.project(x, onto), x)


def test_empty_vectors():
    for onto in (no.L1Ball(1.0), no.L2Ball(1.0), no.NonNegative(), no.Simplex(0.0), no.Box(np.zeros(0), 1.0)):
        p = projected(np.zeros(0), onto)
        assert p.shape == (0,)
        assert p.dtype == float
    for onto in (no.L1Sphere(1.0), no.L2Sphere(1.0), no.Simplex(1.0), no.SecondOrderCone()):
        with pytest.raises(ValueError, match="no vector of 0 entries"):
            projected(np.zeros(0), onto)


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("onto", [no.L1Ball, no.L1Sphere, no.L2Ball, no.L2Sphere], ids=lambda onto: onto.__name__)
def test_far_powers_of_two_scale_bit_for_bit(onto, dtype):
    x = random_vector(np.random.default_rng(4), 40, dtype)
    p = projected(x, onto(3.0))
    for factor in (2.0**-980, 2.0**-500, 2.0**-467, 2.0**467, 2.0**500, 2.0**1000):
        np.testing.assert_array_equal(projected(factor * x, onto(3.0 * factor)), factor * p)


# --- proximal operators ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", [no.L1Norm(0.5), no.L2Norm(2.0), no.L2Norm(1e3), no.LinfNorm(3.0), no.LinfNorm(1e3)])
@pytest.mark.parametrize("dtype", [float, complex, np.float32, np.complex64])
def test_proximal_operators(norm, dtype):
    x = random_vector(np.random.default_rng(2), 40, dtype)
    p = no.prox(cuda.to_device(x), norm).copy_to_host()
    assert_near(p, no.prox(x, norm), x, eps=np.finfo(dtype).eps)
    x[3] = NAN
    assert np.isnan(no.prox(cuda.to_device(x), norm).copy_to_host()).all()
    same(np.zeros(3), no.L2Ball(1.0), np.zeros(3))


# --- what is put on the device, and what is wrong --------------------------------------------------------------------


def test_fields_are_put_on_the_device_once(monkeypatch):
    onto, x = no.Box(np.zeros(5), np.ones(5)), cuda.to_device(np.full(5, 3.0))
    uploads = []
    upload = cuda.to_device
    monkeypatch.setattr(cuda, "to_device", lambda *args, **kw: uploads.append(args) or upload(*args, **kw))
    for _ in range(3):
        np.testing.assert_array_equal(no.project(x, onto).copy_to_host(), np.ones(5))
    assert len(uploads) == 2


def test_fields_leave_the_device_with_their_set():
    onto, x = no.Box(np.zeros(5), np.ones(5)), cuda.to_device(np.full(5, 3.0))
    for dtype in (np.float64, np.float32):
        no.project(cuda.to_device(x.copy_to_host().astype(dtype)), onto)
    places = {id(onto.lower), id(onto.upper)}
    assert places <= set(fields._kept)
    del onto
    gc.collect()
    assert not places & set(fields._kept)


def test_matrices_count_as_vectors():
    x = np.arange(6.0).reshape(2, 3)
    out = cuda.to_device(x)
    assert no.project(out, no.Box(1.0, 3.0), out=out) is out
    np.testing.assert_array_equal(out.copy_to_host(), np.clip(x, 1, 3))


def test_streams():
    x, stream = cuda.to_device(np.array([3.0, -1.0, 0.5])), cuda.stream()
    p = no.project(x, no.L1Ball(2.0), stream=stream)
    stream.synchronize()
    np.testing.assert_array_equal(p.copy_to_host(), [2, 0, 0])
    with pytest.raises(ValueError, match="stream"):
        no.project(np.ones(3), no.L1Ball(2.0), stream=stream)


def test_what_else_has_no_kernel():
    for onto in (no.Intersection(no.L1Ball(1.0), no.NonNegative()), no.GroupL1Norm([0, 0, 1], 1.0)):
        with pytest.raises(TypeError, match=f"no kernel for {type(onto).__name__}"):
            no.prox(cuda.to_device(np.ones(3)), onto)


@pytest.mark.parametrize("name", sorted(WITHOUT_KERNEL))
def test_a_set_without_a_kernel_names_those_that_have_one(name):
    case = case_of(name)
    parameters = case.parameters(5, np.random.default_rng(0), float)
    with pytest.raises(TypeError, match=f"no kernel for {name}; .*Box, .*L1Ball, .*Simplex"):
        projected(np.ones(5), case.set(*parameters))


def test_host_and_device_do_not_mix():
    onto, device = no.L1Ball(1.0), cuda.to_device(np.ones(3))
    with pytest.raises(TypeError, match="out must be, too"):
        no.project(device, onto, out=np.ones(3))
    with pytest.raises(TypeError, match="out is on the GPU"):
        no.project(np.ones(3), onto, out=device)


@pytest.mark.parametrize("take", [no.L1Ball(1.0).contains, no.LBFGS, no.SparseEvolution, no.SPG])
def test_what_works_on_the_host_refuses_vectors_of_a_device(take):
    with pytest.raises(TypeError, match="is on a GPU, but this works on the host"):
        take(cuda.to_device(np.ones(3)), *([no.L1Ball(1.0)] if take is no.SPG else []))


def test_what_does_not_fit_raises():
    onto, device = no.L1Ball(1.0), cuda.to_device(np.ones(3))
    for out in (np.ones(2), np.ones(3, np.float32), np.ones(3, complex)):
        with pytest.raises(ValueError, match="out must be a float64 vector of 3 entries"):
            no.project(device, onto, out=cuda.to_device(out))
    with pytest.raises(TypeError, match="x must be float32"):
        no.project(cuda.to_device(np.ones(3, int)), onto)
    with pytest.raises(TypeError, match="complex"):
        no.project(cuda.to_device(np.ones(3, complex)), no.Box(0.0, 1.0))
    with pytest.raises(ValueError, match="3 entries"):
        no.project(device, no.Box(np.zeros(2), 1.0))
    with pytest.raises(TypeError, match="onto must be a set"):
        no.project(device, 1.0)


def test_an_out_that_overlaps_x_raises():
    both = cuda.to_device(np.ones(6))
    with pytest.raises(ValueError, match="shares a part"):
        no.project(both[:4], no.L1Ball(1.0), out=both[2:])
    no.project(both[:3], no.L1Ball(1.0), out=both[3:])
    np.testing.assert_allclose(both.copy_to_host(), [1, 1, 1, 1 / 3, 1 / 3, 1 / 3])


def test_fields_on_the_device_raise():
    onto = tuple.__new__(no.Box, (0.0, cuda.to_device(np.ones(3))))
    with pytest.raises(TypeError, match="arrays on the host"):
        projected(np.ones(3), onto)
