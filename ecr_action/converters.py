"""Texts of inputs become values here, each or not at all: what is wrong is said in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

from ecr_action.aws.findings import SEVERITIES, Ignored
from ecr_action.aws.lifecycle import KINDS
from ecr_action.aws.policy import Keep
from ecr_action.gitops.environments import normalise
from ecr_action.image.lists import entries, lines, untrimmed
from ecr_action.image.reference import parse, registry_of, repository_problem

REGIONS = (
    "af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1 "
    "ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1 "
    "cn-north-1 cn-northwest-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 "
    "eu-west-3 il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-gov-east-1 "
    "us-gov-west-1 us-west-1 us-west-2"
).split()
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+){1,3}-[0-9]{1,2}")
_ROLE = re.compile(r"arn:(aws(?:-[a-z]+)*):iam::([0-9]{12}):role/[\w+=,.@/-]+")
SESSION = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_ENVIRONMENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
GITHUB = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")
_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9.]+)?")
PUBLIC = "public.ecr.aws"
_TRUE, _FALSE = {"true", "True", "TRUE"}, {"false", "False", "FALSE"}
# AWS, "Tag naming limits": keys of 1 to 128 and values of up to 256 characters, 50 of them, none begins with aws:.
_TAG_LIMITS = (128, 256, 50)


class Wrong(ValueError):
    """What is wrong with a value, and the fix; never the value of a secret."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what, self.fix = what, fix


@dataclass(frozen=True, kw_only=True)
class GitOpsPath:
    """One ``gitops-files`` entry: *pattern* for *environment*, or for any where that is None."""

    environment: str | None
    pattern: str


def optional(value: str) -> str | None:
    return value.strip() or None


def stripped(value: str) -> str:
    return value.strip()


def boolean(value: str) -> bool:
    if value.strip() in _TRUE | _FALSE:
        return value.strip() in _TRUE
    raise Wrong(f"is {value!r}; it takes true or false")


def automatic(value: str) -> bool | None:
    if value.strip() == "auto":
        return None
    try:
        return boolean(value)
    except Wrong:
        raise Wrong(f"is {value!r}; it takes auto, true or false") from None


def choice(*names: str) -> Callable[[str], str]:
    def convert(value: str) -> str:
        if value.strip() in names:
            return value.strip()
        near = get_close_matches(value.strip(), names, 1)
        hint = f"Did you mean {near[0]!r}?" if near else ""
        raise Wrong(f"is {value.strip()!r}; it takes {', '.join(names[:-1])} or {names[-1]}.", hint)

    return convert


def integer(low: int, high: int, unit: str) -> Callable[[str], int]:
    def convert(value: str) -> int:
        text = value.strip()
        if re.fullmatch(r"[0-9]{1,9}", text) and low <= int(text) <= high:
            return int(text)
        raise Wrong(f"is {text!r}; it takes {low} to {high} {unit}")

    return convert


def days(value: str) -> int | None:
    return integer(1, 3650, "days")(value) if value.strip() else None


def matching(pattern: re.Pattern[str], what: str, fix: str = "") -> Callable[[str], str | None]:
    def convert(value: str) -> str | None:
        text = value.strip()
        if text and not pattern.fullmatch(text):
            raise Wrong(f"is {text!r}, which is no {what}.", fix)
        return text or None

    return convert


def github_repository(value: str) -> str | None:
    text = value.strip()
    if not text or GITHUB.fullmatch(text):
        return text or None
    address = _ADDRESS.fullmatch(text)
    raise Wrong(
        f"is {text!r}, which is no GitHub repository.",
        f"Write '{address[1]}'." if address else "It has the form owner/name.",
    )


def region(value: str) -> str | None:
    text = value.strip()
    if not text or _REGION.fullmatch(text):
        return text or None
    near = get_close_matches(text.lower(), REGIONS, 1, 0.5)
    raise Wrong(f"is {text!r}, which is no AWS Region.", f"Did you mean {near[0]!r}?" if near else "")


def role_arn(value: str) -> str | None:
    # The value is a secret as a rule, so that it is not repeated in the message.
    text = value.strip()
    if text and not _ROLE.fullmatch(text):
        raise Wrong("is no role ARN.", "It has the form arn:aws:iam::123456789012:role/NAME.")
    return text or None


# A repository's address, as a browser or git has it.
_ADDRESS = re.compile(
    r"(?:(?:https?|ssh|git)://)?(?:[^@/\s]+@)?[\w.-]+[.][a-z]+(?::[0-9]+)?[/:]([^/\s]+/[^/\s]+?)(?:[.]git)?/?"
)
_NO_ACCOUNT = "It is what 'aws sts get-caller-identity --query Account' prints."


