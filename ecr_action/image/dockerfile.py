"""What a Dockerfile needs before it can be built: its base images, and what of BuildKit it asks for.

Dockerfile reference: "Parser directives", "Environment replacement", "FROM", "ARG", "Here-documents".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*")
_HEREDOC = re.compile(r"""(?<!<)<<(-?)(["']?)([A-Za-z_][A-Za-z0-9_.]*)\2(?![A-Za-z0-9_])""")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?:(:?[-+?])([^{}]*))?\})")
_STOCK = re.compile(r"(?:docker\.io/)?docker/dockerfile(?::1(?:\.[0-9]+){0,2}|:latest)?(?:@sha256:[0-9a-f]+)?")
_FLAG = re.compile(r"--([a-z-]+)(?:=(\S*))?\s*")


@dataclass(frozen=True)
class Instruction:
    """One instruction: *name* in upper case, *text* after it with line continuations joined, *line* (1-based)."""

    name: str
    text: str
    line: int
    heredoc: bool = False

    @property
    def flags(self) -> dict[str, str]:
        """``--name=value`` before the arguments (of several with one name the last)."""
        return dict(self._split()[0])

    @property
    def arguments(self) -> str:
        """What follows the flags."""
        return self._split()[1]

    @property
    def mounts(self) -> tuple[str, ...]:
        """The values of ``--mount``."""
        return tuple(value for name, value in self._split()[0] if name == "mount")

    def _split(self) -> tuple[list[tuple[str, str]], str]:
        flags, rest = [], self.text
        while match := _FLAG.match(rest):
            flags.append((match[1], match[2] or ""))
            rest = rest[match.end() :]
        return flags, rest


@dataclass(frozen=True)
class Base:
    """An image that is needed: *image* with all variables replaced, or None where they can't be told."""

    image: str | None
    written: str
    line: int
    platform: str | None = None


@dataclass(frozen=True)
class Dockerfile:
    """*instructions* in order; *directives* such as ``syntax``, with names in lower case."""

    instructions: tuple[Instruction, ...]
    directives: Mapping[str, str]

    def line_of(self, words: str) -> int | None:
        """The line of the instruction that a builder's step names (``RUN make``, blanks as it likes)."""
        wanted = " ".join(words.split())
        for instruction in self.instructions:
            if " ".join(f"{instruction.name} {instruction.text}".split()) == wanted:
                return instruction.line
        return None


