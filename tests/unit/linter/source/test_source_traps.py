"""Every way in which a file fails to be strict JSON is a finding with a place, never a traceback."""

from __future__ import annotations

import pytest

from trainyard.linter.source import Document, Fault, Limits, Severity
from trainyard.linter.source.traps import TRAPS


def faults(raw: bytes | str) -> list[Fault]:
    return list(Document.parse(raw.encode() if isinstance(raw, str) else raw).faults)


def only(raw: bytes | str) -> Fault:
    (fault,) = faults(raw)
    assert fault.span is not None
    return fault


def place(fault: Fault) -> tuple[int, int, int]:
    assert fault.span is not None
    return fault.span.start


def marked(raw: str, fault: Fault) -> str:
    assert fault.span is not None
    return raw.encode()[fault.span.start.offset : fault.span.end.offset].decode()


def mended(raw: bytes | str, found: list[Fault]) -> bytes:
    text = raw.encode() if isinstance(raw, str) else raw
    for edit in sorted((edit for fault in found for edit in fault.edits), reverse=True):
        text = text[: edit.start] + edit.replacement + text[edit.end :]
    return text


def test_a_clean_file_has_a_value_and_no_fault() -> None:
    document = Document.parse(b'{"a": [1, 2.5, true, null, "x"], "b": {}}')
    assert document.value == {"a": [1, 2.5, True, None, "x"], "b": {}}
    assert document.faults == ()


# -- duplicate keys


def test_a_duplicate_key_is_found_at_both_places_and_the_second_names_the_first() -> None:
    raw = '{\n  "seed": 1,\n  "name": "x",\n  "seed": 2\n}'
    first, second = faults(raw)
    assert [first.name, second.name] == ["duplicate-key", "duplicate-key"]
    assert place(first)[:2] == (2, 3)
    assert place(second)[:2] == (4, 3)
    assert "line 2, column 3" in second.message
    assert (first.target, first.pointer) == ("key", "/seed")
    assert marked(raw, second) == '"seed"'


def test_the_fix_of_a_duplicate_that_says_the_same_keeps_the_last_and_everything_between() -> None:
    raw = '{"a": 3, "b": 2, "a": 3}'
    assert mended(raw, faults(raw)) == b'{"b": 2, "a": 3}'
    assert Document.parse(raw.encode()).value == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    "raw", ['{"a": 1, "b": 2, "a": 3}', '{"a": 1, "a": true}', '{"a": NaN, "a": Infinity}', '{"a": {}, "a": {"b": 1}}']
)
def test_of_two_values_of_one_key_neither_is_deleted(raw: str) -> None:
    assert not any(fault.edits for fault in faults(raw) if fault.name == "duplicate-key")


def test_a_key_written_three_times_is_found_three_times() -> None:
    raw = '{"a": 1, "a": 1, "a": 1}'
    assert [place(fault)[1] for fault in faults(raw)] == [2, 10, 18]
    assert mended(raw, faults(raw)) == b'{"a": 1}'


def test_equal_keys_of_different_objects_are_no_duplicates() -> None:
    assert faults('{"a": {"x": 1}, "b": {"x": 1}, "c": [{"x": 1}, {"x": 1}]}') == []


# -- numbers


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "nan", "+inf", ".nan"])
def test_a_number_that_is_none_is_found_at_its_value(word: str) -> None:
    raw = f'{{"a": {{"b": {word}}}}}'
    fault = only(raw)
    assert (fault.name, fault.pointer, fault.target) == ("number-not-finite", "/a/b", "value")
    assert marked(raw, fault) == word


@pytest.mark.parametrize("word", ["1e999", "-1E+400", "123456789012345678901234567890e290", "1" + "0" * 400 + ".0"])
def test_a_number_that_overflows_is_found_at_its_value(word: str) -> None:
    raw = f'{{"a": [0, {word}]}}'
    fault = only(raw)
    assert (fault.name, fault.pointer) == ("number-overflows", "/a/1")
    assert marked(raw, fault) == word


@pytest.mark.parametrize("word", ["9007199254740992", "-9007199254740992", "9" * 5000])
def test_an_integer_that_doubles_cannot_hold_is_found(word: str) -> None:
    fault = only(f'{{"a": {word}}}')
    assert (fault.name, fault.pointer) == ("integer-too-large", "/a")
    assert "2^53" in fault.message
    assert len(fault.message) < 200


