"""Tags and labels by docker/metadata-action's rules, as its README has them; the forms that the example uses."""

import os
import re


def fields(line: str) -> dict[str, str]:
    """The parts of a rule, `type=sha,prefix=`."""
    return dict(part.partition("=")[::2] for part in line.split(","))


def tag(rule: dict[str, str], sha: str, version: str) -> str | None:
    """The tag that *rule* makes of the commit and of the git tag's version, None where it makes none."""
    if rule.get("enable", "true") != "true":
        return None
    if rule["type"] == "sha":
        return rule.get("prefix", "sha-") + (sha if rule.get("format") == "long" else sha[:7])
    if rule["type"] == "raw":
        return rule["value"]
    if rule["type"] == "semver" and version:
        major, minor, _ = version.split(".", 2)
        known = {"version": version, "major": major, "minor": minor}
        return re.sub(r"\{\{(\w+)\}\}", lambda match: known[match[1]], rule["pattern"])
    return None


def main() -> None:
    """Write both outputs in the runner's form for several lines."""
    sha, ref = os.environ["GITHUB_SHA"], os.environ["GITHUB_REF"]
    version = ref.removeprefix("refs/tags/v") if ref.startswith("refs/tags/v") else ""
    rules = [fields(line.strip()) for line in os.environ["TAGS"].splitlines() if line.strip()]
    tags = [found for found in (tag(rule, sha, version) for rule in rules) if found]
    source = f"{os.environ['GITHUB_SERVER_URL']}/{os.environ['GITHUB_REPOSITORY']}"
    labels = [
        f"org.opencontainers.image.revision={sha}",
        f"org.opencontainers.image.source={source}",
        *os.environ["LABELS"].split(),
    ]
    for name, lines in (("tags", [f"{os.environ['IMAGES']}:{one}" for one in tags]), ("labels", labels)):
        print(f"{name}<<END", *lines, "END", sep="\n")


main()
