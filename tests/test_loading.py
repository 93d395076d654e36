import pytest

from modelwatch.loading import MAX_BYTES, MAX_VALUES, load, load_all
from modelwatch.problems import InventoryError, Problem, render
from modelwatch.reading import problems
from modelwatch.tree import Block, Number, Value
from tests.inventory_texts import ENGINES


def _only_problem(content: bytes) -> Problem:
    found = problems("models.yaml", content, ENGINES)
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("off", "off"),
        ("yes", "yes"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("007", "007"),
        ("1_000", "1_000"),
        (".5", ".5"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", Number("12")),
        ("-1.50", Number("-1.5")),
        ("1e-6", Number("0.000001")),
    ],
)
def test_scalars_mean_what_people_expect(text: str, value: Value) -> None:
    read = load("x.yaml", f"key: {text}\n".encode()).root["key"]
    assert read == value
    assert type(read) is type(value)


def test_a_number_keeps_its_text() -> None:
    root = load("x.yaml", b"version: 1.10\n").root
    assert root.text("version") == "1.10"


def test_every_key_and_value_knows_its_place() -> None:
    root = load("x.yaml", "a: [1,\n  {ü: x, b: y}]\n".encode()).root
    inner = root.items_of("a")[1]
    assert isinstance(inner, Block)
    assert root.items_of("a").values_at == [(1, 5), (2, 3)]
    assert (inner.key_at("b"), inner.at("b")) == ((2, 10), (2, 13))


def test_a_byte_order_mark_moves_no_column() -> None:
    assert load("x.yaml", b"\xef\xbb\xbfa: b\n").root.at("a") == (1, 4)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old-mac"])
def test_any_line_end_counts_as_one_line(newline: str) -> None:
    root = load("x.yaml", f"a: 1{newline}b: 2{newline}".encode()).root
    assert root.key_at("b") == (2, 1)


_BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * 9)}]\n" for i in range(30)
)


@pytest.mark.parametrize(
    ("content", "line", "column", "words"),
    [
        (b"", 1, 1, "the file is empty; write a first inventory with `modelwatch init`"),
        (b"# only a comment\n", 1, 1, "the file is empty"),
        (b"---\n", 1, 1, "the file is empty"),
        (b"just text\n", 1, 1, "an inventory is made of keys and values"),
        (b"\n- a\n- b\n", 2, 1, "an inventory is made of keys and values"),
        (b"a: 1\n---\nb: 2\n", 2, 1, "a second document starts here"),
        (b"a:\n  \tb: 1\n", 2, 3, "a tab is used for indentation"),
        (b"a: b\x00c\n", 1, 5, "a character that cannot be shown"),
        (b"a: \x1b[31m\n", 1, 4, "a character that cannot be shown"),
        (b"a: 1\nb: \xff\n", 2, 4, "this byte is not part of any UTF-8 text"),
        ("a: 1\n".encode("utf-16"), 1, 1, "the file is written in UTF-16; save it as UTF-8"),
        (b"x" * 50_000_000, 1, 1, "the file has 50.0 MB; at most 5 MB are read"),
        (b"[" * 900, 1, 41, "nested more than 40 levels deep"),
        (b"{a: " * 100_000, 1, 161, "nested more than 40 levels deep"),
        (b"- " * 100_000, 1, 81, "nested more than 40 levels deep"),
        (_BOMB.encode(), 7, 15, "stands for more than"),
        (b"a: [" + b"[]," * 1_600_000 + b"]\n", 1, 1_199_996, "stands for more than"),
        (b"a: &x [*x]\n", 1, 8, "'*x' contains itself"),
        (b"a: &x {b: {c: *x}}\n", 1, 15, "'*x' contains itself"),
        (b"a: *x\n", 1, 4, "'*x' stands for nothing"),
        (b"a: !!python/object/apply:os.system [ls]\n", 1, 4, "'!!python/object/apply:os.system'"),
        (b"a: !own x\n", 1, 4, "'!own' is a tag, which is not used here"),
        (b"a: %x\n", 1, 4, "no value can begin with this character"),
        (b"a: 'b\n", 1, 4, "the text in quotes that begins here never ends"),
        (b"a: {b: 1\n", 1, 9, "a ',' or '}' is missing before this"),
        (b"a: - b\n", 1, 4, "a list cannot begin here"),
        (b'a: "\\q"\n', 1, 5, "this '\\' means nothing in double quotes"),
        (b"a: 1\nb\n", 2, 2, "this key has no ':'"),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes | str) else str(value),
)
def test_a_hostile_or_broken_file_gives_a_clear_error(
    content: bytes, line: int, column: int, words: str
) -> None:
    try:
        load("models.yaml", content).report.raise_if_any()
    except InventoryError as error:
        (problem,) = error.problems
    assert (problem.line, problem.column) == (line, column)
    assert words in str(problem)
    assert problem.advice
    assert len(render(problem)) < 1000


