"""Every machine format holds what its readers publish: as rules that always run, and as their schemas where these can be had.

The schemas are not ours to ship. They come from their publishers, or from the folder that PUBLISHED_SCHEMAS names.
"""

from __future__ import annotations

import io
import json
import os
import re
import urllib.error
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import xmlschema

from trainyard.linter import lint
from trainyard.linter.engine.own import RULE_CRASHED
from trainyard.linter.engine.report import Report
from trainyard.linter.report.github import LONGEST_MESSAGE, GithubReporter
from trainyard.linter.report.gitlab import GitlabReporter
from trainyard.linter.report.junit import JunitReporter
from trainyard.linter.report.paths import address, legible
from trainyard.linter.report.sarif import SarifReporter
from trainyard.linter.source import Severity

from .conftest import found, report_on

Reports = list[tuple[str, Report]]
Written = Callable[[type[Any]], str]

PUBLISHERS = {
    "sarif.json": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
    "junit.xsd": "https://raw.githubusercontent.com/jenkinsci/xunit-plugin/xunit-2.3.2/"
    "src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd",
    "gitlab.json": "https://gitlab.com/gitlab-org/gitlab/-/raw/master/app/validators/json_schemas/codeclimate.json",
}
HOSTILE: tuple[bytes, ...] = (
    b"",
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\x00}\x00",
    b"[" * 200,
    b'{"version": "v1", "version": "v2", "\\ud800": NaN, "x": 1e999, "y": 10.0, }',
    '{"漢字 😀": "\u202e", "##[error]": "::error::"}'.encode(),
)
NAMES = (
    "a.json",
    "a b,c%.json",
    "::error file=x::y.json",
    "\udcff.json",
    "漢字 😀.json",
    "new\nline\x1b[31m.json",
    "##[stop-commands]x.json",
)
LEVELS = {"error", "warning", "notice"}


@pytest.fixture
def written(reports: Reports, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    """Write reports of every kind: made by hand, of a real spec, of hostile texts under hostile names, of a crash of ours."""
    monkeypatch.chdir(tmp_path)
    code = f"{RULE_CRASHED.code} {RULE_CRASHED.name}"
    every = [
        *reports,
        ("bad.json", lint((repository / "examples/digits/bad.trainspec.json").read_bytes())),
        *((NAMES[number % len(NAMES)], lint(text)) for number, text in enumerate(HOSTILE)),
        *((name, lint(HOSTILE[-1])) for name in NAMES),
        ("crashed.json", report_on("{}", lambda document: [found(document, "", code, Severity.ERROR, "RULE001 crashed")])),
    ]

    def write(kind: type[Any]) -> str:
        stream = io.StringIO()
        reporter = kind(stream) if kind is JunitReporter else kind(stream, str(tmp_path))
        for path, report in every:
            reporter.file(path, report)
        reporter.close()
        return stream.getvalue()

    return write


@pytest.fixture(scope="module")
def published() -> Callable[[str], str]:
    def text(name: str) -> str:
        if folder := os.environ.get("PUBLISHED_SCHEMAS"):
            return (Path(folder) / name).read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(PUBLISHERS[name], timeout=20) as answer:  # noqa: S310 - addresses of this file
                fetched: str = answer.read().decode("utf-8")
                return fetched
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            pytest.skip(f"{PUBLISHERS[name]} cannot be reached ({error}); PUBLISHED_SCHEMAS may name a folder with {name}")

    return text


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own output


# -- SARIF 2.1.0

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}, "markdown": {"type": "string"}}}
REGION = {key: {"type": "integer", "minimum": 1} for key in ("startLine", "startColumn", "endLine", "endColumn")}
OFFSETS = {key: {"type": "integer", "minimum": 0} for key in ("byteOffset", "byteLength")}
ARTIFACT = {"type": "object", "required": ["uri"], "properties": {"uri": {"type": "string", "pattern": r"^[\w.~!$&'()*+,;=@/%:-]+$"}}}


