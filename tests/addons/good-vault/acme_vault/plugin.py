"""Every hook, answered by an instance of a class."""

from __future__ import annotations

from addonkit import AddonDefinition, BindResult, Inventory, ProvisionResult, Saga, VariantDefinition, hookimpl, step


@step(gives="result", undo=None)
async def seal() -> ProvisionResult:
    """Seal the vault."""
    return ProvisionResult()


@step(gives="result", undo=None)
async def cut_key() -> BindResult:
    """Cut a key."""
    return BindResult()


@step(gives="result", undo=None)
async def count() -> Inventory:
    """Count what is inside."""
    return Inventory()


class Vault:
    @hookimpl
    def addon_definition(self):
        return AddonDefinition("vault", "Vault", "Keeps things", "box", (VariantDefinition("box"),))

    @hookimpl
    def addon_provision(self, app, variant, instance):
        return Saga("vault.provision", inputs=["name"], steps=[seal]).bind(
            name=f"{app.name}-{instance.id}-{variant.name}"
        )

    @hookimpl
    def addon_deprovision(self, instance):
        return Saga("vault.deprovision", inputs=["name"], steps=[]).bind(name=instance.id)

    @hookimpl
    def addon_adjust_env_vars(self, result, association):
        return [each.renamed(f"VAULT_OF_{association.app.upper()}_{each.key}") for each in result.variables]

    @hookimpl
    def addon_bind(self, association):
        return Saga("vault.bind", inputs=["key"], steps=[cut_key]).bind(key=association.id)

    @hookimpl
    def addon_unbind(self, association, instance):
        return Saga("vault.unbind", inputs=["key", "vault"], steps=[]).bind(key=association.id, vault=instance.id)

    @hookimpl
    def addon_inspect(self, server):
        return Saga("vault.inspect", inputs=["server_name"], steps=[count]).bind(server_name=server.id)

    @hookimpl
    def addon_drop_claim(self, server, claim):
        return Saga("vault.drop", inputs=["server_name", "claim"], steps=[]).bind(server_name=server.id, claim=claim)


VAULT = Vault()
