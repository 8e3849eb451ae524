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
from wheelhouse.needs import others, requirements_of
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
        return cls(folder, installer, home)

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

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

    def install(self, *wheels: Path | tuple[Path, str], words: Iterable[str] = (), status: int = 0) -> Ended:
        """Install wheels with pip, which has nothing but these and what is linked for them.

        Args:
            wheels: each alone or with an extra.
            words: further options.
            status: that pip must end with.
        """
        pairs = [each if isinstance(each, tuple) else (each, "") for each in wheels]
        self.provide(line for wheel, extra in pairs for line in requirements_of(wheel, extra))
        places = [f"{wheel}[{extra}]" if extra else str(wheel) for wheel, extra in pairs]
        return self.pip("install", "--quiet", "--no-index", *words, *places, status=status)

    def provide(self, requirements: Iterable[Requirement]) -> None:
        """Link the distributions of others that these lines require."""
        for found in others(requirements):
            for name in {path.parts[0] for path in found.files or ()} - {"..", "__pycache__"}:
                link = self.packages / name
                if not link.is_symlink():
                    link.symlink_to(str(found.locate_file(name)))

    def run(self, code: str, status: int = 0) -> Ended:
        """Run a piece of Python in it."""
        return run(self.python, "-c", code, status=status, ADDONKIT_HOME=str(self.home))
