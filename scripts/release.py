"""Check that a tag fits its distribution, and build what it releases.

    scripts/release.py addonkit-postgresql-v0.1.0 --build dist --output "$GITHUB_OUTPUT"

A tag is the name of a distribution, `-v`, and the version in its pyproject.toml.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
_TAG: Final = re.compile(r"(?P<name>addonkit(?:-[a-z0-9]+)*)-v(?P<version>[0-9][0-9a-z.+!-]*)")


class NotReleasable(Exception):
    """The tag or the tree does not fit; the message says what to do."""


def folder_of(tag: str, root: Path = ROOT) -> Path:
    """Return the folder of the distribution that a tag releases.

    Raises:
        NotReleasable: when the tag names no distribution, another version, or news is left for the core's changelog.
    """
    match = _TAG.fullmatch(tag)
    if match is None:
        raise NotReleasable(f"{tag} is not DISTRIBUTION-vVERSION, such as addonkit-v0.1.0")
    projects = _projects(root)
    if match["name"] not in projects:
        raise NotReleasable(f"{tag} names no distribution of this repository: use one of {', '.join(sorted(projects))}")
    folder, version = projects[match["name"]]
    if version != match["version"]:
        raise NotReleasable(f"{tag} is for version {match['version']}, {folder}/pyproject.toml has {version}")
    fragments = [each.name for each in (root / "changes").glob("*.*.md")]
    if folder.name == "core" and fragments:
        raise NotReleasable(f"changes/ still has {len(fragments)} pieces of news: run `towncrier build`, then commit")
    return folder


def _projects(root: Path) -> dict[str, tuple[Path, str]]:
    found = {}
    for path in (root / "core" / "pyproject.toml", *root.glob("plugins/*/pyproject.toml")):
        project = tomllib.loads(path.read_text())["project"]
        found[project["name"]] = (path.parent.relative_to(root), project["version"])
    return found


def main() -> int:
    """Run; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("tag")
    parser.add_argument("--build", metavar="FOLDER", type=Path, help="build the source distribution and the wheel here")
    parser.add_argument("--output", metavar="FILE", type=Path, help="append distribution=NAME to this file")
    arguments = parser.parse_args()
    try:
        folder = folder_of(arguments.tag)
    except NotReleasable as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    if arguments.build:
        build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(arguments.build)]
        subprocess.run([*build, str(ROOT / folder)], check=True)
    if arguments.output:
        with arguments.output.open("a") as out:
            out.write(f"distribution={arguments.tag.rpartition('-v')[0]}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
