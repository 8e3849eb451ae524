"""A distribution that misbehaves costs itself: seen from outside, with the real command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import attrs
import pytest

from addonkit.testing.command import CommandLine

MEMO = Path(__file__).parents[2] / "addons" / "good-memo"

HOOKS = """
from addonkit import hookimpl

@hookimpl
def addon_event(event):
    {code}
"""


@attrs.frozen
class Site:
    """Distributions that are installed by writing them; one well-behaved addon, `memo`, is there."""

    folder: Path

    def __call__(self, name: str, code: str, group: str = "addons", entry: str = "") -> None:
        info = self.folder / f"acme_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: acme-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[addonkit.{group}]\n{entry or name} = acme_{name}\n")
        (self.folder / f"acme_{name}.py").write_text(code)


@pytest.fixture
def site(tmp_path):
    (tmp_path / "site").mkdir()
    return Site(tmp_path / "site")


@pytest.fixture
def command(tmp_path, site):
    """The real command, with what `site` installs beside the addons of this environment."""
    path = os.pathsep.join([str(site.folder), str(MEMO)])
    return CommandLine(tmp_path / "home", {"PYTHONPATH": path})


RAISED = [
    "import asyncio; raise asyncio.CancelledError",
    "raise GeneratorExit",
    "raise SystemExit(3)",
    "class PanicException(BaseException): pass\nraise PanicException('Python API call failed')",
    "class Mute(BaseException):\n    def __str__(self): raise BaseException\nraise Mute",
    "class Loud(Exception):\n    def __str__(self): return '\\x1b[2J' * 1000_000\nraise Loud",
    "def __getattr__(name): raise GeneratorExit",
    "import sys; sys.exit()",
]


def test_whatever_an_addon_raises_is_its_own(site, command):
    for number, code in enumerate(RAISED):
        site(f"panic{number}", code)
    assert command("create", "memo", "-a", "shop").status == 0
    assert command("env", "-a", "shop", "--json").status == 0
    listed = {each["name"]: each for each in command("addons", "--json").data["addons"]}
    assert listed["memo"]["state"] == "ok"
    for number in range(len(RAISED)):
        name = f"panic{number}"
        assert (listed[name]["state"], listed[name]["distribution"]) == ("broken", f"acme-{name}")
        assert len(listed[name]["reason"]) < 2000
        assert listed[name]["reason"].isprintable()
    asked = command("create", "panic4", "-a", "shop")
    assert (asked.status, "Traceback" in asked.err) == (1, False)
    assert asked.err.startswith(
        "error: cannot use addon panic4 of acme-panic4 1.0: importing acme_panic4 failed: Mute ("
    )
    assert "\x1b" not in command("addons", "-v").out


def test_whatever_a_hook_raises_is_its_own(site, command):
    definition = (
        "from addonkit import AddonDefinition, VariantDefinition, hookimpl\n"
        "@hookimpl\n"
        "def addon_definition():\n"
        "    return AddonDefinition('{0}', 'Panic', 'It panics', 'small', (VariantDefinition('small'),))\n"
    )
    for number, code in enumerate(RAISED[:5]):
        raising = code.replace("\n", "\n    ")
        hooks = "\n".join(
            f"@hookimpl\ndef {name}():\n    {raising}\n" for name in ("addon_provision", "addon_deprovision")
        )
        site(f"panic{number}", definition.format(f"panic{number}") + hooks)
        site(f"watch{number}", HOOKS.format(code=raising), "plugins")
    assert command("create", "memo", "-a", "shop").status == 0
    for number in range(5):
        asked = command("create", f"panic{number}", "-a", "shop")
        assert asked.status == 1
        assert f"asking addon panic{number} of acme-panic{number} 1.0 for addon_provision: it raised" in asked.err


PRINTED = {
    "print": "print('HELLO')",
    "descriptor": "import os; os.write(1, b'HELLO\\n')",
    "C code": "import ctypes; libc = ctypes.CDLL(None); libc.puts(b'HELLO'); libc.fflush(None)",
    "C code without a flush": "import ctypes; ctypes.CDLL(None).puts(b'HELLO')",
    "program": "import subprocess; subprocess.run(['echo', 'HELLO'])",
    "logging": "import logging, sys; logging.basicConfig(stream=sys.stdout, level=0); logging.info('HELLO')",
    "kept stream": "import sys; out = sys.stdout; import atexit; atexit.register(lambda: out.write('HELLO'))",
    "thread": "import threading, time\n"
    "    def talk():\n"
    "        while True: print('HELLO', flush=True); time.sleep(0.001)\n"
    "    threading.Thread(target=talk, daemon=True).start(); time.sleep(0.05)",
}


def test_what_a_plugin_prints_stays_off_stdout(site, command):
    for number, code in enumerate(PRINTED.values()):
        site(f"chatty{number}", f"if True:\n    {code}")
        site(f"talker{number}", f"if True:\n    {code}\n" + HOOKS.format(code=code), "plugins")
    created = command("create", "memo", "-a", "shop", "--json")
    assert json.loads(created.out)["instance"]
    assert "HELLO" in created.err
    for words in (("list",), ("addons",), ("env", "-a", "shop"), ("doctor",)):
        assert json.loads(command(*words, "--json").out)
    shell = command("env", "-a", "shop", "--format", "shell", "--reveal")
    assert shell.out.startswith("export MEMO_URL=")
    assert command("run", "-a", "shop", "--", "echo", "output").out == "output\n"


def test_what_a_step_prints_stays_off_stdout(site, command):
    code = (
        MEMO.joinpath("acme_memo.py")
        .read_text()
        .replace('"memo', '"noisy')
        .replace('"""Make the URL."""', "print('HELLO')")
    )
    site("noisy", code)
    created = command("create", "noisy", "-a", "shop", "--json")
    assert json.loads(created.out)
    assert "HELLO" in created.err


LINGERING = [
    "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()",
    "import atexit, time; atexit.register(time.sleep, 600)",
    "import threading; threading._register_atexit(__import__('time').sleep, 600)",
]


def test_what_a_plugin_leaves_running_holds_no_command_up(site, command):
    for number, code in enumerate(LINGERING):
        site(f"linger{number}", code + HOOKS.format(code="pass"), "plugins")
    assert command("create", "memo", "-a", "shop").status == 0


def test_a_command_imports_only_what_it_is_about(site, command, tmp_path):
    site("other", f"open({str(tmp_path / 'imported')!r}, 'w').close(); import time; time.sleep(600)")
    assert command("create", "memo", "-a", "shop").status == 0
    for words in (
        ("list",),
        ("show", "shop-memo"),
        ("env", "-a", "shop"),
        ("run", "-a", "shop", "true"),
        ("variants", "memo"),
    ):
        assert command(*words).status == 0
    assert command("destroy", "shop-memo", "--yes").status == 0
    assert not (tmp_path / "imported").exists()


def test_of_300_addon_distributions_one_is_imported(site, command, tmp_path):
    log = tmp_path / "imported"
    for number in range(300):
        site(f"n{number}", f"open({str(log)!r}, 'a').write('n{number} ')")
    memo = MEMO.joinpath("acme_memo.py").read_text().replace('"memo', '"counted')
    site("counted", f"{memo}\nopen({str(log)!r}, 'a').write('counted ')")
    assert command("create", "counted", "-a", "shop").status == 0
    assert command("env", "-a", "shop").status == 0
    assert command("run", "-a", "shop", "true").status == 0
    assert command("list").status == 0
    assert set(log.read_text().split()) == {"counted"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_command_that_waits_for_an_import(site, command, tmp_path, number):
    mark = tmp_path / "began"
    site("slow", f"open({str(mark)!r}, 'w').close(); import time; time.sleep(600)")
    running = command.start("create", "slow", "-a", "shop")
    while not mark.exists():
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(number)
    out, err = running.communicate(timeout=30)
    assert (running.returncode, out) == (130, "")
    assert err.splitlines()[-1].startswith("interrupted: ")
    assert "Traceback" not in err


def test_a_rival_that_comes_later_takes_no_instance_away(site, command):
    assert command("create", "memo", "-a", "shop").status == 0
    site("evil", "raise AssertionError('it is imported')", entry="memo")
    refused = command("create", "memo", "-a", "blog")
    assert refused.status == 1
    assert "acme-evil 1.0 and acme-memo 1.2.0 claim its name" in refused.err
    assert command("list", "--json").data["instances"][0]["addon_state"] == "ok"
    assert command("attach", "shop-memo", "-a", "blog").status == 0
    assert command("env", "-a", "blog").status == 0
    assert command("destroy", "shop-memo", "--yes").status == 0


def test_a_rival_takes_no_instance_whose_own_addon_is_blocked(site, command):
    assert command("create", "memo", "-a", "shop").status == 0
    site("evil", "raise AssertionError('it is imported')", entry="memo")

    refused = command("destroy", "shop-memo", "--yes", ADDONKIT_BLOCK="acme-memo")

    assert refused.status == 1
    assert "acme_evil" not in refused.err
    assert "it is imported" not in refused.err
    assert command("destroy", "shop-memo", "--yes").status == 0


def test_names_of_distributions_do_nothing_to_a_terminal(site, command):
    info = site.folder / "acme_esc-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: evil\x1b]0;TITLE\x07\nVersion: 1\x9b\n")
    (info / "entry_points.txt").write_text(
        "[addonkit.addons]\nev\x1b[32mil = ../x\n[addonkit.plugins]\nto\x07ld = a\x1bb\n"
    )
    for words in (
        ("addons",),
        ("addons", "-v"),
        ("addons", "--json"),
        ("doctor",),
        ("create", "memo", "-a", "x", "-v"),
    ):
        answered = command(*words)
        assert answered.out or answered.err
        assert (answered.out + answered.err).replace("\n", "").isprintable()


def test_a_backend_whose_name_is_no_module_is_one_line(command):
    asked = command("list", ADDONKIT_BACKEND="../x")
    assert (asked.status, "Traceback" in asked.err) == (1, False)
    assert asked.err.startswith('error: unknown backend "../x"')


def test_output_that_a_plugin_closes_is_still_written(site, command):
    site("closer", "import sys, os; sys.stdout.close(); os.close(1)" + HOOKS.format(code="pass"), "plugins")
    ended = subprocess.run(
        [*command.program, "list", "--json"],
        check=False,
        env=command.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert json.loads(ended.stdout) == {"instances": []}
