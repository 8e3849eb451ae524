"""The caches of Django, its own and that of django-redis: the name of the backend is the argument."""

import os
import sys

import django
from django.conf import settings
from outcomes import tell

prefix = os.environ.get("REDIS_PREFIX", "").removesuffix(":")
settings.configure(
    CACHES={"default": {"BACKEND": sys.argv[1], "LOCATION": os.environ["REDIS_URL"], "KEY_PREFIX": prefix}}
)
django.setup()

from django.core.cache import cache  # noqa: E402 - only after it was set up


def use() -> None:
    """Everything that concerns keys by their names."""
    cache.set("a", {"x": 1}, 60)
    cache.set_many({"b": 1, "c": 2})
    assert cache.get("a") == {"x": 1}
    assert cache.get_many(["b", "c"]) == {"b": 1, "c": 2}
    assert cache.incr("b") == 2
    assert cache.touch("a", 10)
    cache.delete_many(["a", "b"])
    assert cache.get("a") is None


tell({"use": use, "clear": cache.clear})
