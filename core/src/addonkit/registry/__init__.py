"""Which addons are here, and are they well."""