def closed(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


def listed(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


LEVEL = {"enum": ["none", "note", "warning", "error"]}
PLACE = closed(
    ("physicalLocation",),
    physicalLocation=closed(("artifactLocation", "region"), artifactLocation=ARTIFACT, region=closed(("startLine",), **REGION, **OFFSETS)),
    logicalLocations=listed(closed((), fullyQualifiedName={"type": "string"}, kind={"type": "string"})),
)
CHANGE = closed(
    ("artifactLocation", "replacements"),
    artifactLocation=ARTIFACT,
    replacements=listed(
        closed(("deletedRegion",), deletedRegion=closed((), **OFFSETS), insertedContent=closed((), text={"type": "string"}))
    ),
)
RESULT = closed(
    ("message",),
    ruleId={"type": "string"},
    ruleIndex={"type": "integer", "minimum": -1},
    level=LEVEL,
    message=TEXT,
    locations=listed(PLACE),
    partialFingerprints={
        "type": "object",
        "additionalProperties": {"type": "string"},
        "propertyNames": {"pattern": r"^[a-zA-Z]+/v\d+$"},
        "minProperties": 1,
    },
    suppressions=listed(closed(("kind",), kind={"enum": ["inSource", "external"]}, justification={"type": "string"})),
    fixes=listed(closed(("artifactChanges",), artifactChanges={**listed(CHANGE), "minItems": 1})),
)
RULE = closed(
    ("id",),
    id={"type": "string"},
    name={"type": "string"},
    shortDescription=TEXT,
    fullDescription=TEXT,
    help=TEXT,
    defaultConfiguration=closed((), level=LEVEL),
    properties=closed((), tags={"type": "array", "maxItems": 20, "uniqueItems": True, "items": {"type": "string"}}),
)
DRIVER = closed(("name",), name={"type": "string"}, version={"type": "string"}, semanticVersion={"type": "string"}, rules=listed(RULE))
INVOCATION = closed(
    ("executionSuccessful",),
    executionSuccessful={"type": "boolean"},
    toolExecutionNotifications=listed(closed(("message",), level=LEVEL, message=TEXT)),
)
RUN = closed(
    ("tool", "results"),
    tool=closed(("driver",), driver=DRIVER),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    invocations=listed(INVOCATION),
    results={**listed(RESULT), "maxItems": 25_000},
)
SARIF = closed(
    ("version", "runs"), **{"$schema": {"type": "string"}, "version": {"const": "2.1.0"}, "runs": {**listed(RUN), "maxItems": 20}}
)


def test_sarif_has_the_members_of_the_standard_and_no_others(written: Written) -> None:
    jsonschema.Draft202012Validator(SARIF).validate(json.loads(written(SarifReporter)))


@pytest.mark.network
def test_sarif_satisfies_the_schema_of_oasis(written: Written, published: Callable[[str], str]) -> None:
    jsonschema.validate(json.loads(written(SarifReporter)), json.loads(published("sarif.json")))


def test_a_sarif_fingerprint_survives_what_is_written_above_and_tells_equal_findings_apart() -> None:
    def fingerprints(text: str) -> list[str]:
        stream = io.StringIO()
        reporter = SarifReporter(stream, "/")
        reporter.file("p", report_on(text, lambda document: [found(document, "/a", "X001 x", Severity.INFO, "m")] * 2))
        reporter.close()
        return [result["partialFingerprints"]["pointer/v1"] for result in json.loads(stream.getvalue())["runs"][0]["results"]]

    assert fingerprints('{"a": 1}') == fingerprints('{\n\n"b": 2, "a": 3}')
    assert len(set(fingerprints('{"a": 1}'))) == 2


# -- JUnit, as the schema of Jenkins' xUnit plugin has it: element, then what it may and must say and hold

JUNIT: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, set(), {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "file", "time", "timestamp", "hostname", "id", "package"},
        {"name", "tests", "failures", "errors"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": ({"name", "classname", "time", "group"}, {"name"}, {"skipped", "error", "failure", "system-out", "system-err"}),
    "failure": ({"type", "message"}, set(), set()),
    "error": ({"type", "message"}, set(), set()),
    "skipped": ({"type", "message"}, set(), set()),
    "system-out": (set(), set(), set()),
}


def test_junit_has_the_elements_that_jenkins_knows_and_no_others(written: Written) -> None:
    for element in parsed(written(JunitReporter)).iter():
        allowed, required, children = JUNIT[element.tag]
        assert required <= set(element.attrib) <= allowed
        assert {child.tag for child in element} <= children


def test_junit_counts_are_those_of_its_elements(written: Written) -> None:
    root = parsed(written(JunitReporter))
    for node, above in [(root, ".//"), *((suite, ".//") for suite in root.iter("testsuite"))]:
        assert int(node.attrib["tests"]) == len(node.findall(f"{above}testcase"))
        assert int(node.attrib["failures"]) == len(node.findall(f"{above}failure"))
        assert int(node.attrib["errors"]) == len(node.findall(f"{above}error"))
    assert root.attrib["errors"] == "1"


@pytest.mark.network
def test_junit_satisfies_the_schema_of_jenkins(written: Written, published: Callable[[str], str]) -> None:
    xmlschema.XMLSchema(published("junit.xsd")).validate(written(JunitReporter))


# -- GitLab code quality


def test_gitlab_gets_every_member_it_asks_for_once_per_fingerprint(written: Written) -> None:
    text = written(GitlabReporter)
    assert not text.startswith("\ufeff")
    issues = json.loads(text)
    place = closed(
        ("path", "lines"),
        path={"type": "string", "pattern": r"^(?!\./|/)"},
        lines=closed(("begin",), begin={"type": "integer", "minimum": 1}, end={"type": "integer", "minimum": 1}),
    )
    issue = closed(
        ("description", "check_name", "fingerprint", "severity", "location"),
        description={"type": "string", "minLength": 1},
        check_name={"type": "string", "minLength": 1},
        fingerprint={"type": "string", "pattern": "^[0-9a-f]{64}$"},
        severity={"enum": ["info", "minor", "major", "critical", "blocker"]},
        location=place,
    )
    jsonschema.Draft202012Validator(listed(issue)).validate(issues)
    assert len({one["fingerprint"] for one in issues}) == len(issues) > 20


@pytest.mark.network
def test_gitlab_issues_satisfy_the_schema_of_its_parser(written: Written, published: Callable[[str], str]) -> None:
    schema = json.loads(published("gitlab.json"))
    for issue in json.loads(written(GitlabReporter)):
        jsonschema.validate(issue, schema)


# -- GitHub workflow commands

COMMAND = re.compile(r"^::(?P<level>[a-z]+) (?P<properties>[^:]*)::(?P<message>.*)$")


def test_github_gets_commands_of_ours_only_and_ten_a_level(written: Written) -> None:
    lines = written(GithubReporter).splitlines()
    commands = [match for line in lines if (match := COMMAND.match(line))]
    assert len([line for line in lines if line.lstrip().startswith("::")]) == len(commands)
    assert not [line for line in lines if "##[" in line]
    for level in LEVELS:
        own = [command for command in commands if command["level"] == level and "title=trainlint" not in command["properties"]]
        assert len(own) <= 10
    for command in commands:
        assert command["level"] in LEVELS
        properties = dict(pair.split("=", 1) for pair in command["properties"].split(","))
        assert set(properties) <= {"file", "line", "endLine", "col", "endColumn", "title"}
        assert ("col" in properties) <= (properties.get("line") == properties.get("endLine"))


def test_nothing_that_reaches_the_log_of_github_can_drive_a_terminal_or_break_a_line(written: Written) -> None:
    text = written(GithubReporter)
    assert all(character.isprintable() or character == "\n" for character in text)


def test_a_message_beyond_the_limit_of_github_is_cut() -> None:
    stream = io.StringIO()
    reporter = GithubReporter(stream, "/")
    reporter.file("p", report_on("{}", lambda document: [found(document, "", "X001 x", Severity.ERROR, "😀" * 100_000)]))
    reporter.close()
    message = stream.getvalue().split("::", 2)[2].strip()
    assert message.endswith("…")
    assert len(message) == LONGEST_MESSAGE
    assert len(message.encode()) <= 64 * 1024


# -- addresses


@pytest.mark.parametrize(
    "path,uri",
    [
        ("a b/c%.json", "a%20b/c%25.json"),
        ("c:d.json", "c%3Ad.json"),
        ("/elsewhere/d e.json", "file:///elsewhere/d%20e.json"),
        ("C:/specs/d e.json", "file:///C:/specs/d%20e.json"),
        ("漢.json", "%E6%BC%A2.json"),
        ("\udcff.json", "%FF.json"),
    ],
)
def test_an_address_is_a_reference_that_every_reader_takes(path: str, uri: str) -> None:
    assert address(path) == uri


def test_a_file_name_that_is_no_utf_8_is_legible() -> None:
    assert legible("a\udcff漢.json") == "a\ufffd漢.json"
    assert legible("plain.json") == "plain.json"
