"""Numba's cache of the tests lies in a folder that nobody else can write to."""

import os
import shutil
import stat
import sys
from pathlib import Path

import pytest
from cache_folder import KEPT_SECONDS, cache_folder, user_cache

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
    assert folder != cache_folder(NAME)
    assert not hasattr(os, "getuid") or (mode(folder), folder.stat().st_uid) == (0o700, os.getuid())
    shutil.rmtree(folder)


def test_is_below_the_users_cache_and_the_same_each_time(home):
    folder = cache_folder(NAME)
    assert folder == home / NAME
    (folder / "file").touch()
    assert cache_folder(NAME) == folder
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
    folder = cache_folder(NAME)
    assert mode(folder) == 0o700
    folder.chmod(0o755)
    assert mode(cache_folder(NAME)) == 0o700


@needs_owners
@pytest.mark.parametrize("place", [".", NAME])
@pytest.mark.parametrize("bits", [0o020, 0o002])
def test_a_folder_that_others_may_write_to_is_not_used(home, place, bits):
    cache_folder(NAME)
    (home / place).chmod(0o700 | bits)
    assert_fresh(cache_folder(NAME), home)


@needs_owners
def test_a_folder_of_somebody_else_is_not_used(home, monkeypatch):
    cache_folder(NAME)
    monkeypatch.setattr("cache_folder.os.getuid", lambda: home.stat().st_uid + 1)
    folder = cache_folder(NAME)
    assert home not in folder.parents
    shutil.rmtree(folder)


@needs_owners
def test_a_link_to_a_folder_is_not_used(home, tmp_path):
    planted = tmp_path / "planted"
    planted.mkdir()
    home.mkdir()
    (home / NAME).symlink_to(planted)
    assert_fresh(cache_folder(NAME), home)


def test_a_file_in_its_place_is_left_alone(home):
    home.mkdir()
    (home / NAME).write_text("somebody's")
    assert_fresh(cache_folder(NAME), home)
    assert (home / NAME).read_text() == "somebody's"


def test_without_a_home(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("cache_folder.user_cache", homeless)
    folder = cache_folder(NAME)
    assert folder.is_dir()
    shutil.rmtree(folder)


def test_old_files_are_removed(home):
    folder = cache_folder(NAME)
    (folder / "below").mkdir()
    for age, name in ((0.5, "new"), (1.5, "old")):
        for path in (folder / name, folder / "below" / name):
            path.touch()
            then = path.stat().st_mtime - age * KEPT_SECONDS
            os.utime(path, (then, then))
    cache_folder(NAME)
    assert sorted(path.name for path in folder.rglob("*")) == ["below", "new", "new"]
