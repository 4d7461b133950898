"""Whether a release is what it says it is.

:func:`verify_files` compares files with their digests: cheap, for whoever serves a release. It does
not ask whether the content is true.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from pipelines.dataset import sha256

SUMS = "SHA256SUMS"
PACKAGE = "datapackage.json"
NEWS = ("CHANGES.md", "changes.json")
"""Files that depend on the release before: no digest covers them."""

_SUM = re.compile(r"([0-9a-f]{64})  ([^/\n]+)")


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong with a release: the file, and what is wrong."""

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


def verify_files(home: Path) -> list[Fault]:
    """Compare every file of a release with the digests and sizes that the release gives.

    Returns all faults: a file that is missing, or is not the one described, and descriptions that
    are missing or cannot be read. Raises nothing.
    """
    faults: list[Fault] = []
    sums = _read_sums(home, faults)
    described = _read_described(home, faults)
    for name in sorted({*sums, *described, *NEWS}):
        path = home / name
        try:
            size = path.stat().st_size
            found = "" if name in NEWS else sha256(path)
        except (OSError, ValueError) as error:
            faults.append(Fault(name, f"cannot be read ({error})"))
            continue
        if name in sums and found != sums[name]:
            faults.append(Fault(name, f"sha256 {found}, expected {sums[name]} by {SUMS}"))
        if name in described:
            expected_size, digest = described[name]
            if size != expected_size:
                faults.append(Fault(name, f"{size} bytes, expected {expected_size} by {PACKAGE}"))
            if f"sha256:{found}" != digest:
                faults.append(Fault(name, f"sha256:{found}, expected {digest} by {PACKAGE}"))
    for name in sorted({*described, PACKAGE} - {*sums}):
        faults.append(Fault(SUMS, f"has no line for {name}"))
    return faults


def _read_sums(home: Path, faults: list[Fault]) -> dict[str, str]:
    """The digests of SHA256SUMS by file."""
    try:
        lines = (home / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        faults.append(Fault(SUMS, f"cannot be read ({error})"))
        return {}
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        match = _SUM.fullmatch(line)
        if match and match[2] not in found:
            found[match[2]] = match[1]
        else:
            faults.append(Fault(SUMS, f"line {number} is no digest of a further file: {line!a}"))
    return found


def _read_described(home: Path, faults: list[Fault]) -> dict[str, tuple[int, str]]:
    """The size and digest of each file that datapackage.json lists."""
    try:
        package = json.loads((home / PACKAGE).read_text(encoding="utf-8"))
        about = package["facetally"]
        listed = [*package["resources"], *about["parquet"], *about["json"], *about["excel_csv"]]
        return {str(file["path"]): (int(file["bytes"]), str(file["hash"])) for file in listed}
    except OSError as error:
        faults.append(Fault(PACKAGE, f"cannot be read ({error.strerror})"))
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        faults.append(Fault(PACKAGE, f"does not describe a release ({error!r})"))
    return {}