def test_a_file_too_deep_for_the_parser_itself_is_told_alike() -> None:
    """Where it gives up depends on the release of libyaml."""
    problem = _only_problem(b"[" * 100_000)
    assert problem.message == "this is nested more than 40 levels deep"
    assert problem.line == 1


def test_values_through_aliases_count_as_often_as_they_are_used() -> None:
    entries = MAX_VALUES // 200
    once = f"a: &x [{'y, ' * entries}]\n"
    assert load("x.yaml", f"{once}b: [{'*x, ' * 150}]\n".encode()).root
    with pytest.raises(InventoryError, match="stands for more than"):
        load("x.yaml", f"{once}b: [{'*x, ' * 250}]\n".encode())


def test_the_size_is_looked_at_before_the_content() -> None:
    problem = _only_problem(b"\xff" * (MAX_BYTES + 1))
    assert "MB" in problem.message


def test_duplicate_keys_are_all_told_at_once() -> None:
    found = load("x.yaml", b"a: 1\na: 2\nb: {c: 1, c: 2}\na: 3\n").report.found
    assert [(problem.line, problem.column) for problem in found] == [(2, 1), (3, 11), (4, 1)]
    assert all("is already in line" in problem.message for problem in found)


def test_the_first_of_two_equal_keys_is_kept() -> None:
    assert load("x.yaml", b"a: 1\na: 2\n").root["a"] == Number("1")


@pytest.mark.parametrize("seed", range(20))
def test_noise_never_ends_in_a_traceback(seed: int) -> None:
    alphabet = b"abc:{}[]-? \n&*!|>'\"%@`#,\t\\~<=01"
    state, noise = seed + 1, bytearray(b"models:\n")
    for _ in range(2000):
        state = state * 6364136223846793005 % 2**64 + 1442695040888963407
        noise.append(alphabet[(state >> 33) % len(alphabet)])
    assert problems("noise.yaml", bytes(noise), ENGINES)


# Several documents: files of others, never an inventory.


def test_each_document_of_a_file_is_read_with_places_in_the_file() -> None:
    read = load_all("x.yaml", b"a: &x 1\n---\n# nothing\n---\nb: {c: *x}\n".replace(b"*x", b"2"))
    assert [list(root) for root in read.roots] == [["a"], ["b"]]
    assert read.roots[1].block("b").at("c") == (5, 8)
    assert not read.report.found


def test_an_anchor_ends_with_its_document() -> None:
    with pytest.raises(InventoryError, match="'\\*x' stands for nothing"):
        load_all("x.yaml", b"a: &x 1\n---\nb: *x\n")


def test_a_document_that_is_no_block_is_told_beside_the_others() -> None:
    read = load_all("x.yaml", b"a: 1\n---\n- b\n")
    assert [list(root) for root in read.roots] == [["a"]]
    assert [str(problem) for problem in read.report.found] == [
        "x.yaml:3:1: a document is made of keys and values; begin with `apiVersion:`"
    ]


def test_a_file_without_documents_is_told() -> None:
    assert [str(one) for one in load_all("x.yaml", b"# a\n").report.found] == [
        "x.yaml:1:1: the file is empty; check that it is the right one"
    ]
