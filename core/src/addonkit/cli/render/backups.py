"""Renders backups for people and programs. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from addonkit.cli.render.json import Json, error_json, instance_json, time_json
from addonkit.cli.render.table import table
from addonkit.cli.render.times import age_text, time_text
from addonkit.cli.streams import clean
from addonkit.models.sizes import describe_size

if TYPE_CHECKING:
    from addonkit.kit.backups import Restored, Verification
    from addonkit.models.backup import Backup, Proof


def backup_json(backup: Backup) -> Json:
    """Return a backup."""
    proof = backup.proof
    return {
        "name": backup.name,
        "instance": backup.instance,
        "addon": backup.addon,
        "created": time_json(backup.created),
        "bytes": backup.size,
        "location": backup.location,
        "verified": time_json(proof.verified) if proof else None,
        "sha256": proof.sha256 if proof else None,
    }


def backups_text(found: Sequence[Backup], url: str) -> str:
    """Return a table of backups, and where they are."""
    if not found:
        return f"{clean(url)} has no backups; run `addonkit backup create INSTANCE`"
    rows = [(each.name, describe_size(each.size), age_text(each.created), _verified(each)) for each in found]
    shown = table(("BACKUP", "SIZE", "AGE", "VERIFIED"), rows)
    return f"{shown}\nin {clean(url)}" if url else shown


def created_text(backup: Backup, url: str, *, new_key: bool) -> str:
    """Return what was written, and what to do about the key once."""
    lines = [f"{backup.name}: {describe_size(backup.size)} in {clean(url)}"]
    if backup.proof:
        lines.append(f"verified: restored and compared, {_equal(backup.proof)}")
    else:
        lines.append(f"not verified; `addonkit backup verify {backup.name}` proves that it can be restored")
    if new_key:
        lines.append("`addonkit backup key` prints the key that opens it; keep that outside of this machine")
    return "\n".join(lines)


def exported_text(backup: Backup) -> str:
    """Return what was written into a file."""
    return f"{clean(backup.location)}: {describe_size(backup.size)}; `addonkit backup key` prints the key that opens it"


def verification_json(found: Verification) -> Json:
    """Return what came of one backup."""
    fault = error_json(found.fault)["error"] if found.fault else None
    return {**backup_json(found.backup), "error": fault}


def verification_text(found: Verification) -> str:
    """Return the same in a line."""
    name, proof = found.backup.name, found.backup.proof
    if found.fault is not None or proof is None:
        return f"{name}: not verified: {clean(str(found.fault))}"
    return f"{name}: verified, {_equal(proof)}"


def restored_json(done: Restored) -> Json:
    """Return what was restored."""
    return {"instance": instance_json(done.instance), "backup": backup_json(done.backup), "former": done.former}


def restored_text(done: Restored) -> str:
    """Return the same for people, with the way back."""
    lines = [f"{done.instance.name} has the data of {done.backup.name}; restart apps that use it"]
    if done.former:
        lines.append(f"{done.former} keeps the data from before for a week;")
        lines[-1] += f" `addonkit rollback {done.instance.name}` takes them back"
    return "\n".join(lines)


def _equal(proof: Proof) -> str:
    return f"{proof.items:,} item{' is' if proof.items == 1 else 's are'} equal"


def _verified(backup: Backup) -> str:
    return time_text(backup.proof.verified) if backup.proof else "no"
