"""`addonkit manifest`: what apps are to have, in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from addonkit.cli.command import group, show_help, subcommand, yes_option
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.models.manifest import Manifest
    from addonkit.models.manifest_plan import ManifestPlan

_LARGEST: Final = 1024 * 1024
"""Bytes that a manifest may have."""

_file = click.argument("file", metavar="[FILE]", type=click.Path(path_type=Path), default=Path("addonkit.toml"))
_prune = click.option(
    "--prune", is_flag=True, help="Remove what the apps of the file have and the file does not name, with its data."
)


@group(
    "manifest",
    examples=("addonkit manifest export > addonkit.toml", "addonkit manifest plan", "addonkit manifest apply"),
    invoke_without_command=True,
)
@click.pass_context
def manifest(ctx: click.Context) -> None:
    """Describe in a file what apps are to have: addonkit.toml.

    [apps.shop.addons.postgresql] gives the app shop a database; `addon = "postgresql:shared"` chooses the variant,
    `version = "18"` the version, `attach = "blog-valkey"` stands for an instance of another app. Options are in
    [apps.shop.addons.postgresql.options]. [apps.shop.variables] are set by hand. Apps that the file does not name are
    left alone.
    """
    if ctx.invoked_subcommand is None:
        show_help(ctx)


@subcommand(manifest, "plan", examples=("addonkit manifest plan", "addonkit manifest plan shop.toml --json"))
@_file
@_prune
@click.pass_obj
def plan(invocation: Invocation, file: Path, prune: bool) -> None:
    """Show what apply would do; change nothing. Exit status 1 when it cannot be applied."""
    from addonkit.cli.render.manifest import plan_json, plan_text

    wanted = _read(file)
    found = with_kit(invocation, lambda kit: kit.manifests.plan(wanted, prune=prune))
    invocation.answer(plan_json(found), plan_text(found))
    if found.problems:
        raise click.exceptions.Exit(1)


@subcommand(manifest, "apply", examples=("addonkit manifest apply", "addonkit manifest apply shop.toml --yes"))
@_file
@_prune
@yes_option("Do not ask.")
@click.pass_obj
def apply(invocation: Invocation, file: Path, prune: bool, yes: bool) -> None:
    """Make it so that apps have what the file says; show the plan and ask first.

    When a change fails, those before it stay: the same command again continues.
    """
    from addonkit.cli.prompts import confirm
    from addonkit.cli.render.manifest import plan_json, plan_text

    wanted = _read(file)
    shown = with_kit(invocation, lambda kit: kit.manifests.plan(wanted, prune=prune))
    if shown.problems or not shown.changes:
        invocation.answer(plan_json(shown), plan_text(shown))
        if shown.problems:
            raise click.exceptions.Exit(1)
        return
    if not yes:
        confirm(f"cannot apply {file}", plan_text(shown), "Apply these changes?", json=invocation.json)
    hint = f"run `addonkit manifest apply {file}` to continue"
    with_kit(invocation, lambda kit: _apply(kit, wanted, shown, prune=prune), hint=hint)
    noun = "change" if len(shown.changes) == 1 else "changes"
    invocation.answer(plan_json(shown), f"{len(shown.changes)} {noun} applied")


@subcommand(manifest, "export", examples=("addonkit manifest export > addonkit.toml",))
@click.pass_obj
def export(invocation: Invocation) -> None:
    """Print the file that says what there is. Secrets set by hand are left out, and named on stderr."""
    from addonkit.cli.streams import echo_err, write_exactly, write_json
    from addonkit.models.manifest import manifest_text, manifest_tree

    found, secrets = with_kit(invocation, lambda kit: kit.manifests.export())
    if invocation.json:
        write_json(manifest_tree(found))
    else:
        write_exactly(manifest_text(found))
    for each in secrets:
        echo_err(f"warning: {each} is a secret, it is left out")


@subcommand(manifest, "validate", examples=("addonkit manifest validate", "addonkit manifest validate shop.toml"))
@_file
@click.pass_obj
def validate(invocation: Invocation, file: Path) -> None:
    """Check the text of a file; no home is opened."""
    apps = _read(file).apps
    noun = "app" if len(apps) == 1 else "apps"
    invocation.answer({"valid": True, "apps": sorted(apps)}, f"{file} is valid: {len(apps)} {noun}")


@subcommand(manifest, "schema", examples=("addonkit manifest schema > addonkit.schema.json",))
@click.pass_obj
def schema(invocation: Invocation) -> None:  # noqa: ARG001 - every command takes it
    """Print the JSON Schema of the file, for editors."""
    from addonkit.cli.streams import write_json
    from addonkit.models.manifest import SCHEMA

    write_json(SCHEMA)


def _read(file: Path) -> Manifest:
    """Read a manifest.

    Raises:
        NotFound: it cannot be read.
        InvalidInput: it is none.
    """
    from addonkit.errors import InvalidInput, NotFound
    from addonkit.models.manifest import parse_manifest

    attempted = f"cannot use {file}"
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
    except OSError as error:
        advice = "run `addonkit manifest export > addonkit.toml` to begin with what there is"
        raise NotFound(attempted, error.strerror or "it cannot be read", advice) from None
    if len(content) > _LARGEST:
        raise InvalidInput(attempted, f"it has more than {_LARGEST:,} bytes")
    try:
        return parse_manifest(content.decode(), str(file))
    except UnicodeDecodeError:
        raise InvalidInput(attempted, "it is not UTF-8 text") from None


async def _apply(kit: Kit, wanted: Manifest, shown: ManifestPlan, *, prune: bool) -> None:
    from addonkit.cli.render.manifest import change_line
    from addonkit.cli.streams import echo_err

    async for change in kit.manifests.apply(wanted, shown, prune=prune):
        echo_err(f"done: {change_line(change)}")
