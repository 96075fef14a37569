"""What was released stays as it was: its migrations, what it says to a registry, its changes; and a version is one commit."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from archive_parts import luutru
from record_statements import FOLDER as STATEMENTS

from luutru import __version__
from luutru.releases.building import MIGRATIONS
from luutru.releases.released import changed, read_released, released, taken_by
from residence.errors import Malformed

ROOT = Path(__file__).resolve().parents[2]
RELEASED = released()


def here() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (ROOT / MIGRATIONS).glob("*.py")}


def git(*words: object, folder: Path = ROOT) -> subprocess.CompletedProcess[bytes]:
    own = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    return subprocess.run(["git", *own, *map(str, words)], cwd=folder, capture_output=True, check=False)


def test_tables_change_by_new_migrations_only():
    assert changed(here(), RELEASED) == [], "put it back as it was released, and write a new migration"


def test_an_edited_a_renamed_and_a_missing_migration_are_found():
    for name, content in here().items():
        if name in RELEASED[0].migrations:
            assert changed(here() | {name: content + b"#\n"}, RELEASED) == [name]
            assert changed({f"new_{other}": text for other, text in here().items()}, RELEASED) == [*RELEASED[0].migrations]


def test_new_migrations_come_after_the_released_ones_in_one_line():
    from alembic.script import ScriptDirectory

    from registry.database import migrations

    script = ScriptDirectory.from_config(migrations())
    line = [Path(each.path).name for each in script.walk_revisions()]  # more than one head: refused here
    for each in RELEASED:
        older = [Path(one.path).name for one in script.iterate_revisions(each.revision, "base")]
        assert sorted(older) == sorted(each.migrations)
        assert line[len(line) - len(older) :] == older


def test_the_list_says_what_the_released_commits_hold():
    for each in RELEASED:
        if git("cat-file", "-e", f"{each.commit}^{{commit}}").returncode != 0:
            # A shallow clone or an unpacked archive has no older commits to compare with; the test above holds the files to their digests all the same.
            pytest.skip(f"{each.version} is not in this copy's history")
        names = git("ls-tree", "--name-only", each.commit, f"{MIGRATIONS}/").stdout.decode().split()
        then = {Path(name).name: git("show", f"{each.commit}:{name}").stdout for name in names if name.endswith(".py")}
        assert changed(then, [each]) == []
        assert set(then) == set(each.migrations)
        project = tomllib.loads(git("show", f"{each.commit}:pyproject.toml").stdout.decode())["project"]
        assert project["version"] == each.version
        tag = git("rev-parse", "--verify", "--quiet", f"refs/tags/v{each.version}^{{commit}}")
        assert tag.returncode != 0 or tag.stdout.decode().strip() == each.commit


def test_what_a_released_version_says_and_changed_is_not_rewritten():
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    for each in RELEASED:
        said = (STATEMENTS / f"{each.version}.json").read_bytes()
        assert hashlib.sha256(said).hexdigest() == each.statements, "a released version's statements are not recorded anew"
        section = re.search(rf"^## {re.escape(each.version)} - {each.day}\n(.*?)(?=^## |\Z)", changes, re.MULTILINE | re.DOTALL)
        assert section
        assert hashlib.sha256(section[1].strip().encode()).hexdigest() == each.changelog, "a new line belongs under Unreleased"


def test_this_version_is_one_and_not_a_released_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == __version__
    commit = git("rev-parse", "HEAD").stdout.decode().strip()
    assert taken_by(__version__, commit, RELEASED) is None


def entry(**more: str) -> str:
    words = {"version": "1.0.0", "commit": "a" * 40, "revision": "0001", "statements": "0" * 64, "changelog": "0" * 64} | more
    lines = [f'{name} = "{value}"' for name, value in words.items()]
    return "\n".join(["[[release]]", "day = 2026-11-29", *lines, "migrations = {}\n"])


@pytest.mark.parametrize(
    "text",
    [
        "release = 1",
        "[[release",
        entry(commit="a" * 12),
        entry(version="1.0.0.dev0"),
        entry(why="x"),
        entry() + entry(commit="b" * 40),
        entry() + entry(version="0.9.0"),
        entry(version="0.9.0") + entry(commit="b" * 40),
    ],
    ids=["no list", "no TOML", "short commit", "no release", "unknown word", "version twice", "commit twice", "oldest first"],
)
def test_a_list_that_names_nothing_for_certain_is_refused(text):
    assert read_released(entry())[0].version == "1.0.0"
    with pytest.raises(Malformed, match=r"release\.list"):
        read_released(text)


REFUSED = {
    "release.version_taken": (RELEASED[0].version, b""),
    "release.migration_edited": ("9.9.9", b"\n# one line more\n"),
}


@pytest.mark.parametrize("code", REFUSED)
def test_a_release_is_not_built_over_another(code, tmp_path):
    version, more = REFUSED[code]
    root = tmp_path / "root"
    (root / MIGRATIONS).mkdir(parents=True)
    (root / "pyproject.toml").write_text(f'[project]\nname = "luutru"\nversion = "{version}"\n', "utf-8")
    for name, content in here().items():
        (root / MIGRATIONS / name).write_bytes(content + more)
    git("init", "--quiet", folder=root)
    git("add", ".", folder=root)
    assert git("commit", "--quiet", "-m", "a release", folder=root).returncode == 0
    luutru("release", "key", "--name", "example.org/releases", "--key-file", tmp_path / "release.key")
    done = luutru("release", "build", tmp_path / "out", "--root", root, "--key-file", tmp_path / "release.key")
    assert done.exit_code == 1
    assert code in done.output
    assert not (tmp_path / "out" / "release.txt").exists()
