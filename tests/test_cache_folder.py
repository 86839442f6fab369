"""Numba's cache of the tests lies in a folder that nobody else can write to."""

import os
import shutil
import stat
import sys
from pathlib import Path

import pytest
from cache_folder import IN_USE_SECONDS, KEPT, cache_folder, user_cache

NAME = "numopt-tests"
needs_owners = pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs POSIX owners and modes")
needs_xdg = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="needs XDG_CACHE_HOME")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A cache folder of the user, in the place of the real one."""
    monkeypatch.setattr("cache_folder.user_cache", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def mode(folder):
    return stat.S_IMODE(folder.stat().st_mode)


def assert_fresh(folder, home):
    """A folder of this user alone, empty, with a name that nobody can know before."""
    assert home not in folder.parents
    assert not list(folder.iterdir())
    assert folder != cache_folder(NAME, "key")
    assert not hasattr(os, "getuid") or (mode(folder), folder.stat().st_uid) == (0o700, os.getuid())
    shutil.rmtree(folder)


def test_is_below_the_users_cache_and_the_same_each_time(home):
    folder = cache_folder(NAME, "key")
    assert folder == home / NAME / "key"
    (folder / "file").touch()
    assert cache_folder(NAME, "key") == folder
    assert (folder / "file").exists()


@needs_xdg
def test_where_the_users_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_cache() == tmp_path
    for nowhere in ("", "relative/path"):
        monkeypatch.setenv("XDG_CACHE_HOME", nowhere)
        assert user_cache() == Path.home() / ".cache"


@needs_owners
def test_others_may_not_even_read_it(home):
    folder = cache_folder(NAME, "key")
    assert (mode(folder), mode(folder.parent)) == (0o700, 0o700)
    folder.chmod(0o755)
    assert mode(cache_folder(NAME, "key")) == 0o700


@needs_owners
@pytest.mark.parametrize("place", [".", NAME, f"{NAME}/key"])
@pytest.mark.parametrize("bits", [0o020, 0o002])
def test_a_folder_that_others_may_write_to_is_not_used(home, place, bits):
    cache_folder(NAME, "key")
    (home / place).chmod(0o700 | bits)
    assert_fresh(cache_folder(NAME, "key"), home)


@needs_owners
def test_a_folder_of_somebody_else_is_not_used(home, monkeypatch):
    cache_folder(NAME, "key")
    monkeypatch.setattr("cache_folder.os.getuid", lambda: home.stat().st_uid + 1)
    folder = cache_folder(NAME, "key")
    assert home not in folder.parents
    shutil.rmtree(folder)


@needs_owners
@pytest.mark.parametrize("place", [NAME, f"{NAME}/key"])
def test_a_link_to_a_folder_is_not_used(home, tmp_path, place):
    planted = tmp_path / "planted"
    (planted / "key").mkdir(parents=True)
    (home / place).parent.mkdir(parents=True)
    (home / place).symlink_to(planted)
    assert_fresh(cache_folder(NAME, "key"), home)


def test_a_file_in_its_place_is_left_alone(home):
    home.mkdir()
    (home / NAME).write_text("somebody's")
    assert_fresh(cache_folder(NAME, "key"), home)
    assert (home / NAME).read_text() == "somebody's"


def test_without_a_home(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("cache_folder.user_cache", homeless)
    folder = cache_folder(NAME, "key")
    assert folder.is_dir()
    shutil.rmtree(folder)


def test_folders_of_earlier_states_are_removed(home):
    def made(key, age):
        folder = cache_folder(NAME, key)
        then = folder.stat().st_mtime - age
        os.utime(folder, (then, then))
        return folder

    old = [made(f"old{k}", (k + 2) * IN_USE_SECONDS) for k in range(KEPT + 2)]
    in_use = [made(f"used{k}", 0.5 * IN_USE_SECONDS) for k in range(KEPT + 1)]
    newest = cache_folder(NAME, "new")
    assert sorted(home.joinpath(NAME).iterdir()) == sorted([newest, *in_use])
    assert not any(folder.exists() for folder in old)


def test_the_last_states_are_kept_however_old(home):
    for k in range(KEPT - 1):
        folder = cache_folder(NAME, f"key{k}")
        os.utime(folder, (k, k))
    cache_folder(NAME, "new")
    assert len(list((home / NAME).iterdir())) == KEPT
