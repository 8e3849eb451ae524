"""PostgreSQL for addonkit: a dedicated server, or a database on a shared one."""

__version__ = "0.1.0"
