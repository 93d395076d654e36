"""Rows that are no baseline are refused with their place, and everything wrong at once."""

import gzip
import json
import sys
from pathlib import Path

import pytest

from exporters.drift.baseline import Categorical, Numeric, read
from tests.command import Said, run

GOOD = "amount,country,flag\n" + "".join(
    f"{row * 1.5},{'DE' if row % 3 else 'FR'},{row % 2 == 0}\n" for row in range(200)
)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def build(content: str | bytes, *options: str, name: str = "rows.csv") -> Said:
    raw = content.encode() if isinstance(content, str) else content
    Path(name).write_bytes(raw)
    named = ("--model", "fraud", "--version", "3")
    return run("baseline", "build", name, "-o", "baseline.json", *named, *options)


def lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        ("", (), "rows.csv:1:1: the file is empty; check that it is the right one"),
        ("\n \n", (), "rows.csv:1:1: the file is empty; check that it is the right one"),
        ("a,b\n", (), "rows.csv:1:1: no row was found; check that it is the right file"),
        (
            GOOD,
            ("--feature", "amout:numeric"),
            "rows.csv:1:1: there is no column 'amout'; did you mean 'amount'?",
        ),
        (
            GOOD,
            ("--score", "x"),
            "rows.csv:1:1: there is no column 'x'; there are: amount, country, flag",
        ),
        (
            "a,b\n1,\n2,\n",
            ("--feature", "b:numeric"),
            "rows.csv:1:1: no row has a value in the column 'b'; leave the column out",
        ),
        (
            "a,b\n1,2\n1,x\n",
            ("--feature", "b:numeric"),
            "rows.csv:3:3: 'x' in 'b' is no number, and others are; correct it, leave it empty, "
            "or name the column with :categorical",
        ),
        (
            'a,b\n"x, y\nz",1\n"x",\'\n',
            ("--feature", "b:numeric"),
            "rows.csv:4:5: ''' in 'b' is no number, and others are; correct it, leave it empty, "
            "or name the column with :categorical",
        ),
        (
            "a,b,a\n1,2,3\n",
            (),
            "rows.csv:1:5: the column 'a' is there twice; rename one of both",
        ),
        (
            "a\n1\n\xff".encode("latin-1"),
            (),
            "rows.csv:3:1: this byte is not part of any UTF-8 text; save the file as UTF-8",
        ),
        (
            "a\n1\n".encode("utf-16"),
            (),
            "rows.csv:1:1: the file is written in UTF-16; save it as UTF-8",
        ),
        (
            f"a\n1\n{'9' * 400}\n",
            ("--feature", "a:numeric"),
            f"rows.csv:3:1: '{'9' * 37}...' in 'a' is infinite; correct it, leave it empty, or "
            "name the column with :categorical",
        ),
        (
            "a\n1\n-Infinity\n",
            ("--feature", "a:numeric"),
            "rows.csv:3:1: '-Infinity' in 'a' is infinite; correct it, leave it empty, or name the "
            "column with :categorical",
        ),
        (
            "a,b\n1\n",
            (),
            "rows.csv:2:1: the row has 1 fields, and 2 names are given; check its quotes and "
            "commas",
        ),
        (
            'a\n"1\n2\n',
            (),
            "rows.csv:2:1: the row that begins here is no CSV; check its quotes and line ends",
        ),
        (
            "s\n0.5\n1.5\n",
            ("--score", "s"),
            "rows.csv:3:1: '1.5' in 's' is no score from 0 to 1; name another column, or give this "
            "one as a feature: it is compared all the same",
        ),
        (
            "a,t\n1,2026-05-01\n1,yesterday\n",
            ("--time", "t"),
            "rows.csv:3:3: 'yesterday' in 't' is no moment; write it as 2026-05-01T12:00:00Z, or "
            "as seconds since 1970",
        ),
        (
            '{"a": 1}\n{"a": }\n',
            (),
            "rows.csv:2:7: this is no JSON; write an object with a value per column on each line",
        ),
        (
            '{"a": 1}\n[1]\n',
            (),
            "rows.csv:2:1: the line is no object; write an object with a value per column on each "
            "line",
        ),
        (
            '{"a": 1}\n{"b": 2, "a": "x"}\n',
            (),
            "rows.csv:2:10: 'x' in 'a' is no number; correct it, leave it empty, or name the "
            "column with :categorical",
        ),
        (
            '{"a": "x"}\n{"a": 1}\n',
            (),
            "rows.csv:2:2: '1' in 'a' is a number, and others are words; correct it, or name the "
            "column with :categorical",
        ),
        (
            '{"a": 1}\n{"a": Infinity}\n{"a": NaN}\n',
            (),
            "rows.csv:2:2: 'inf' in 'a' is infinite; correct it, leave it empty, or name the "
            "column with :categorical",
        ),
        (
            '{"a": 1}\n{"a": 1' + "0" * 400 + "}\n",
            (),
            f"rows.csv:2:2: '1{'0' * 36}...' in 'a' is too large; correct it, leave it empty, or "
            "name the column with :categorical",
        ),
        (
            '{"a": 1}\n{"a": ' + "9" * 5000 + "}\n",
            (),
            "rows.csv:2:1: this is too large to be a value; write an object with a value per "
            "column on each line",
        ),
        (
            '{"a": 1, "\\ud800": 2}\n',
            (),
            "rows.csv:1:1: ''\\ud800'' is no name of a column; rename it",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    content: str | bytes, options: tuple[str, ...], expected: str
) -> None:
    said = build(content, *options)
    assert said.err.splitlines()[0] == expected
    assert said.code == 1
    assert not Path("baseline.json").exists()