@pytest.mark.parametrize(
    "word", ["9007199254740991", "-9007199254740991", "1e300", "0.12345678901234567890", "1E-999", "-0", "12e00000000003"]
)
def test_a_number_that_a_double_holds_is_silent(word: str) -> None:
    assert faults(f'{{"a": {word}}}') == []


def test_a_broken_number_leaves_null_and_says_where() -> None:
    document = Document.parse(b'{"a": NaN, "b": [1e999], "c": 1}')
    assert document.value == {"a": None, "b": [None], "c": 1}
    assert document.broken == {"/a", "/b/0"}


def test_ten_point_nought_and_booleans_keep_their_types_and_their_place() -> None:
    raw = b'{"epochs": 10.0, "batch_size": true}'
    document = Document.parse(raw)
    assert document.value is not None
    assert type(document.value["epochs"]) is float
    assert document.value["batch_size"] is True
    start, end = document.span("/epochs")
    assert raw[start.offset : end.offset] == b"10.0"


# -- size and depth


def test_depth_64_is_read_and_depth_65_is_a_fault_at_its_bracket() -> None:
    deep = '{"a":' + "[" * 63 + "]" * 63 + "}"
    assert faults(deep) == []
    deeper = '{"a":' + "[" * 64 + "]" * 64 + "}"
    fault = only(deeper)
    assert fault.name == "nesting-too-deep"
    assert place(fault)[1] == 5 + 64


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_hundred_thousand_levels_are_a_fault_and_no_crash(opening: str) -> None:
    document = Document.parse((opening * 100_000).encode(), Limits(bytes=1024 * 1024))
    assert [fault.name for fault in document.faults] == ["nesting-too-deep"]


def test_brackets_inside_strings_do_not_count_as_depth() -> None:
    assert faults('{"a": "' + "[{" * 200 + '\\"["}') == []


def test_a_file_over_the_limit_is_a_fault_and_one_at_the_limit_is_read() -> None:
    padding = Limits().bytes - len(b'{"a": ""}')
    assert faults(b'{"a": "' + b"x" * padding + b'"}') == []
    assert only(b'{"a": "' + b"x" * (padding + 1) + b'"}').name == "file-too-large"


def test_the_size_limit_can_be_raised() -> None:
    raw = b'{"a": "' + b"x" * 500_000 + b'"}'
    assert Document.parse(raw, Limits(bytes=1024 * 1024)).faults == ()


def test_reading_stops_where_a_file_is_nothing_but_faults() -> None:
    document = Document.parse(b'{"a": [' + b"NaN," * 1500 + b"1]}")
    assert len(document.faults) == Limits().faults
    assert document.more_faults == 1
    assert document.value is None


# -- encodings


def test_a_byte_order_mark_is_a_fixable_warning_and_the_rest_is_read() -> None:
    raw = b'\xef\xbb\xbf{"a": 1}'
    fault = only(raw)
    assert (fault.name, fault.severity, fault.safe) == ("byte-order-mark", Severity.WARNING, True)
    assert mended(raw, [fault]) == b'{"a": 1}'
    assert Document.parse(raw).value == {"a": 1}


def test_offsets_count_the_byte_order_mark_and_columns_do_not() -> None:
    start, _ = Document.parse(b'\xef\xbb\xbf{"a": 1}').span("/a")
    assert start == (1, 7, 9)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_wide_encodings_are_named(encoding: str) -> None:
    fault = only('{"a": 1}'.encode(encoding))
    assert fault.name == "not-utf8"
    assert encoding[:6].upper() in fault.message


def test_latin_1_is_found_at_its_first_byte() -> None:
    fault = only('{"ä": 1,\n "name": "é"}'.encode().replace("é".encode(), b"\xe9"))
    assert fault.name == "not-utf8"
    assert "0xe9" in fault.message
    assert place(fault) == (2, 11, 20)


# -- JSON with comments, JSON5, Python


def test_each_comment_is_found_and_its_fix_is_not_safe() -> None:
    raw = '{ // one\n "a": 1, /* two\n lines */ "b": 2 # three\n}'
    found = faults(raw)
    assert [fault.name for fault in found] == ["comment"] * 3
    assert not any(fault.safe for fault in found)
    assert Document.parse(mended(raw, found)).faults == ()
    assert Document.parse(raw.encode()).value == {"a": 1, "b": 2}


