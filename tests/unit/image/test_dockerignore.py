"""``.dockerignore`` as Docker reads it."""

from __future__ import annotations

import pytest

from ecr_action.image.dockerignore import BadPattern, parse

CASES = [
    # (patterns, what is left out, what is sent)
    ("*.log", ["a.log", ".log"], ["d/a.log", "a.logs"]),
    ("*/*.log", ["d/a.log"], ["a.log", "d/e/a.log"]),
    ("**/*.log", ["a.log", "d/a.log", "d/e/a.log"], ["a.log.txt"]),
    ("node_modules", ["node_modules", "node_modules/a/b.js"], ["d/node_modules", "node_modules2"]),
    ("**/node_modules", ["node_modules/a", "d/node_modules/a"], ["d/xnode_modules"]),
    ("/a", ["a", "a/b"], ["d/a"]),
    ("//a", ["a"], ["d/a"]),
    ("./a/../b/", ["b", "b/c"], ["a"]),
    ("  a  \t", ["a"], ["  a  "]),
    ("# a\n#b", [], ["# a", "#b"]),
    (" #a", ["#a"], ["a"]),
    ("\ufeffa", ["a"], ["\ufeffa"]),
    ("a\r\nb\r\n", ["a", "b"], ["c"]),
    ("", [], ["a"]),
    (".", [], ["a", ".a"]),
    ("/", [], ["a"]),
    ("**", ["a", "a/b", ".c"], []),
    ("*", ["a", ".a", "a/b"], []),
    ("*\n!a", ["b", "b/a"], ["a", "a/b"]),
    ("*\n! a", ["b"], ["a"]),
    ("a\n!a/b", ["a", "a/c"], ["a/b", "a/b/c"]),
    ("!a/b\na", ["a/b"], ["c"]),
    ("a\n!a/b\na/b/c", ["a/b/c", "a/d"], ["a/b", "a/b/d"]),
    ("**\n!**/keep.txt", ["d/a"], ["keep.txt", "d/e/keep.txt"]),
    ("d\n!d/**/*.md", ["d/a", "d/e/a"], ["d/a.md", "d/e/f/a.md"]),
    ("*.md\n!README*.md\nREADME-secret.md", ["a.md", "README-secret.md"], ["README.md", "README-x.md"]),
    ("a?c", ["abc", "a.c"], ["ac", "a/c", "abbc"]),
    ("a[b-d]e", ["abe", "ade"], ["aee", "a-e"]),
    ("[^a]", ["b", "^"], ["a"]),
    ("[!a]", ["!", "a"], ["b"]),
    (r"[\]a]", ["]", "a"], ["\\"]),
    (r"[\-x]", ["-", "x"], ["w"]),
    (r"\*", ["*"], ["a"]),
    (r"\!a", ["!a"], ["a"]),
    (r"a\b", ["ab"], ["a\\b"]),
    ("A", ["A"], ["a"]),
    ("a.b", ["a.b"], ["axb"]),
    ("a+(b)|{c}$", ["a+(b)|{c}$"], ["aab"]),
    ("**/foo/**", ["foo/a", "x/foo/a/b"], ["foo", "x/foo"]),
    ("dir/**", ["dir/a", "dir/a/b"], ["dir", "dir2/a"]),
    ("a**/b", ["a/b", "ax/y/b"], ["b"]),
    ("**foo", ["foo", "xfoo", "d/xfoo"], ["foox"]),
    ("a/**foo", ["a/foo", "a/x/foo"], ["a/xfoo"]),
    ("**[f]oo", ["foo", "d/foo"], ["xfoo"]),
    ("**f?o", ["fxo", "d/fxo"], ["xfxo"]),
    ("**/", ["a", "a/b"], []),
    ("**/**/*.go", ["a.go", "a/b.go", "a/b/c.go"], ["a"]),
    ("a b", ["a b"], ["a", "b"]),
    ("ä*", ["äb"], ["ab"]),
]


@pytest.mark.parametrize(("text", "out", "sent"), CASES, ids=[repr(case[0]) for case in CASES])
def test_patterns(text: str, out: list[str], sent: list[str]) -> None:
    """What a file of these lines leaves out, and what it does not."""
    ignore = parse(text)
    assert {path: ignore.excludes(path) for path in (*out, *sent)} == {
        **dict.fromkeys(out, True),
        **dict.fromkeys(sent, False),
    }


@pytest.mark.parametrize("line", ["[", "[]", "[]a]", "[a", "[a-", "[a-]", "[-a]", "[b-a]", "a\\", "!", "! ", "[^]"])
def test_what_is_no_pattern_is_refused(line: str) -> None:
    """A mistake is told, with the line, and never ignored."""
    with pytest.raises(BadPattern) as raised:
        parse(f"ok\n{line}\n")
    assert repr(line.strip()) in str(raised.value)


@pytest.mark.parametrize(
    ("text", "folder", "expected"),
    [
        ("a", "a", False),
        ("a\n!b", "a", False),
        ("a\n!a/b/c", "a", True),
        ("a\n!a/b/c", "a/b", True),
        ("a\n!a/b/c", "a/x", False),
        ("*\n!**/keep", "a/b", True),
        ("*\n!a/*/keep", "a/x", True),
        ("*\n!a/*/keep", "b", False),
        ("*\n!ab", "a", False),
    ],
)
def test_ignored_folders_are_entered_only_for_an_exception(text: str, folder: str, expected: bool) -> None:
    """A large ignored folder is not read where no exception can lie in it."""
    assert parse(text).may_include_below(folder) is expected
