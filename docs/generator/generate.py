"""Write the reference pages that follow from the code, or check that they do.

    python docs/generator/generate.py            # write docs/reference
    python docs/generator/generate.py --check    # exit 1 and show the difference when a page is out of date

What a page says stands in one place: titles, units and defaults in the JSON Schema, a rule's text in its class, metrics
and errors in the server's tables, measurements in the results that `make bench` keeps.
"""

from __future__ import annotations

import difflib
import shutil
import sys
from pathlib import Path

import benchmarks_page
import capacity_page
import completion_scripts
import configuration_page
import language_page
import manual_pages
import monitoring_pictures
import plan_pictures
import rules_page
import server_pages

REFERENCE = Path(__file__).parents[1] / "reference"
NOTICE = "<!-- Written by docs/generator ('make docs'). Change the source it names, not this page. -->\n\n"


def pages() -> dict[str, str]:
    """Return every generated page by its path below the reference."""
    texts = {
        "spec.md": language_page.page(),
        **{f"rules/{name}": text for name, text in rules_page.pages().items()},
        "configuration.md": configuration_page.page(),
        "metrics.md": server_pages.metrics_page(),
        "errors.md": server_pages.errors_page(),
        "../benchmarks.md": benchmarks_page.page(),
        "../guide/capacity.md": capacity_page.page(),
    }
    scripts = {f"../completions/{name}": text for name, text in completion_scripts.scripts().items()}
    manual = {f"../man/{name}": text for name, text in manual_pages.manual_pages().items()}
    drawings = {f"../guide/pictures/{name}": text for name, text in (plan_pictures.drawings() | monitoring_pictures.drawings()).items()}
    return {name: NOTICE + text for name, text in texts.items()} | scripts | manual | drawings


def difference(name: str, wanted: str) -> str:
    """Return what would change in a page, empty when nothing would."""
    path = REFERENCE / name
    there = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = there.splitlines(keepends=True), wanted.splitlines(keepends=True)
    return "".join(difflib.unified_diff(*lines, f"committed/{name}", f"generated/{name}"))


def check() -> int:
    """Print what is out of date; return an exit status."""
    wanted = pages()
    stale = {str(path.relative_to(REFERENCE)) for path in REFERENCE.rglob("*.md")} - wanted.keys()
    changes = [change for name, text in wanted.items() if (change := difference(name, text))]
    changes += [f"committed/{name} is not generated any more\n" for name in sorted(stale)]
    print("".join(changes), end="")
    if changes:
        print("The reference pages do not follow from the code: run 'make docs' and commit.", file=sys.stderr)
    return 1 if changes else 0


def write() -> int:
    """Write every page; return an exit status."""
    wanted = pages()
    shutil.rmtree(REFERENCE, ignore_errors=True)
    for name, text in wanted.items():
        path = REFERENCE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(check() if sys.argv[1:] == ["--check"] else write())
