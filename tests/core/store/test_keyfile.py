from __future__ import annotations

import base64
import os
import threading

import pytest

from addonkit.errors import SecretError, StoreError, StoreUnavailable
from addonkit.models.secret import Secret
from addonkit.store.codec import Codec
from addonkit.store.keyfile import load_key
from addonkit.store.sealing import Sealer
from addonkit.store.sqlite import SqliteStore
from addonkit.testing.store import create
from addonkit.testing.store_values import Note
from addonkit.util.clock import SystemClock

KEY = bytes(range(200, 232))


def test_the_environment_comes_first(home):
    load_key(home, {})

    assert load_key(home, {"ADDONKIT_KEY": base64.b64encode(KEY).decode()}) == KEY
    assert load_key(home, {"ADDONKIT_KEY": f" {base64.urlsafe_b64encode(KEY).decode()}\n"}) == KEY


def test_a_key_from_the_environment_is_not_written_down(home):
    load_key(home, {"ADDONKIT_KEY": base64.b64encode(KEY).decode()})

    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["", "hunter2", base64.b64encode(KEY[:31]).decode(), base64.b64encode(KEY * 2).decode(), "ü" * 44]
)
def test_a_malformed_key_is_refused_without_being_shown(home, text):
    with pytest.raises(SecretError, match="cannot use the key in ADDONKIT_KEY: it is not 32 bytes in base64") as caught:
        load_key(home, {"ADDONKIT_KEY": text})
    assert not text or text not in str(caught.value)
    assert list(home.iterdir()) == []


def test_a_key_is_made_once_for_its_owner_only(home):
    key = load_key(home, {})

    assert len(key) == 32
    assert load_key(home, {}) == key
    assert (home / "key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.iterdir()] == ["key"]


def test_all_who_make_a_key_at_once_get_the_same_one(home):
    keys, start = [], threading.Barrier(8)

    def load():
        start.wait()
        keys.append(load_key(home, {}))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keys) == 8
    assert len(set(keys)) == 1
    assert [path.name for path in home.iterdir()] == ["key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused(home, mode):
    load_key(home, {})
    (home / "key").chmod(mode)

    with pytest.raises(SecretError, match=rf"others may read it \(mode {mode:04o}\); run: chmod 600"):
        load_key(home, {})


def test_a_malformed_key_file_is_refused_and_kept(home):
    (home / "key").write_text("broken")
    (home / "key").chmod(0o600)

    with pytest.raises(SecretError, match="key: it is not 32 bytes in base64"):
        load_key(home, {})
    assert (home / "key").read_text() == "broken"


def test_a_home_that_does_not_exist_is_named(home):
    with pytest.raises(StoreUnavailable, match="nowhere/key: the home directory does not exist"):
        load_key(home / "nowhere", {})


def test_a_key_that_is_no_file_is_named(home):
    (home / "key").mkdir()

    with pytest.raises(StoreUnavailable, match=r"cannot use the key .*key: Is a directory"):
        load_key(home, {})


def test_a_home_without_write_permission_is_named(home, child):
    process = child("""
import os
from addonkit.store.keyfile import load_key
os.chmod(sys.argv[1], 0o555)
if os.geteuid() == 0:
    os.setuid(65534)
try:
    load_key(Path(sys.argv[1]), {})
except AddonkitError as error:
    print(type(error).__name__, error)
""")
    printed, errors = process.communicate(timeout=60)
    home.chmod(0o700)

    assert printed.startswith(f"StoreUnavailable cannot use the key {home}/key: Permission denied"), errors


async def store_note(home, note):
    store = await SqliteStore.open(home / "state.db", Codec(Sealer(load_key(home, {}))), SystemClock())
    await create(store, "a", note)
    await store.close()


async def test_a_key_that_secrets_need_is_not_made_anew(home):
    await store_note(home, Note(password=Secret("x")))
    (home / "key").unlink()

    with pytest.raises(SecretError, match=r"state.db holds secrets that only this key opens; put the key back"):
        load_key(home, {})
    assert not (home / "key").exists()


async def test_a_key_that_nothing_needs_is_made_anew(home):
    await store_note(home, Note('"$sealed":', extra={"$sealed": "not a secret"}))
    (home / "key").unlink()

    assert load_key(home, {})


@pytest.mark.parametrize("content", [b"", None])
def test_a_state_without_entities_needs_no_key(home, content):
    if content is not None:
        (home / "state.db").write_bytes(content)

    assert load_key(home, {})


def test_a_state_that_cannot_be_read_may_need_its_key(home):
    (home / "state.db").write_bytes(b"not a database, or not any more" * 100)

    with pytest.raises(SecretError, match="put the key back"):
        load_key(home, {})


async def test_a_key_made_by_another_process_meanwhile_is_taken(home, monkeypatch):
    """Another process makes the key and seals its first secret between our look for the key and for secrets."""
    from addonkit.store import keyfile

    looks = []
    read = keyfile._read
    await store_note(home, Note(password=Secret("x")))
    monkeypatch.setattr(keyfile, "_read", lambda path: read(path) if looks else looks.append(path))

    assert load_key(home, {}) == read(home / "key")


def test_a_full_disk_is_named(home, monkeypatch):
    def full(*args):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("addonkit.util.files.os.link", full)

    with pytest.raises(StoreError, match=r"cannot use the key .*key: no space is left"):
        load_key(home, {})
    assert list(home.iterdir()) == []