def _account(text: str) -> str:
    if re.fullmatch(r"[0-9]{12}", text):
        return text
    # YAML drops the leading 0 of a number; what lacks more than two digits is another number.
    short = re.fullmatch(r"[0-9]{10,11}", text)
    hint = f"Write it in quotes: '{int(text):012d}' (YAML drops the leading 0 of a number)." if short else _NO_ACCOUNT
    raise Wrong(f"has {text!r}; an account id has 12 digits.", hint)


def key_values(value: str) -> Mapping[str, str]:
    pairs: dict[str, str] = {}
    for number, line in enumerate(_read(lines, value), 1):
        key, equals, text = line.partition("=")
        if not equals or not key.strip():
            raise Wrong(f"line {number} is {line!r}; a line is KEY=VALUE.")
        pairs[key.strip()] = text
    return pairs


def resource_tags(value: str) -> Mapping[str, str]:
    pairs = key_values(value)
    longest_key, longest_value, most = _TAG_LIMITS
    if len(pairs) > most:
        raise Wrong(f"has {len(pairs)} tags; AWS takes {most} for a resource.")
    for key, text in pairs.items():
        if len(key) > longest_key or len(text) > longest_value:
            raise Wrong(f"{key!r} is too long; AWS takes {longest_key} characters and {longest_value} for the value.")
        if key.lower().startswith("aws:"):
            raise Wrong(f"{key!r} begins with aws:, which AWS keeps for itself.")
    return pairs


def build_args(value: str) -> tuple[tuple[str, str | None], ...]:
    arguments: list[tuple[str, str | None]] = []
    for number, line in enumerate(_read(lines, value), 1):
        name, equals, text = line.partition("=")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", name):
            # Not repeated: the line may be the rest of a value, and the value may be private.
            raise Wrong(
                f"line {number} has no argument's name.", "A line is NAME=VALUE; quote a value of several lines."
            )
        arguments.append((name, text if equals else None))
    return tuple(arguments)


def argument_names(value: str) -> tuple[str, ...]:
    found = _read(entries, value)
    for entry in found:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", entry):
            raise Wrong(f"has {entry.partition('=')[0]!r}; it takes names of build arguments, without values.")
    return found


def _read(reader: Callable[[str], tuple[str, ...]], value: str) -> tuple[str, ...]:
    try:
        return reader(value)
    except ValueError as error:
        raise Wrong(str(error)) from error


def entries_of(value: str) -> tuple[str, ...]:
    """Entries separated by lines and commas. Raises Wrong."""
    return _read(entries, value)


def lines_of(value: str) -> tuple[str, ...]:
    """Entries separated by lines. Raises Wrong."""
    return _read(lines, value)


def untrimmed_of(value: str) -> tuple[str, ...]:
    """Entries separated by lines, their blanks kept. Raises Wrong."""
    return _read(untrimmed, value)


def accounts(value: str) -> tuple[str, ...]:
    return tuple(_account(entry) for entry in _read(entries, value))


def registry_id(value: str) -> str | None:
    return _account(value.strip()) if value.strip() else None


def platforms(value: str) -> tuple[str, ...]:
    found = _read(entries, value)
    for entry in found:
        if not _PLATFORM.fullmatch(entry):
            raise Wrong(f"has {entry!r}; a platform is os/architecture, like linux/arm64.")
    return tuple(dict.fromkeys(found))


def image(value: str) -> str | None:
    text = value.strip()
    if text.partition("/")[0] == PUBLIC:
        raise Wrong("is an image of ECR Public (public.ecr.aws); it takes one of a private ECR registry.")
    return text or None


def repository_name(value: str) -> str | None:
    text = value.strip()
    if not text:
        return None
    if text.partition("/")[0] == PUBLIC:
        raise Wrong("is a repository of ECR Public, which this action does not publish to.")
    if registry_of(text.partition("/")[0]):
        name = text.partition("/")[2].partition(":")[0]
        raise Wrong(f"is {text!r}, which has the registry in it.", f"Write 'repository: {name}'.")
    if problem := repository_problem(text):
        raise Wrong(f"is {text!r}, which ECR refuses: it {problem}.")
    return text


def environment_name(value: str) -> str | None:
    text = value.strip().lower()
    if text and not _ENVIRONMENT.fullmatch(text):
        raise Wrong(f"is {value.strip()!r}; it takes letters, digits, . _ and -, like dev, staging or prod.")
    return normalise(text) if text else None


def hosts(value: str) -> tuple[str, ...]:
    return tuple(_host(entry) for entry in _read(entries, value))


def _host(entry: str) -> str:
    parsed = parse(f"{entry}/name")
    if parsed is None or parsed.host != entry:
        fix = "It has the form 123456789012.dkr.ecr.eu-west-1.amazonaws.com, without https:// and path."
        raise Wrong(f"has {entry!r}, which is no registry's host.", fix)
    return entry


