"""The committed table of tags and readers; run as a program it writes the table anew."""

from __future__ import annotations

from ecr_action.gitops.splice import rendered

from .readers import HERE, NAMES, read

FILE = HERE / "golden.tsv"
TAGS = """
latest main v1.2.3 1.2.3 1.2.3-rc.1 v1.0.0-rc.1 1.2 1.20 1 0 00 007 08 09 0899999 010 0777 1234567 12345678
9007199254740993 3f2c1ab 7e1a2b3 1e10 1e3 12e4567 553640e6 190e2 1E5 1e-5 1.5e3 1.e3 0e0 123e45 5e400 0x1f
0X1F 0xdeadbeef 0o7 0o17 0b1 0b101 1_000 1_0 _1 1__0 0_1 1.5 1. 1.0 1.0.0 2024.11.03 2024-11-03 2024-1-1
2026-01-01 20241103 2024-11-03T10.00 12-30 1-2-3 2001-12-14t21 y Y n N yes Yes YES no No NO on On ON off Off
OFF true True TRUE false False FALSE yEs tRue null Null NULL nULL nan NaN inf Inf infinity Infinity a b e f
ab12345 abcdef1 a000000 000000a 1a 0a 9f 1f 1d 1e 1e1 2e2a 7e 00e1 0e1234567 1234e56 12345e7 e123 e1
dev-3f2c1ab prod-v1.2.3 staging-1234567 pr-12-3f2c1ab deployed-dev release_2 v1 v1.2 1.2.3.4 1.2.3_4 1.2.x
1-alpha 1.2.3- 1.2.3. A Z z9 _ __ _x x- x. 1.2.3e4 0.0.0 0.1.2 01.2.3 1.02.3
3f2c1ab0d4e5f60718293a4b5c6d7e8f90a1b2c3 1234567890123456789012345678901234567890
0000000000000000000000000000000000000000 1e23456789012345678901234567890123456789
""".split()


def measured(tags: list[str]) -> list[list[str]]:
    """For each tag its row: the tag, what is written for it, and the type that each reader takes it for, plain."""
    found = read([f"a: {tag}\n" for tag in tags])
    kinds = [[_kind(found[name][index], tag) for name in NAMES] for index, tag in enumerate(tags)]
    return [[tag, rendered(tag, None), *row] for tag, row in zip(tags, kinds, strict=True)]


def _kind(answer: tuple[str, str], tag: str) -> str:
    kind, text = answer
    return kind if kind != "string" or text == tag else "another string"


def rows() -> list[list[str]]:
    """The committed table, its head first."""
    return [line.split("\t") for line in FILE.read_text(encoding="utf-8").splitlines()]


def main() -> None:
    """Write the table."""
    table = [["tag", "written", *NAMES], *measured(TAGS)]
    FILE.write_text("".join("\t".join(row) + "\n" for row in table), encoding="utf-8")


if __name__ == "__main__":
    main()