def test_everything_wrong_is_told_at_once_and_twenty_are_enough() -> None:
    rows = "".join(f"{row},x\n" for row in range(100))
    said = build("a,b\n" + rows, "--feature", "b:numeric", "--feature", "c")
    assert said.err.count("is no number") == 19
    assert "there is no column 'c'" in said.err
    assert "from here on nothing was looked at" in said.err


def test_a_file_that_is_not_there_is_told() -> None:
    said = run("baseline", "build", "none.csv", "-o", "b.json", "--model", "m", "--version", "1")
    assert (said.code, said.err) == (1, "error: cannot read none.csv: No such file or directory\n")


def test_a_gzip_that_is_cut_short_is_told() -> None:
    said = build(gzip.compress(GOOD.encode())[:200])
    assert "rows.csv is damaged or cut short: it is no whole gzip" in said.err
    assert said.code == 1


def test_kinds_are_guessed_and_said() -> None:
    said = build(GOOD)
    assert said.code == 0, said.err
    assert said.err.splitlines() == [
        "note: amount is taken to be numeric",
        "note: country is taken to be categorical",
        "note: flag is taken to be categorical",
    ]
    amount, country, flag = read(Path("baseline.json")).features
    assert isinstance(amount, Numeric)
    assert isinstance(country, Categorical)
    assert isinstance(flag, Categorical)
    assert flag.values == ("false", "true")


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_are_seen_in_the_first_line(delimiter: str) -> None:
    assert build(GOOD).code == 0
    before = Path("baseline.json").read_text()
    assert build(GOOD.replace(",", delimiter)).code == 0
    assert (
        json.loads(Path("baseline.json").read_text())["features"] == json.loads(before)["features"]
    )


@pytest.mark.parametrize("form", ["ndjson", "observations", "parquet", "gzip", "byte order mark"])
def test_the_same_rows_are_the_same_baseline_in_every_form(form: str) -> None:
    rows = [
        {"amount": row * 1.5, "country": "DE" if row % 3 else None, "flag": row % 2 == 0}
        for row in range(200)
    ]
    text = lines(*rows)
    assert build(text).code == 0
    expected = json.loads(Path("baseline.json").read_text())["features"]
    content: bytes = text.encode()
    if form == "observations":
        content = lines(
            *({"model": "m", "id": n, "features": r} for n, r in enumerate(rows))
        ).encode()
    elif form == "gzip":
        content = gzip.compress(content)
    elif form == "byte order mark":
        content = b"\xef\xbb\xbf" + content
    elif form == "parquet":
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pyarrow.Table.from_pylist(rows), "rows.parquet")
        content = Path("rows.parquet").read_bytes()
    assert build(content).code == 0
    assert json.loads(Path("baseline.json").read_text())["features"] == expected


