"""The contract between the core and an addon: what is asked, when, and what is answered.

Hooks are synchronous and do no I/O. Those that act return a Saga, a description of what would be
done; the engine does it, durably. See `docs/explanation/architecture.md` for why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import pluggy

if TYPE_CHECKING:
    from addonkit.models.app import App, Variant
    from addonkit.models.definition import AddonDefinition
    from addonkit.models.execution import Event
    from addonkit.models.facts import Facts
    from addonkit.models.fingerprint import Fingerprint
    from addonkit.models.instance import Association, Instance, Server
    from addonkit.models.result import BindResult, Extensions, Inventory, ProvisionResult, Sessions, Usage
    from addonkit.models.variable import Variable
    from addonkit.saga.saga import Saga

PROJECT: Final = "addonkit"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function as the implementation of the hook of the same name."""


class AddonSpecs:
    """Hooks an addon answers. Each is asked of one addon at a time."""

    @hookspec(firstresult=True)
    def addon_definition(self) -> AddonDefinition:
        """Say what the addon is: name, variants, images, programs.

        Asked once, right after the addon's module was imported. The answer is checked before anything
        else happens; an addon with an invalid definition is reported and not used.

        Example:
            ```python
            @hookimpl
            def addon_definition():
                return AddonDefinition(
                    name="memcached",
                    display_name="Memcached",
                    description="In-memory cache",
                    default_variant="small",
                    variants=(VariantDefinition("small", "64 MB", config={"memory": "64"}),),
                )
            ```

        Returns:
            The definition. Its name equals the name of the entry point.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_provision(self, app: App, variant: Variant, instance: Instance) -> Saga[ProvisionResult]:
        """Describe how an instance is made.

        Asked when an instance is to be provisioned, and again when an interrupted provisioning continues:
        the answer must depend on the arguments alone.

        Args:
            app: the app the instance is created for.
            variant: the chosen variant; its config holds the resolved image and version.
            instance: the instance; name resources after `instance.id`, which is never used again.

        Example:
            ```python
            @hookimpl
            def addon_provision(variant):
                return PROVISION.bind(image=variant.image)
            ```

        Returns:
            A saga whose value named `result` is a ProvisionResult.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_adjust_env_vars(
        self, result: ProvisionResult, association: Association, collisions: Sequence[str]
    ) -> Sequence[Variable]:
        """Rename a set of variables that cannot keep its plain names.

        Asked when one of the set's names is taken in the app. Also asked when the user gave the set a name of
        its own (`--as`). The core's own answer puts the association's prefix before every name;
        implement this only to do better. A set moves as a whole: rename all of it or the answer is
        refused. Must be a pure function: it is asked whenever names are resolved.

        Args:
            result: the variables under their plain names.
            association: the tie to the app; `association.prefix` is the prefix of its set.
            collisions: names of the set that are taken, in the set's order; empty when the user asked for
                a name of its own.

        Example:
            ```python
            @hookimpl
            def addon_adjust_env_vars(result, association):
                return [v.renamed(association.prefix + v.key) for v in result.variables]
            ```

        Returns:
            As many variables as the result has, with the same values.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_deprovision(self, instance: Instance) -> Saga[None]:
        """Describe how an instance and all its data are removed.

        Asked when the instance is destroyed, after its variables were taken from every app. Every step must
        count "already gone" as success.

        Args:
            instance: the instance, with the attributes of its ProvisionResult.

        Example:
            ```python
            @hookimpl
            def addon_deprovision(instance):
                return DEPROVISION.bind(server_name=f"memcached-{instance.id}")
            ```

        Returns:
            A saga without a result.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_bind(self, association: Association, instance: Instance) -> Saga[BindResult]:
        """Describe how one association gets credentials of its own. Optional.

        Without this hook every association of an instance receives the variables of its ProvisionResult.
        Asked when an active instance is tied to an app; with addon_sessions also when its credentials are rotated,
        while the former ones still work.

        Args:
            association: the tie; name credentials after `association.id` and, with addon_sessions,
                `association.generation`. `association.role` says what they may do, see `AddonDefinition.roles`.
            instance: the active instance.

        Example:
            ```python
            @hookimpl
            def addon_bind(association, instance):
                return BIND.bind(bucket=instance.attributes["bucket"])
            ```

        Returns:
            A saga whose value named `result` is a BindResult.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_unbind(self, association: Association, instance: Instance) -> Saga[None]:
        """Describe how the credentials of one association are revoked. Optional, with addon_bind.

        Asked when an app is detached, and for each association before an instance is deprovisioned. After a rotation it
        is asked for the former credentials. Sessions that use them end. Every step must count "already gone" as
        success.

        Args:
            association: the tie, with the attributes of its BindResult.
            instance: its instance.

        Example:
            ```python
            @hookimpl
            def addon_unbind(association):
                return UNBIND.bind(user=association.attributes["user"])
            ```

        Returns:
            A saga without a result.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_sessions(self, association: Association, instance: Instance) -> Saga[Sessions]:
        """Describe how the sessions that use credentials of an association are counted. Optional, with addon_unbind.

        An addon that answers it can rotate: addon_bind is asked for an association of the next generation, and
        addon_unbind for one of the former.

        Args:
            association: the tie, with the attributes of the BindResult of the credentials that are asked about.
            instance: its instance.

        Example:
            ```python
            @hookimpl
            def addon_sessions(association):
                return COUNT.bind(user=association.attributes["user"])
            ```

        Returns:
            A saga that changes nothing and whose value named `result` is a Sessions.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_configure(self, instance: Instance, config: Mapping[str, str]) -> Saga[None]:
        """Describe how other values of options are brought into force. Optional, for definitions with `options`.

        Asked when a user changes options of an active instance, after their values were checked. A saga that fails has
        to leave the former values in force: let the undo of each step set what `instance.config` has.

        Args:
            instance: the active instance; its config has the former values.
            config: the same config with the new values.

        Example:
            ```python
            @hookimpl
            def addon_configure(instance, config):
                return CONFIGURE.bind(former=instance.config["versioning"], wanted=config["versioning"])
            ```

        Returns:
            A saga without a result.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_limit_writes(self, instance: Instance, denied: bool) -> Saga[None]:  # noqa: FBT001 - hooks take names
        """Describe how apps are kept from writing to a disk that is nearly full. Optional.

        Asked again and again while the disk is full, and once when there is room. Apps have to be able to delete.

        Args:
            instance: an active instance of this addon, whose server runs.
            denied: whether apps may write no more; False lets them write again.

        Example:
            ```python
            @hookimpl
            def addon_limit_writes(instance, denied):
                return LIMIT.bind(claim=instance.claim, denied=denied)
            ```

        Returns:
            A saga without a result.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_extensions(self, instance: Instance) -> Saga[Extensions]:
        """Describe how extensions of an instance are listed. Optional, for definitions with an option `extensions`.

        Args:
            instance: an active instance of this addon.

        Example:
            ```python
            @hookimpl
            def addon_extensions(instance):
                return EXTENSIONS.bind(claim=instance.claim)
            ```

        Returns:
            A saga that changes nothing and whose value named `result` is Extensions.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_update_extension(self, instance: Instance, extension: str) -> Saga[None]:
        """Describe how an extension is brought to the version that the server has. Optional, with addon_extensions.

        Args:
            instance: an active instance of this addon.
            extension: its name.

        Example:
            ```python
            @hookimpl
            def addon_update_extension(instance, extension):
                return UPDATE.bind(claim=instance.claim, extension=extension)
            ```

        Returns:
            A saga without a result.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_usage(self, instance: Instance) -> Saga[Usage]:
        """Describe how to tell how much an instance holds. Optional; asked before it is destroyed.

        What a saga of this hook cannot find out within half a minute is not waited for.

        Args:
            instance: an active instance of this addon.

        Example:
            ```python
            @hookimpl
            def addon_usage(instance):
                return MEASURE.bind(bucket=instance.attributes["bucket"])
            ```

        Returns:
            A saga that changes nothing and whose value named `result` is a Usage.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_backup(self, instance: Instance) -> Saga[Fingerprint]:
        """Describe how the data of an instance are written into an archive. Optional, with the two that follow.

        One step opens the engine's own argument `archive` for writing and streams the data into it. It ends it with
        the fingerprint of exactly what it wrote: of the same moment, whatever apps write meanwhile. The instance is not
        changed, and no name of a member is a secret.

        Args:
            instance: an active instance of this addon.

        Example:
            ```python
            @step(gives="result", undo=None, timeout=86400)
            async def dump(archive, instance) -> Fingerprint:
                async with archive.writing() as writer:
                    digest = SetDigest()
                    await writer.write("keys", read_keys(instance, digest))
                    fingerprint = Fingerprint((digest.part("keys", "keys"),))
                    await writer.finish(fingerprint)
                return fingerprint

            @hookimpl
            def addon_backup(instance):
                return Saga("memo.backup", steps=[dump])
            ```

        Returns:
            A saga whose value named `result` is a Fingerprint.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_restore(self, instance: Instance) -> Saga[None]:
        """Describe how an empty instance is filled from an archive. Optional, with addon_backup.

        Asked of an instance that was just provisioned and that no app uses; its variant or version may be another than
        those of the instance that was backed up. A step that runs again empties the instance first.

        Args:
            instance: the empty instance.

        Example:
            ```python
            @step(undo=None, timeout=86400)
            async def load(archive, instance) -> None:
                async with archive.reading() as reader:
                    async for member in reader.members():
                        await write_keys(instance, member.content())

            @hookimpl
            def addon_restore(instance):
                return Saga("memo.restore", steps=[load])
            ```

        Returns:
            A saga without a result.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_fingerprint(self, instance: Instance) -> Saga[Fingerprint]:
        """Describe how the fingerprint of an instance is taken. Optional, with addon_backup.

        Two instances with the same data have the same fingerprint, whatever their names, variants and passwords.

        Args:
            instance: an active instance of this addon.

        Example:
            ```python
            @hookimpl
            def addon_fingerprint(instance):
                return FINGERPRINT.bind(claim=instance.claim)
            ```

        Returns:
            A saga that changes nothing and whose value named `result` is a Fingerprint.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_copy(self, source: Instance, instance: Instance) -> Saga[bool]:
        """Describe a faster way to copy an instance than through an archive. Optional, with addon_backup.

        Asked before the data go through an archive. The source is only read, and no session of an app ends for it. The
        saga says whether it has copied; where not, an archive is used, and the restore empties the instance first.
        The fingerprints of both are compared, or their outlines where the addon has `addon_outline`.

        Args:
            source: an active instance of this addon, which apps may use meanwhile.
            instance: the empty instance.

        Example:
            ```python
            @hookimpl
            def addon_copy(source, instance):
                return COPY.bind(source=source.claim, claim=instance.claim)
            ```

        Returns:
            A saga whose value named `result` is a bool.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_outline(self, instance: Instance) -> Saga[Fingerprint]:
        """Describe how the outline of an instance is taken. Optional, with addon_copy.

        An outline holds definitions, and the sizes of what holds the data: taking it reads no data. It is taken of the
        source before a copy and of the copy after it. Where both are equal the fingerprints are not compared. So it
        is for addons whose server makes the whole copy of one moment, block by block.

        Args:
            instance: an active instance of this addon.

        Example:
            ```python
            @hookimpl
            def addon_outline(instance):
                return OUTLINE.bind(claim=instance.claim)
            ```

        Returns:
            A saga whose value named `result` is a Fingerprint.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_facts(self, instance: Instance) -> Saga[Facts]:
        """Describe how facts of an instance are asked for that another place may not share. Optional.

        Asked of an instance and of an empty new place before its data move there. `upgrade --rehearse` shows what is
        different. What an instance uses and the new place does not have ends the move before it begins.

        Args:
            instance: an active instance of this addon; it may be empty.

        Example:
            ```python
            @hookimpl
            def addon_facts(instance):
                return FACTS.bind(claim=instance.claim)
            ```

        Returns:
            A saga whose value named `result` is a Facts.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_freeze(self, instance: Instance) -> Saga[None]:
        """Describe how apps are kept from writing into an instance. Optional, with addon_thaw.

        Asked before the data of an instance move to another place that apps then use. When the saga has ended, no app
        can write, whatever sessions it has, also after a restart of the server. The addon itself still reads. The
        fingerprint stays the same. Freezing again changes nothing.

        Args:
            instance: an active instance of this addon.

        Example:
            ```python
            @hookimpl
            def addon_freeze(instance):
                return FREEZE.bind(claim=instance.claim)
            ```

        Returns:
            A saga without a result.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_thaw(self, instance: Instance) -> Saga[None]:
        """Describe how apps can write into an instance again. Optional, with addon_freeze.

        Args:
            instance: an instance that is frozen, or not: thawing again changes nothing.

        Example:
            ```python
            @hookimpl
            def addon_thaw(instance):
                return THAW.bind(claim=instance.claim)
            ```

        Returns:
            A saga without a result.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_transform(self, instance: Instance, script: str) -> Saga[None]:
        """Describe how a user's script is run in an instance, such as SQL that masks names. Optional.

        Asked of a copy that no app uses yet. The script runs with the rights of the app at most.

        Args:
            instance: an active instance of this addon.
            script: in the language of the server.

        Example:
            ```python
            @hookimpl
            def addon_transform(instance, script):
                return TRANSFORM.bind(claim=instance.claim, script=script)
            ```

        Returns:
            A saga without a result.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_rotate_admin(self, server: Server) -> Saga[None]:
        """Describe how the administrator of a server gets another password while apps use the server. Optional.

        Interrupted at any point, the password that addonkit has recorded lets the administrator in.

        Args:
            server: an active server of this addon.

        Example:
            ```python
            @hookimpl
            def addon_rotate_admin(server):
                return ROTATE_ADMIN.bind(server_name=server.id)
            ```

        Returns:
            A saga without a result.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_reset_admin(self, server: Server) -> Saga[None]:
        """Describe how the administrator of a server gets the recorded password without a login. Optional.

        Asked when the password was lost; the server may restart. Doing it again changes nothing.

        Args:
            server: an active server of this addon, with the password that its administrator is to have.

        Example:
            ```python
            @hookimpl
            def addon_reset_admin(server):
                return RESET_ADMIN.bind(server_name=server.id)
            ```

        Returns:
            A saga without a result.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_renew_certificate(self, server: Server) -> Saga[None]:
        """Describe how a server that listens for other machines gets another certificate. Optional, with LISTEN_OPTION.

        Apps that use the server notice nothing. Interrupted at any point, the server has the former certificate or the
        new one. Clients verify both with the same file.

        Args:
            server: an active server of this addon that has a certificate.

        Example:
            ```python
            @hookimpl
            def addon_renew_certificate(server):
                return RENEW_CERTIFICATE.bind(server_name=server.id)
            ```

        Returns:
            A saga without a result.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_inspect(self, server: Server) -> Saga[Inventory]:
        """Describe how to list what lives on a shared server. Optional; used by `addonkit doctor`.

        Args:
            server: an active shared server of this addon.

        Example:
            ```python
            @hookimpl
            def addon_inspect(server):
                return INSPECT.bind(server_name=server.id)
            ```

        Returns:
            A saga that changes nothing and whose value named `result` is an Inventory.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def addon_drop_claim(self, server: Server, claim: str) -> Saga[None]:
        """Describe how what lives under a name that no instance owns is removed. Optional, with addon_inspect.

        Args:
            server: an active shared server of this addon.
            claim: a name its Inventory listed and no instance owns.

        Example:
            ```python
            @hookimpl
            def addon_drop_claim(server, claim):
                return DROP.bind(server_name=server.id, claim=claim)
            ```

        Returns:
            A saga without a result.
        """
        raise NotImplementedError


class ObserverSpecs:
    """Hooks that plugins of the group `addonkit.plugins` answer; each is called in isolation."""

    @hookspec
    def addon_event(self, event: Event) -> None:
        """Take note of something that happened.

        Called after the fact with the events of every saga. An observer that raises is named in the log and
        changes nothing.

        Args:
            event: what happened; holds no secrets.

        Example:
            ```python
            @hookimpl
            def addon_event(event):
                print(event.at, event.saga, event.kind, event.message)
            ```
        """
