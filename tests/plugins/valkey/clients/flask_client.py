"""The cache of Flask-Caching."""

import os

from flask import Flask
from flask_caching import Cache
from outcomes import tell

settings = {"CACHE_TYPE": "RedisCache", "CACHE_REDIS_URL": os.environ["REDIS_URL"]}
cache = Cache(Flask("app"), config={**settings, "CACHE_KEY_PREFIX": os.environ.get("REDIS_PREFIX", "app:")})


def use() -> None:
    """Keep and find a value."""
    cache.set("a", 1)
    assert cache.get("a") == 1


with cache.app.app_context():
    tell({"use": use, "clear": cache.clear})
