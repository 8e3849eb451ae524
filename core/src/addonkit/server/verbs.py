"""Long operations: accepted at once or refused, then performed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import attrs

from addonkit.compute.process.versions import matches
from addonkit.errors import NotFound
from addonkit.kit.kit import Kit
from addonkit.models.definition import CONFIG_VERSION
from addonkit.models.instance import Instance
from addonkit.models.operation import Operation
from addonkit.models.views import InstanceView

Arguments = Mapping[str, Any]
Result = dict[str, Any]


@attrs.frozen
class Accepted:
    """The app and instances that an operation concerns.

    Attributes:
        instance: its id; `name` is its name.
        apps: names of apps.
    """

    instance: str
    name: str
    apps: tuple[str, ...] = ()


@attrs.frozen
class Verb:
    """A kind of operation.

    Attributes:
        accept: checks the request, and records what is wanted where that is safe to repeat; raises AddonkitErrors.
        perform: completes it; gives the result.
        resumes: whether a later process may perform it again after an interruption.
    """

    accept: Callable[[Kit, Arguments], Awaitable[Accepted]]
    perform: Callable[[Kit, Operation], Awaitable[Result]]
    resumes: bool = True


def concerned(view: InstanceView) -> Accepted:
    """Return what an operation on an instance concerns."""
    apps = {view.instance.app, *(each.app for each in view.associations)}
    return Accepted(view.instance.id, view.instance.name, tuple(sorted(apps)))


async def _accept_create(kit: Kit, asked: Arguments) -> Accepted:
    binding = await kit.create(
        asked["addon"],
        asked["app"],
        alias=asked["alias"],
        version=asked["version"],
        socket=asked["socket"],
        options=asked["options"],
        wait=False,
    )
    return Accepted(binding.instance.id, binding.instance.name, (binding.association.app,))


async def _accept_attach(kit: Kit, asked: Arguments) -> Accepted:
    named, app, role = asked["instance"], asked["app"], asked.get("role", "")
    binding = await kit.attach(named, app, alias=asked["alias"], socket=asked["socket"], role=role, wait=False)
    return Accepted(binding.instance.id, binding.instance.name, (binding.association.app, binding.instance.app))


async def _accept_destroy(kit: Kit, asked: Arguments) -> Accepted:
    await kit.check_destroy(asked["instance"])
    return concerned(await kit.show(asked["instance"]))


async def _accept(kit: Kit, asked: Arguments) -> Accepted:
    return concerned(await kit.show(asked["instance"]))


async def _accept_tied(kit: Kit, asked: Arguments) -> Accepted:
    view = await kit.show(asked["instance"], asked["app"])
    return attrs.evolve(concerned(view), apps=(asked["app"],))


async def _accept_backup(kit: Kit, asked: Arguments) -> Accepted:
    await kit.backups.plan_create(asked["instance"], verify=asked["verify"])
    return concerned(await kit.show(asked["instance"]))


async def _accept_restore(kit: Kit, asked: Arguments) -> Accepted:
    await kit.backups.plan_restore(asked["instance"], backup=asked["backup"])
    try:
        return concerned(await kit.show(asked["instance"]))
    except NotFound:  # it is made anew
        return Accepted("", asked["instance"])


async def _accept_verify(kit: Kit, asked: Arguments) -> Accepted:
    await kit.backups.find(asked["backup"] or asked["instance"], files=False)
    return concerned(await kit.show(asked["instance"]))


async def _complete(kit: Kit, operation: Operation) -> Result:
    view = await kit.complete(operation.instance)
    return {"instance": view.instance.name} if view else {}


async def _destroy(kit: Kit, operation: Operation) -> Result:
    """Return a later process finds it under way, or gone; another instance may have its name by then."""
    try:
        view = await kit.show(operation.instance_name)
    except NotFound:
        return {}
    if view.instance.id != operation.instance:
        return {}
    try:
        kept = await kit.destroy(operation.instance_name, now=operation.arguments["now"])
    except NotFound:  # the controller has completed meanwhile what a killed process had begun
        return {}
    return {"trash": kept.id, "backup": kept.backup.name} if kept else {}


async def _accept_reconfigure(kit: Kit, asked: Arguments) -> Accepted:
    if asked["variant"]:
        await kit.changes.plan_change(asked["instance"], asked["variant"])
    if asked.get("version"):
        await kit.changes.plan_upgrade(asked["instance"], asked["version"])
    if asked["options"] or asked.get("reset"):
        await kit.options.plan(asked["instance"], asked["options"], reset=asked.get("reset", ()))
    return concerned(await kit.show(asked["instance"]))


async def _reconfigure(kit: Kit, operation: Operation) -> Result:
    """Return a later process finds the variant or the version changed already, or changes it."""
    name, variant, version = operation.instance_name, operation.arguments["variant"], operation.arguments.get("version")
    if variant and (await kit.show(name)).instance.variant != variant:
        await kit.changes.change(name, variant)
    if version and not _has_version((await kit.show(name)).instance, version):
        await kit.changes.upgrade(name, version)
    options, reset = operation.arguments["options"], operation.arguments.get("reset", ())
    if options or reset:
        await kit.options.set(name, options, reset=reset)
    return {"instance": name}


def _has_version(instance: Instance, version: str) -> bool:
    return matches(instance.config.get(CONFIG_VERSION, ""), version)


async def _accept_change_extensions(kit: Kit, asked: Arguments) -> Accepted:
    await kit.extensions.plan(asked["instance"], asked["add"], asked["remove"])
    return concerned(await kit.show(asked["instance"]))


async def _change_extensions(kit: Kit, operation: Operation) -> Result:
    name, asked = operation.instance_name, operation.arguments
    if asked["add"] or asked["remove"]:
        await kit.extensions.change(name, asked["add"], asked["remove"])
    for each in asked["update"]:
        await kit.extensions.update(name, each)
    return {"instance": name}


async def _accept_undestroy(kit: Kit, asked: Arguments) -> Accepted:
    found = await kit.trash.find(asked["backup"])
    await kit.trash.plan_undestroy(asked["backup"])
    return Accepted(found.id, found.name, tuple(sorted({found.app, *(each.app for each in found.ties)})))


async def _undestroy(kit: Kit, operation: Operation) -> Result:
    instance = await kit.trash.undestroy(operation.arguments["backup"])
    return {"instance": instance.name}


async def _detach(kit: Kit, operation: Operation) -> Result:
    try:
        gone = await kit.detach(operation.instance_name, operation.arguments["app"])
    except NotFound:  # an interrupted one that was completed
        gone = ()
    return {"variables": list(gone)}


async def _retry(kit: Kit, operation: Operation) -> Result:
    view = await kit.retry(operation.instance_name)
    return {"instance": view.instance.name}


async def _accept_rotate(kit: Kit, asked: Arguments) -> Accepted:
    await kit.rotations.check(asked["instance"], asked["app"] or None)
    return await (_accept_tied if asked["app"] else _accept)(kit, asked)


async def _rotate(kit: Kit, operation: Operation) -> Result:
    """Return the service revokes later what is kept: nothing waits for it, unless sessions are to be ended."""
    asked = operation.arguments
    grace, force = timedelta(seconds=asked["grace"]), asked["force"]
    done = await kit.rotations.rotate(
        operation.instance_name, asked["app"] or None, grace=grace, force=force, wait=force
    )
    counts = {"kept": len(done.kept), "ended": done.ended, "renewed": done.renewed}
    return {"instance": done.instance, "apps": list(done.apps), **counts}


async def _each_server(kit: Kit, operation: Operation) -> Result:
    act = {"start": kit.start, "stop": kit.stop, "restart": kit.restart}[operation.verb]
    for target in await kit.servers(operation.instance_name):
        await act(target)
    return {"instance": operation.instance_name}


async def _backup(kit: Kit, operation: Operation) -> Result:
    made = await kit.backups.create(operation.instance_name, verify=operation.arguments["verify"])
    return {"backup": made.name}


async def _verify(kit: Kit, operation: Operation) -> Result:
    found = await kit.backups.find(operation.arguments["backup"] or operation.instance_name, files=False)
    return {"backup": (await kit.backups.verify(found.name)).name}


async def _restore(kit: Kit, operation: Operation) -> Result:
    restored = await kit.backups.restore(operation.instance_name, backup=operation.arguments["backup"])
    return {"instance": restored.instance.name, "backup": restored.backup.name, "former": restored.former}


async def _rollback(kit: Kit, operation: Operation) -> Result:
    instance = await kit.backups.rollback(operation.instance_name)
    return {"instance": instance.name}


VERBS: Final[Mapping[str, Verb]] = {
    "create": Verb(_accept_create, _complete),
    "attach": Verb(_accept_attach, _complete),
    "detach": Verb(_accept_tied, _detach),
    "destroy": Verb(_accept_destroy, _destroy),
    "reconfigure": Verb(_accept_reconfigure, _reconfigure),
    "change_extensions": Verb(_accept_change_extensions, _change_extensions, resumes=False),
    "undestroy": Verb(_accept_undestroy, _undestroy, resumes=False),
    "rotate": Verb(_accept_rotate, _rotate, resumes=False),
    "retry": Verb(_accept, _retry),
    "start": Verb(_accept, _each_server),
    "stop": Verb(_accept, _each_server),
    "restart": Verb(_accept, _each_server),
    "back_up": Verb(_accept_backup, _backup, resumes=False),
    "verify": Verb(_accept_verify, _verify, resumes=False),
    "restore": Verb(_accept_restore, _restore, resumes=False),
    "rollback": Verb(_accept, _rollback, resumes=False),
}
"""Kinds of operations by name."""