def parse(text: str) -> Dockerfile:
    """The instructions of a Dockerfile. What is no instruction is left to the builder to refuse."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    directives = _directives(lines)
    escape = directives.get("escape", "\\")
    return Dockerfile(tuple(_instructions(lines, escape)), directives)


def _directives(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        match = _DIRECTIVE.fullmatch(line.strip())
        if not match or match[1].lower() in found:
            break
        found[match[1].lower()] = match[2]
    return found


def _instructions(lines: list[str], escape: str) -> Iterator[Instruction]:
    position = 0
    while position < len(lines):
        start = position
        text, position = _joined(lines, position, escape)
        name, _, rest = text.strip().partition(" ")
        if not name or name.startswith("#"):
            continue
        ends = _heredocs(name, rest)
        for strip, word in ends:
            while position < len(lines) and (lines[position].lstrip("\t") if strip else lines[position]) != word:
                position += 1
            position += 1
        yield Instruction(name.upper(), rest.strip(), start + 1, bool(ends))


def _heredocs(name: str, rest: str) -> list[tuple[str, str]]:
    # `ONBUILD RUN <<EOF` has one as well; other instructions have none.
    if name.upper() not in ("RUN", "COPY", "ADD", "ONBUILD"):
        return []
    return [(strip, word) for strip, _, word in _HEREDOC.findall(rest)]


def _joined(lines: list[str], position: int, escape: str) -> tuple[str, int]:
    """The instruction that begins at *position*, continuations joined, and the position after it."""
    text = ""
    while position < len(lines):
        line = lines[position]
        position += 1
        # Comments and, as of old, blank lines between continued lines do not end the instruction.
        if text and (not line.strip() or line.lstrip().startswith("#")):
            continue
        if line.lstrip().startswith("#") or not line.rstrip().endswith(escape):
            return (text + line).replace("\t", " "), position
        text += line.rstrip()[: -len(escape)]
    return text.replace("\t", " "), position


# -- Base images ----------------------------------------------------------------------------------------------------


def bases(dockerfile: Dockerfile, build_args: Mapping[str, str], platform: str, target: str | None) -> tuple[Base, ...]:
    """The images to be pulled for *target* (a stage's name or number; None: the last), each once, in order.

    Parameters: *platform* is the engine's own (``linux/amd64``), for the variables that BuildKit sets.
    """
    stages = _stages(dockerfile, build_args, platform)
    wanted = _reachable(stages, target)
    found: dict[tuple[str | None, str | None], Base] = {}
    for number, stage in enumerate(stages):
        if number in wanted:
            for base in stage.bases:
                found.setdefault((base.image or base.written, base.platform), base)
    return tuple(found.values())


@dataclass
class _Stage:
    name: str
    stages: list[int]
    bases: list[Base]


def _stages(dockerfile: Dockerfile, build_args: Mapping[str, str], platform: str) -> list[_Stage]:
    variables = _platform_variables(platform)
    stages: list[_Stage] = []
    for instruction in dockerfile.instructions:
        if instruction.name == "ARG" and not stages:
            variables.update(_declared(instruction.text, variables, build_args))
        elif instruction.name == "FROM":
            stages.append(_from(instruction, stages, variables))
        elif stages:
            for written in _sources(instruction):
                _needs(stages[-1], written, written, instruction.line, None, stages[:-1])
    return stages


def _platform_variables(platform: str) -> dict[str, str]:
    system, _, rest = platform.partition("/")
    architecture, _, variant = rest.partition("/")
    parts = {"PLATFORM": platform, "OS": system, "ARCH": architecture, "VARIANT": variant}
    return {side + name: value for side in ("TARGET", "BUILD") for name, value in parts.items()}


def _declared(text: str, variables: Mapping[str, str], build_args: Mapping[str, str]) -> dict[str, str]:
    declared: dict[str, str] = {}
    for word in re.findall(r"""(?:[^\s"']|"[^"]*"|'[^']*')+""", text):
        name, _, default = word.partition("=")
        value = replaced(default.replace('"', "").replace("'", ""), {**variables, **declared})
        # One whose default can't be told is as good as empty: FROM shows it then.
        declared[name] = build_args.get(name, value or "")
    return declared


def _from(instruction: Instruction, stages: list[_Stage], variables: Mapping[str, str]) -> _Stage:
    words = instruction.arguments.split()
    written = words[0].strip("\"'") if words else ""
    name = words[2].lower() if len(words) == 3 and words[1].lower() == "as" else ""
    stage = _Stage(name, [], [])
    platform = instruction.flags.get("platform")
    image = replaced(written, variables)
    _needs(stage, image, written, instruction.line, replaced(platform, variables) if platform else None, stages)
    return stage


def _sources(instruction: Instruction) -> list[str]:
    """The images or stages that COPY --from and RUN --mount=from= take files of."""
    if instruction.name in ("COPY", "ADD"):
        return [instruction.flags["from"]] if instruction.flags.get("from") else []
    options = [option for mount in instruction.mounts for option in mount.split(",")]
    return [option[5:] for option in options if option.startswith("from=")]


def _needs(
    stage: _Stage, image: str | None, written: str, line: int, platform: str | None, before: list[_Stage]
) -> None:
    names = {earlier.name: number for number, earlier in enumerate(before) if earlier.name}
    if image is not None and image.lower() in names:
        stage.stages.append(names[image.lower()])
    elif image is not None and image.isdigit() and int(image) < len(before):
        stage.stages.append(int(image))
    elif image != "scratch":
        stage.bases.append(Base(image or None, written, line, platform))


def _reachable(stages: list[_Stage], target: str | None) -> set[int]:
    names = {stage.name: number for number, stage in enumerate(stages) if stage.name}
    last = len(stages) - 1
    if target:
        last = names.get(target.lower(), int(target) if target.isdigit() else last)
    found: set[int] = set()
    waiting = [last]
    while waiting:
        number = waiting.pop()
        if 0 <= number < len(stages) and number not in found:
            found.add(number)
            waiting += stages[number].stages
    return found


def replaced(text: str, variables: Mapping[str, str]) -> str | None:
    """*text* with ``$NAME``, ``${NAME}`` and ``${NAME:-word}`` (``-``, ``+``, ``?`` with and without ``:``) replaced.

    None where something else of the shell's syntax is in it.
    """
    done = _VARIABLE.sub(lambda match: _value(match, variables), text)
    return None if "${" in done or "\0" in done else done


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    name, operator, word = match[1] or match[2], match[3] or "", match[4] or ""
    value = variables.get(name)
    there = bool(value) if operator.startswith(":") else value is not None
    if operator.endswith("+"):
        return word if there else ""
    if operator.endswith("-") and not there:
        return word
    if operator.endswith("?") and not there:
        return "\0"
    return value or ""


# -- What BuildKit through the engine's API has no way to give --------------------------------------------------------


def beyond_the_api(dockerfile: Dockerfile) -> tuple[tuple[int, str], ...]:
    """What needs a client that answers the builder while it builds: pairs of line and words."""
    found = []
    syntax = dockerfile.directives.get("syntax", "")
    if syntax and not is_stock(syntax):
        found.append((1, f"# syntax={syntax}"))
    for instruction in dockerfile.instructions:
        for mount in instruction.mounts:
            kind = next((option[5:] for option in mount.split(",") if option.startswith("type=")), "bind")
            if kind in ("secret", "ssh"):
                found.append((instruction.line, f"{instruction.name} --mount=type={kind}"))
    return tuple(found)


def is_stock(syntax: str) -> bool:
    """Whether *syntax* is Docker's stable Dockerfile frontend, which every BuildKit has inside."""
    return bool(_STOCK.fullmatch(syntax))