@pytest.mark.parametrize("raw", ['{"a": 1,}', '{"a": [1, 2 , ]}', '{"a": {"b": 1\n,\n}}'])
def test_a_trailing_comma_is_found_and_mended(raw: str) -> None:
    fault = only(raw)
    assert (fault.name, fault.safe) == ("trailing-comma", True)
    assert marked(raw, fault) == ","
    assert Document.parse(mended(raw, [fault])).faults == ()


def test_comment_marks_inside_strings_are_text() -> None:
    assert faults('{"a": "// no", "b": "/* no */", "c": "#"}') == []


@pytest.mark.parametrize(
    "word,value",
    [
        ("True", True),
        ("False", False),
        ("None", None),
        ("TRUE", True),
        ("undefined", None),
        (".5", 0.5),
        ("1.", 1.0),
        ("+3", 3),
        ("0x10", 16),
        ("1_000", 1000),
    ],
)
def test_what_other_languages_write_is_read_and_mended(word: str, value: object) -> None:
    raw = f'{{"a": {word}}}'
    fault = only(raw)
    assert (fault.name, fault.pointer) == ("not-strict-json", "/a")
    assert Document.parse(raw.encode()).value == {"a": value}
    again = Document.parse(mended(raw, [fault]))
    assert (again.value, again.faults) == ({"a": value}, ())


def test_a_leading_zero_is_mended_only_when_asked() -> None:
    assert not only('{"a": 010}').safe


def test_single_quotes_and_bare_keys_are_read_and_mended() -> None:
    raw = "{'a': 'it is \"it\"', b: 1}"
    found = faults(raw)
    assert [fault.name for fault in found] == ["not-strict-json"] * 3
    assert Document.parse(mended(raw, found)).value == {"a": 'it is "it"', "b": 1}


@pytest.mark.parametrize("raw", ["{“a”: “x y”}", "{„a“: \u2018x y\u2019}", '{“a": «x y»}'])
def test_quotes_of_a_word_processor_are_read_and_mended(raw: str) -> None:
    found = faults(raw)
    assert [(fault.name, fault.safe) for fault in found] == [("not-strict-json", True)] * 2
    assert "typographic quotes" in found[0].message
    assert Document.parse(raw.encode()).value == {"a": "x y"}
    assert mended(raw, found) == b'{"a": "x y"}'


@pytest.mark.parametrize("raw", ["{“a\tb”: 1}", "{'a\tb': 1}"])
def test_other_quotes_around_a_control_character_are_mended_at_once(raw: str) -> None:
    assert mended(raw, faults(raw)) == b'{"a\\tb": 1}'


@pytest.mark.parametrize("space", ["\u00a0", "\u202f", "\u200b", "\ufeff", "\u3000", "\x0b"])
def test_a_space_that_is_none_is_named_and_mended(space: str) -> None:
    raw = '{"a":' + space + "1}"
    fault = only(raw)
    assert (fault.name, fault.safe, marked(raw, fault)) == ("not-strict-json", True, space)
    assert f"U+{ord(space):04X}" in fault.message
    assert Document.parse(raw.encode()).value == {"a": 1}
    assert mended(raw, [fault]) == b'{"a": 1}'


def test_spaces_and_quotes_of_a_page_are_text_inside_a_string() -> None:
    assert faults('{"a": "x\u00a0“y”\u200b"}') == []


def test_a_tab_inside_a_string_is_mended_to_its_escape() -> None:
    raw = '{"a": "x\ty"}'
    fault = only(raw)
    assert fault.name == "not-strict-json"
    assert mended(raw, [fault]) == b'{"a": "x\\ty"}'


# -- strings


@pytest.mark.parametrize("escape", ["\\ud800", "\\udc00", "\\uD83D x", "\\ude00\\ud83d"])
def test_half_of_a_surrogate_pair_is_found(escape: str) -> None:
    fault = only(f'{{"a": "{escape}"}}')
    assert (fault.name, fault.pointer) == ("lone-surrogate", "/a")


def test_a_lone_surrogate_in_a_key_is_found_and_nothing_unprintable_escapes() -> None:
    document = Document.parse(b'{"\\ud800": 1}')
    assert [fault.name for fault in document.faults] == ["lone-surrogate"]
    assert document.faults[0].pointer.encode()
    assert document.value is not None
    assert all(key.encode() for key in document.value)