def gitops_files(value: str) -> tuple[GitOpsPath, ...]:
    return tuple(_gitops_path(entry) for entry in _read(entries, value))


def _gitops_path(entry: str) -> GitOpsPath:
    name, colon, path = entry.partition(":")
    owned = bool(colon) and bool(_ENVIRONMENT.fullmatch(name.strip().lower()))
    pattern = (path if owned else entry).strip()
    parts = pattern.split("/")
    if not pattern or pattern.startswith("/") or ".." in parts:
        raise Wrong(f"has {entry!r}; a path is relative to the GitOps repository, without '..'.")
    if parts[0] == ".github":
        raise Wrong(f"has {entry!r}; files under .github/ are never written.")
    return GitOpsPath(environment=normalise(name.strip().lower()) if owned else None, pattern=pattern)


def bootstrap(value: str) -> str:
    """A folder of the checkout, without slashes around it; empty for ``none``. Raises Wrong."""
    text = value.strip()
    path = text.removeprefix("./").rstrip("/")
    if text.lower() == "none" or not text:
        return ""
    if not path or path == "." or path.startswith("/") or {"..", ".git", ".github"} & set(path.split("/")):
        what = f"is {text!r}; it takes a folder of the checkout, not the checkout itself, without '..'."
        raise Wrong(what, "Write 'gitops-bootstrap: deploy/', or none.")
    return path


_ARCHITECTURES = {"x86_64": "amd64", "x64": "amd64", "aarch64": "arm64"}
_ARCHITECTURES |= {name: name for name in "amd64 arm64 arm 386 ppc64le s390x riscv64".split()}


def architectures(value: str) -> tuple[str, ...]:
    """Names of architectures as Kubernetes and Go have them. Raises Wrong."""
    found = []
    for entry in _read(entries, value):
        name = _ARCHITECTURES.get(entry.lower().removeprefix("linux/"))
        if name is None:
            known = ", ".join(sorted(set(_ARCHITECTURES.values())))
            raise Wrong(f"has {entry!r}, which is no architecture.", f"There are {known}.")
        found.append(name)
    return tuple(dict.fromkeys(found))


_KEEP = re.compile(r"([1-9][0-9]{0,3})(?:\s+(images?|days?))?")


def retention(value: str) -> Mapping[str, Keep]:
    kept: dict[str, Keep] = {}
    for line in _read(entries, value):
        name, _, text = (part.strip() for part in line.partition(":"))
        if name not in KINDS:
            near = get_close_matches(name, KINDS, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(KINDS)}."
            raise Wrong(f"has {line!r}; {name!r} is no kind of image.", hint)
        match = _KEEP.fullmatch(text)
        if not match:
            raise Wrong(f"has {line!r}; it takes 1 to 9999, of images or days.", f"Write '{name}: 30'.")
        unit = match[2] or ("days" if KINDS[name][3].days else "images")
        kept[name] = Keep(int(match[1]), unit.startswith("day"))
    return kept


def scan_fail_on(value: str) -> tuple[str, ...]:
    found = tuple(word.lower() for word in _read(entries, value))
    words = (*(severity.lower() for severity in SEVERITIES), "none", "unscanned")
    for word in found:
        if word not in words:
            near = get_close_matches(word, words, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"It takes {', '.join(words)}."
            raise Wrong(f"has {word!r}, which is no severity.", hint)
    if sum(word != "unscanned" for word in found) > 1:
        raise Wrong("names several severities.", "Name the mildest one: what is worse counts too.")
    return found


_IGNORED = re.compile(r"(\S+)\s+(\S.*\S|\S)\s+(\d{4}-\d{2}-\d{2})")


def scan_ignore(value: str) -> tuple[Ignored, ...]:
    return tuple(_ignored(line) for line in _read(lines, value))


def _ignored(line: str) -> Ignored:
    match = _IGNORED.fullmatch(line.strip())
    if not match:
        fix = "A line is the vulnerability, the reason, the last day: CVE-2026-1234 not reachable 2027-01-31."
        raise Wrong(f"has {line!r}, which lacks a part.", fix)
    try:
        return Ignored(name=match[1], reason=match[2], until=date.fromisoformat(match[3]))
    except ValueError:
        raise Wrong(f"has {line!r}: {match[3]} is no day.") from None


def folder(value: str) -> str:
    # What build-push-action calls its default context is the checkout here.
    text = re.sub(r"^\{\{\s*defaultContext\s*\}\}:?", "", value.strip()) or "."
    if "://" in text or text.startswith(("git@", "{{")):
        raise Wrong(f"is {text!r}; it takes a folder of the checkout.", "Check the source out in a step before.")
    return text