def test_a_parquet_file_with_a_mistake_names_row_and_column() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pyarrow.table({"a": ["x", "y"], "b": [1.0, float("inf")]})
    parquet.write_table(table, "rows.parquet")
    said = build(Path("rows.parquet").read_bytes())
    assert "rows.csv:2:2: 'inf' in 'b' is infinite" in said.err
    said = build(b"PAR1 and nothing else")
    assert "rows.csv cannot be read as Parquet: " in said.err
    assert said.code == 1


def test_without_pyarrow_the_way_to_get_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    said = build(b"PAR1")
    assert said.err == (
        "error: rows.csv is Parquet, which needs pyarrow: pip install 'modelwatch[parquet]'\n"
    )


def test_columns_that_tell_rows_apart_are_left_out_and_said() -> None:
    header = "id,number,name,nested,empty,amount\n"
    rows = "".join(f"{row},{row},n{row},,,{row % 7}\n" for row in range(150))
    said = build(header.replace("nested,", "") + rows.replace(",,,", ",,"))
    assert "note: id is left out: it counts the rows" in said.err
    assert "note: name is left out: nearly every row has another value" in said.err
    assert "note: empty is left out: no row has a value" in said.err
    assert [feature.name for feature in read(Path("baseline.json")).features] == ["amount"]
    assert (
        build(header.replace("nested,", "") + rows.replace(",,,", ",,"), "--feature", "name").code
        == 0
    )


def test_columns_of_lists_and_objects_are_left_out_unless_asked_for() -> None:
    rows = lines(*({"a": row % 5, "v": ["x", row], "o": {"x": row}} for row in range(20)))
    said = build(rows)
    assert "note: v is left out: it holds no plain values" in said.err
    assert "note: o is left out: it holds no plain values" in said.err
    said = build(rows, "--feature", "v:categorical")
    assert "rows.csv:1:10: '['x', 0]' in 'v' is no word" in said.err


def test_missing_numbers_may_be_written_in_many_ways() -> None:
    said = build("a\n1\n2\nNA\nnan\nnull\nN/A\n" + "3\n" * 200)
    assert said.code == 0, said.err
    (feature,) = read(Path("baseline.json")).features
    assert isinstance(feature, Numeric)
    assert (feature.missing, sum(feature.counts)) == (4, 202)


def test_values_of_a_later_batch_have_to_follow_the_kind_of_the_first() -> None:
    said = build("a\n" + "1\n" * 10_000 + "x\n")
    assert "rows.csv:10002:1: 'x' in 'a' is no number, and others are" in said.err


def test_score_class_label_and_time_become_what_they_are() -> None:
    rows = "".join(
        f"{row % 10 / 10},{row % 2},{row % 2}.0,2026-05-0{row % 9 + 1}\n" for row in range(90)
    )
    said = build(
        "s,p,l,t\n" + rows, "--score", "s", "--predicted", "p", "--label", "l", "--time", "t"
    )
    assert said.code == 0, said.err
    baseline = read(Path("baseline.json"))
    assert [feature.name for feature in baseline.features] == ["predicted", "score"]
    assert baseline.newest == "2026-05-09T00:00:00Z"
    assert '"correct": [1.0, ' in Path("baseline.json").read_text()


def test_classes_may_be_numbers() -> None:
    rows = lines(*({"s": row % 10 / 10, "p": row % 2, "l": True} for row in range(50)))
    said = build(rows, "--score", "s", "--predicted", "p", "--label", "l")
    assert said.code == 0, said.err
    assert "score of 1" in said.out


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--feature", "a:number"), "write a column and its kind, numeric or categorical"),
        (("--feature", "a", "--feature", "a:numeric"), "'a' is there twice"),
        (("--label", "a"), "name what was --predicted as well"),
    ],
)
def test_wrong_usage_is_told(options: tuple[str, ...], expected: str) -> None:
    said = build(GOOD, *options)
    assert said.code == 2
    assert expected in said.err
