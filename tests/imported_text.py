"""What `modelwatch import` says of a file with this text, named without its folder."""

from pathlib import Path

from tests.command import Said, run


def of_text(folder: Path, text: str, *options: str) -> Said:
    path = folder / "slos.yaml"
    path.write_text(text, encoding="utf-8")
    said = run("import", path, *options)
    return Said(
        code=said.code,
        out=said.out.replace(f"{folder}/", ""),
        err=said.err.replace(f"{folder}/", ""),
    )
