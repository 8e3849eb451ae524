"""Version of the core: distributions of addons ask for it."""

__version__ = "0.1.0"
