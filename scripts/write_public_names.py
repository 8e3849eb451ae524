"""Write what authors may rely on, with signatures: tests/core/public_names.txt.

A test compares the file with the code, so that a change of the contract is seen in review. `make reference` writes it.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from public_names import lines  # noqa: E402 - after the path is set

FILE = ROOT / "tests" / "core" / "public_names.txt"

if __name__ == "__main__":
    FILE.write_text("".join(f"{line}\n" for line in lines()))
