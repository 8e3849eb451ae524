"""An app: it knows VALKEY_URL (and VALKEY_PREFIX, if there is one) and nothing of addonkit."""

import os

import valkey

client = valkey.Valkey.from_url(os.environ["VALKEY_URL"])
key = os.environ.get("VALKEY_PREFIX", "") + "visits"
print(f"{key}: {client.incr(key)}")