def test_a_whole_surrogate_pair_is_silent() -> None:
    document = Document.parse(b'{"a": "\\ud83d\\ude00"}')
    assert (document.value, document.faults) == ({"a": "\U0001f600"}, ())


def test_an_unknown_escape_is_named_and_doubled_only_when_asked() -> None:
    raw = '{"a": "x\\\\n\\n\\digits\\u12"}'
    fault = only(raw)
    assert "holds \\d, an escape" in fault.message
    assert not fault.safe
    assert Document.parse(mended(raw, [fault])).value == {"a": "x\\n\n\\digits\\u12"}


# -- broken grammar


@pytest.mark.parametrize("raw", ['[{"a": 1}]', ' [\n{"a": 1},\n]\n'])
def test_one_object_in_an_array_loses_its_brackets(raw: str) -> None:
    found = faults(raw)
    assert [fault.name for fault in found if fault.name != "trailing-comma"] == ["not-an-object"]
    assert Document.parse(mended(raw, found)).value == {"a": 1}


def test_thousands_with_a_comma_are_told_apart_from_a_key() -> None:
    assert "no comma between its thousands" in faults('{"samples": 1,797}')[-1].message


@pytest.mark.parametrize("raw", ["", "  \n\t "])
def test_an_empty_file_says_so(raw: str) -> None:
    assert only(raw).name == "empty-file"


@pytest.mark.parametrize("raw", ["[1]", '"x"', "3", "null", "true"])
def test_a_top_level_that_is_no_object_says_what_it_is(raw: str) -> None:
    assert only(raw).name == "not-an-object"
    assert Document.parse(raw.encode()).value is None


@pytest.mark.parametrize(
    "raw,column,says",
    [
        ('{"a" 1}', 6, '":" expected after the key "a"'),
        ('{"a": "x', 7, "never closed"),
        ('{"a": 1', 1, "never closed"),
        ('{"a": [1}', 9, '"]" expected'),
        ('{"a": 1} {', 10, "goes on after the end"),
        ('{"a": }', 7, "value expected"),
        ('{"a": "x\n"}', 7, "end of its line"),
        ('{"a": "\\x"}', 7, "escape"),
        ("{1: 2}", 2, "key in double quotes"),
        ('{"a": 1 /* x', 9, "comment is never closed"),
        ('{"a": hello}', 7, "value expected"),
    ],
)
def test_broken_grammar_says_what_was_expected_where(raw: str, column: int, says: str) -> None:
    fault = faults(raw)[-1]
    assert fault.name == "invalid-json"
    assert place(fault)[:2] == (1, column)
    assert says in fault.message


def test_a_missing_comma_is_found_mended_and_survived() -> None:
    raw = '{"a": 1\n "b": [1 2]}'
    found = faults(raw)
    assert [fault.name for fault in found] == ["invalid-json", "invalid-json"]
    assert Document.parse(mended(raw, found)).value == {"a": 1, "b": [1, 2]}


@pytest.mark.parametrize("raw,safe", [('{,"a": 1}', True), ('{"a": 1,, "b": 2}', True), ('{"a": [1,,2]}', False), ("{,}", True)])
def test_a_comma_too_many_is_found_mended_and_survived(raw: str, safe: bool) -> None:
    fault = only(raw)
    assert (fault.name, fault.safe, marked(raw, fault)) == ("invalid-json", safe, ",")
    assert Document.parse(mended(raw, [fault])).faults == ()


def test_all_faults_of_a_file_come_in_one_run_and_in_order() -> None:
    found = faults('{"a": NaN, // c\n "a": 1e999, "b": True,}')
    assert {fault.name for fault in found} == {
        "number-not-finite",
        "comment",
        "duplicate-key",
        "number-overflows",
        "not-strict-json",
        "trailing-comma",
    }
    assert [place(fault)[2] for fault in found] == sorted(place(fault)[2] for fault in found)


def test_messages_hold_no_control_characters() -> None:
    for raw in ('{"\\u001b[31m": 1, "\\u001b[31m": 2}', '{"a": \x1b[31m}', '{"a" \u202e 1}'):
        for fault in faults(raw):
            assert fault.message.isprintable()


def test_codes_and_names_are_unique() -> None:
    assert len({trap.code for trap in TRAPS}) == len({trap.name for trap in TRAPS}) == len(TRAPS)
