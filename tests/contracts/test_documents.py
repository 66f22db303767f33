"""What documents name exists, and what must be short is short."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DECISIONS = sorted((ROOT / "contracts" / "decisions").glob("*.md"))
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), *DECISIONS]
PATH = re.compile(r"`((?:services|contracts|deploy|tests|\.ci)/[\w./-]+)`")
LINK = re.compile(r"(?:\]\(|src=\")([^)#:\"]+)(?:#[^)\"]*)?[)\"]")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_is_named_is_there(document: Path) -> None:
    text = document.read_text()
    missing = [name for name in PATH.findall(text) if not (ROOT / name).exists()]
    missing += [name for name in LINK.findall(text) if not (document.parent / name).exists()]
    assert missing == []


def test_the_walk_opens_ten_files_and_names_what_is_in_them() -> None:
    walk = (ROOT / "README.md").read_text().split("## The ten-minute walk")[1].split("\n## ")[0]
    steps = re.findall(r"^\d+\. `([\w./]+)`, ([^:]+):", walk, re.MULTILINE)
    assert len(steps) == len(PATH.findall(walk)) == 10
    for path, names in steps:
        code = (ROOT / path).read_text()
        for name in re.findall(r"`(\w+)`", names):
            assert re.search(rf"^(async def|def|class) {name}\b", code, re.MULTILINE), f"{path} has no {name}"


@pytest.mark.parametrize("document", DECISIONS, ids=lambda path: path.name)
def test_a_decision_is_one_page_with_a_sentence_to_quote(document: Path) -> None:
    text = document.read_text()
    assert re.match(rf"# {int(document.name[:4])}\. ", text)
    for part in ("**Context.**", "**Decision.**", "**Consequences.**"):
        assert part in text
    quotable = re.search(r"\*\*Decision\.\*\* \*([^*]+)\*\n", text)
    assert quotable
    assert quotable[1].endswith(".")
    assert len(text.split()) <= 400


def test_publiccode_says_what_catalogues_require() -> None:
    said = yaml.safe_load((ROOT / "publiccode.yml").read_text())
    assert said["legal"]["license"] == "EUPL-1.2"
    assert (ROOT / "LICENSE").read_text().startswith("EUROPEAN UNION PUBLIC LICENCE v. 1.2\n")
    assert {"publiccodeYmlVersion", "name", "url", "platforms", "categories", "developmentStatus"} <= set(said)
    for language in said["localisation"]["availableLanguages"]:
        description = said["description"][language]
        assert len(description["shortDescription"]) <= 150
        assert 150 <= len(description["longDescription"]) <= 10_000
        assert description["features"]
