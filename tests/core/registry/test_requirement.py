"""Which cores a distribution accepts: the quick answer is that of the standard."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from addonkit.registry.requirement import refusal_of

releases = st.lists(st.integers(0, 12), min_size=1, max_size=4).map(lambda each: ".".join(map(str, each)))
cores = st.one_of(releases, st.builds("{}{}".format, releases, st.sampled_from(["rc1", ".dev3", ".post1", "+local"])))
bounds = st.builds("{}{}".format, st.sampled_from([">=", "<", ">", "<=", "==", "!=", "~="]), releases)


@given(core=cores, said=st.lists(bounds, max_size=3), spaces=st.booleans())
def test_it_answers_as_the_standard_does(core: str, said: list[str], spaces: bool) -> None:
    said = [each for each in said if not (each.startswith("~=") and "." not in each)]
    line = f"addonkit{' (' if spaces else ''}{', '.join(said)}{')' if spaces else ''}" if said else "addonkit"
    expected = Requirement(line).specifier.contains(core, prereleases=True)
    assert (refusal_of([line], core) == "") is expected


def test_other_distributions_and_markers_are_no_matter() -> None:
    assert not refusal_of(
        ["addonkit-postgresql<0", "addonkit<0; extra == 'x'", "addonkit ! nonsense", "attrs<1"], "0.1.0"
    )
    assert refusal_of(["addonkit>=0.1", "Addonkit<0.1"], "0.1.0") == "it needs addonkit <0.1, this is 0.1.0"


def test_the_usual_requirement_imports_nothing() -> None:
    code = "from addonkit.registry.requirement import refusal_of as r; r(['addonkit>=0.1,<1'], '0.1.0'); import sys"
    subprocess.run([sys.executable, "-c", f"{code}; assert 'packaging' not in sys.modules"], check=True)
