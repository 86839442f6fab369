"""The door to parallel kernels: the same bits as the serial one, for any number of threads, callers and processes."""

import os
import signal
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

from numopt._jit import PLAIN, _parallel, run_parallel
from numopt._vector import PARALLEL_FROM, dot, threaded_dot

SIZE = PARALLEL_FROM + 1 if PLAIN else 10**6  # a loop in Python takes its time


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(1)
    return rng.normal(size=SIZE), rng.normal(size=SIZE)


@pytest.fixture
def threads():
    before = numba.get_num_threads()
    yield numba.config.NUMBA_NUM_THREADS
    numba.set_num_threads(before)


def which(*args, **kwargs):
    return run_parallel(lambda *rest: ("parallel", *rest), lambda *rest: ("serial", *rest), *args, **kwargs)


def test_parallel_and_serial_kernel_give_the_same_bits(vectors):
    assert threaded_dot(*vectors) == dot(*vectors)


@pytest.mark.parametrize("number", [1, 2])
def test_bits_do_not_depend_on_the_number_of_threads(vectors, threads, number):
    numba.set_num_threads(min(number, threads))
    assert threaded_dot(*vectors) == dot(*vectors)


def test_one_thread_is_served_by_the_serial_kernel(threads):
    numba.set_num_threads(1)
    assert which(1, 2) == ("serial", 1, 2)


def test_several_threads_are_served_by_the_parallel_kernel(monkeypatch):
    monkeypatch.setattr(numba, "get_num_threads", lambda: 2)
    for safe in (True, False):
        monkeypatch.setattr(_parallel, "_layer_is_thread_safe", lambda safe=safe: safe)
        assert which(1, 2) == ("parallel", 1, 2)


def test_forked_child_is_served_by_the_serial_kernel(monkeypatch):
    monkeypatch.setattr(numba, "get_num_threads", lambda: 2)
    monkeypatch.setattr(_parallel, "_forked", True)
    assert which(1) == ("serial", 1)


@pytest.mark.parametrize("safe", [True, False])
def test_callers_enter_an_unsafe_layer_one_by_one(monkeypatch, safe):
    monkeypatch.setattr(numba, "get_num_threads", lambda: 2)
    monkeypatch.setattr(_parallel, "_layer_is_thread_safe", lambda: safe)
    inside, most = [], []
    barrier = threading.Barrier(8)

    def kernel():
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.03)
        inside.pop()

    def enter(_):
        barrier.wait(60)
        run_parallel(kernel, None)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(enter, range(8)))
    assert len(most) == 8
    assert (max(most) == 1) is not safe


def test_exception_in_a_kernel_frees_the_lock(monkeypatch):
    monkeypatch.setattr(numba, "get_num_threads", lambda: 2)
    monkeypatch.setattr(_parallel, "_layer_is_thread_safe", lambda: False)

    def fail():
        raise KeyError

    with pytest.raises(KeyError):
        run_parallel(fail, None)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(which, 1).result(60) == ("parallel", 1)


@pytest.mark.jit_only
def test_eight_threads_at_once_get_the_same_bits(vectors):
    expected, barrier = dot(*vectors), threading.Barrier(8)

    def work(_):
        barrier.wait(60)
        return [threaded_dot(*vectors) for _ in range(20)]

    with ThreadPoolExecutor(8) as pool:
        results = [value for values in pool.map(work, range(8)) for value in values]
    assert set(results) == {expected}


@pytest.mark.jit_only
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_child_forked_while_the_lock_is_held_computes(vectors):
    expected = threaded_dot(*vectors)  # the parent's threads run now
    taken, done = threading.Event(), threading.Event()

    def hold():
        with _parallel._lock:
            taken.set()
            done.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait(60)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads: it is what is tested
            child = os.fork()
        if child == 0:
            _answer(vectors, expected)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    finally:
        done.set()
        holder.join()


def _answer(vectors, expected):
    """In the child: 7 if the result is right and the lock free; never returns to pytest."""
    status = 1
    try:
        signal.alarm(60)  # ends a child that hangs
        if threaded_dot(*vectors) == expected and _parallel._lock.acquire(blocking=False):
            status = 7
    finally:
        os._exit(status)
