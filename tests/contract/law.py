"""The import law: who may import what, as a function from modules to breaches in words."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from .source import Import, Module, imports

# Values in, values out: no clock, network, disk or environment.
PURE = set(
    "errors failure secret building converters credentials delivery naming added job_outputs inputs plan "
    "part_lists bumping loop deployment partitions service_list monorepo wanted protocols gitops_protocols report "
    "markdown prompt granting "
    "github.context image.reference image.tags image.labels "
    "image.arguments image.caching image.lists image.rules image.dates image.version image.reuse image.promotion "
    "aws.lifecycle aws.drift aws.trust "
    "gitops.find gitops.splice gitops.superseded gitops.environments gitops.edit gitops.message".split()
)
# Those that put the parts together.
COMPOSING = {
    "__main__",
    "run",
    "assemble",
    "gitops_access",
    "publish",
    "deploy",
    "conform",
    "bump",
    "changed",
    "kept_secrets",
    "survey",
    "promoting",
    "registries",
    "preview",
    "ensure",
    "expiry",
    "arrival",
    "rehearsal",
    "decision",
    "gate",
    "obtain",
    "cached",
    "merging",
    "part",
    "waiting",
    "tagging",
    "rollout",
    "standing",
    "manifests",
    "fitting",
    "proposal",
    "proposed",
    "local",
    "policies",
    "environment",
}
# They see the world through protocols alone.
WITHOUT_EFFECTS = set(
    "publish deploy promoting bump preview conform ensure obtain cached merging part waiting tagging rollout proposal "
    "proposed services standing expiry gate manifests fitting arrival rehearsal decision changed "
    "kept_secrets".split()
)
ANYWHERE = {"", "errors", "failure", "secret", "protocols", "gitops_protocols", "plan", "inputs"}
# A room may use what is pure in those below it.
FLOORS = {"image": 0, "github": 1, "aws": 2, "gitops": 3}
PACKAGES = {"", *FLOORS}

SDKS: Mapping[str, str] = {
    "boto3": "boto3",
    "botocore": "boto3",
    "docker": "docker",
    "github": "PyGithub",
    "requests": "PyGithub",
    "urllib3": "urllib",
    "urllib.request": "urllib",
    "http.client": "urllib",
    "subprocess": "subprocess",
    "actions_toolkit": "actions_toolkit",
}
# PyGithub raises these two packages' errors as its own, boto3 urllib3's.
WORLD = set(
    "asyncio io logging multiprocessing os pathlib random secrets select shutil signal socket ssl sys tempfile "
    "threading time urllib.error uuid".split()
) | set(SDKS)


def touches_world(found: Import) -> bool:
    """Whether *found* gives a module the clock, the network, the disk, the environment or an SDK."""
    return any(found.target == name or found.target.startswith(name + ".") for name in WORLD)


def sdk(found: Import) -> str | None:
    """The SDK that *found* belongs to."""
    for name, owner in SDKS.items():
        if found.target == name or found.target.startswith(name + "."):
            return owner
    return None


def pure_modules(known: dict[str, Module]) -> set[str]:
    """The pure modules: those named above, and those of a room that have nothing of the world, not by way of others."""
    found = {name: list(imports(module, known)) for name, module in known.items()}
    pure = {name for name, module in known.items() if module.folder in FLOORS} | (PURE & set(known))
    impure = {name for name in pure - PURE if any(touches_world(one) for one in found[name])}
    while impure:
        pure -= impure
        impure = {
            name for name in pure - PURE if any(one.inside in set(known) - pure - PACKAGES for one in found[name])
        }
    return pure


def breaches(known: dict[str, Module]) -> Iterator[str]:
    """Every breach of the law, as ``path:line: module may not ...``."""
    pure = pure_modules(known)
    for module in known.values():
        for found in imports(module, known):
            if reason := _breach(module, found, pure, known):
                yield f"{found.at}: {module.name or 'the package'} may not import {found.target}: {reason}"
        yield from _too_many(module, known)


def _breach(module: Module, found: Import, pure: set[str], known: dict[str, Module]) -> str | None:
    if found.top == "yaml" and module.folder != "gitops":
        return "YAML is read in gitops/ alone"
    if found.top in ("tests", "lab"):
        return "the program knows nothing of its proof"
    if found.inside is not None and found.inside not in known:
        return "there is no such module"
    if module.name in pure:
        if touches_world(found):
            return "it is pure: no clock, network, disk, environment or SDK"
        if found.inside is not None and found.inside not in pure | PACKAGES:
            return "it is pure, and that is not"
    if found.inside is None:
        return "it works through protocols" if sdk(found) and module.name in WITHOUT_EFFECTS else None
    return _inside(module, found.inside, pure)


def _inside(module: Module, target: str, pure: set[str]) -> str | None:
    room, other = module.folder, target.rpartition(".")[0]
    if module.name in WITHOUT_EFFECTS and room != other and other and target not in pure:
        return "it works through protocols"
    if not room or target in PACKAGES:
        return None
    if target in COMPOSING:
        return "that stands above the rooms"
    if not other and target not in ANYWHERE and target not in pure:
        return "a room knows of the top only what is pure"
    if other and other != room:
        if target not in pure:
            return "that is another room's effect"
        if FLOORS[other] > FLOORS[room]:
            return f"{room}/ stands below {other}/"
    return None


def _too_many(module: Module, known: dict[str, Module]) -> Iterator[str]:
    used = {owner for found in imports(module, known) if (owner := sdk(found))}
    if len(used) > 1 and module.name not in COMPOSING:
        yield f"{module.path}:1: {module.name} may use one SDK, and uses {', '.join(sorted(used))}"


def cycle(known: dict[str, Module]) -> list[str]:
    """A cycle of imports, as names in order; empty where there is none."""
    edges = {name: [i.inside for i in imports(module, known) if i.inside] for name, module in known.items()}
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for target in edges.get(name, []):
            if found := visit(target, [*path, name]):
                return found
        done.add(name)
        return []

    return next((found for name in known if (found := visit(name, []))), [])


def uses(known: dict[str, Module], texts: set[str]) -> dict[str, list[str]]:
    """Module name -> the places where one of the *texts* (``sys.exit``, ``print``) stands as a name."""
    found: dict[str, list[str]] = {}
    for name, module in known.items():
        for node in module.walk():
            text = ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""
            if text in texts:
                found.setdefault(name, []).append(f"{module.at(node)}: {text}")
            if isinstance(node, ast.ImportFrom) and not node.level:
                whole = {f"{node.module}.{alias.name}" for alias in node.names}
                found.setdefault(name, []).extend(f"{module.at(node)}: {text}" for text in whole & texts)
    return {name: places for name, places in found.items() if places}
