"""An app's first roll-out into a GitOps repository that does not know it: its manifests come along, once."""

from __future__ import annotations

from collections.abc import Callable

from lab.github import setup as github
from lab.runner.shim import StepResult
from lab.stage import Stage
from tests.job.seen import gitops_file, repository_of, tags_of

Make = Callable[..., Stage]
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
POD = "kind: Pod\nmetadata: {name: APP}\nspec:\n  containers:\n    - name: APP\n      image: placeholder # ours\n"
README = {"README.md": "Manifests of APP\n"}


def ok(result: StepResult) -> StepResult:
    """The result of a step that must have succeeded."""
    assert result.exit_code == 0, result.log
    return result


def give(stage: Stage, files: dict[str, str], folder: str = "deploy") -> None:
    """Commit manifests to the app."""
    app = repository_of(stage)
    stage.commit("Manifests", {f"{folder}/{path}": text.replace("APP", app) for path, text in files.items()})


def tree(stage: Stage) -> set[str]:
    """The paths at the head of the GitOps repository, with their modes."""
    bare = github.git.Bare(github.repository(stage.github.state, stage.gitops))
    return set(bare.run("ls-tree", "-r", "--format=%(objectmode) %(path)", "refs/heads/main").decode().split("\n")[:-1])


def remove(stage: Stage, *paths: str) -> None:
    """Somebody takes files out of the GitOps repository."""
    github.commit(github.repository(stage.github.state, stage.gitops), dict.fromkeys(paths), "Gone")


def test_the_manifests_come_with_the_first_roll_out_and_never_again(make_stage: Make) -> None:
    """One commit has all of them and the image; what is there stays; what was taken out is not put back."""
    stage = make_stage(README)
    app = repository_of(stage)
    (stage.app / "deploy").mkdir()
    (stage.app / "deploy/link.yaml").symlink_to("pod.yaml")
    give(stage, {"pod.yaml": POD, "conf/app.properties": "a=1\r\n", "README.md": "mine\n", ".github/a.yaml": "a: 1\n"})
    before = stage.gitops_head()
    first = ok(stage.publish(stage.push_payload()))
    pod = POD.replace("APP", app)
    assert gitops_file(stage, "pod.yaml") == pod.replace("placeholder", first.outputs["image"])
    assert gitops_file(stage, "conf/app.properties") == "a=1\r\n"
    assert gitops_file(stage, "README.md") == README["README.md"].replace("APP", app)
    assert tree(stage) == {f"100644 {path}" for path in ("README.md", "pod.yaml", "conf/app.properties")}
    assert first.outputs["gitops-commit"] == stage.gitops_head()
    assert first.outputs["deployed"] == "true"
    assert f"+      image: {first.outputs['image']} # ours" in first.summary
    assert "link.yaml" in first.log
    assert stage.gitops_diff(before, stage.gitops_head()).count("new file mode 100644") == 2

    give(stage, {"service.yaml": "kind: Service\n"})
    second = ok(stage.publish(stage.push_payload()))
    assert gitops_file(stage, "pod.yaml") == pod.replace("placeholder", second.outputs["image"])
    assert "100644 service.yaml" not in tree(stage)

    remove(stage, "pod.yaml")
    third = stage.publish(stage.push_payload())
    assert third.exit_code == 1
    assert "E-GITOPS-REFERENCE" in third.log
    assert "deployed-dev" in third.log
    assert "100644 pod.yaml" not in tree(stage)


def test_an_empty_repository_begins_with_the_apps_manifests(make_stage: Make) -> None:
    """No file, no commit, no branch: after the run there is one, with the image in it."""
    stage = make_stage({})
    github.git.Bare(github.repository(stage.github.state, stage.gitops)).run("update-ref", "-d", "refs/heads/main")
    app = repository_of(stage)
    give(stage, {"pod.yaml": POD, "conf/app.properties": "a=1\n"})
    first = ok(stage.publish(stage.push_payload()))
    assert gitops_file(stage, "pod.yaml") == POD.replace("APP", app).replace("placeholder", first.outputs["image"])
    # GitHub makes a first commit of one file alone.
    assert tree(stage) - {"100644 README.md"} == {"100644 pod.yaml", "100644 conf/app.properties"}
    assert (first.outputs["gitops-commit"], first.outputs["deployed"]) == (stage.gitops_head(), "true")


def test_what_can_not_be_copied_stops_with_nothing_written(make_stage: Make) -> None:
    """A folder that is none, one without the image, none wanted, other apps' repository; each says what to do."""
    stage = make_stage({"apps/other/pod.yaml": POD.replace("APP", "other").replace("placeholder", f"{HOST}/other:1")})
    app, before = repository_of(stage), stage.gitops_head()
    give(stage, {"pod.yaml": POD.replace("placeholder", "nginx:1.27")}, "k8s")
    nowhere = stage.publish(stage.push_payload(), gitops_bootstrap="kubernetes")
    assert nowhere.exit_code == 2
    assert "gitops-bootstrap is 'kubernetes', which is no folder of the commit" in nowhere.log

    apart = stage.publish(stage.push_payload(), gitops_bootstrap="k8s/")
    assert (apart.exit_code, "lies in no folder called" in apart.log) == (1, True)
    stage.commit("Place", {f"shared/apps/{app}/pod.yaml": POD.replace("APP", app).replace("placeholder", "nginx:1.27")})
    other = stage.publish(stage.push_payload(), gitops_bootstrap="shared")
    assert other.exit_code == 1
    for words in ("E-GITOPS-REFERENCE", f"nginx:1.27 (apps/{app}/pod.yaml)", "shared/ of this commit is not copied"):
        assert words in other.log

    stage.commit("Image", {f"shared/apps/{app}/pod.yaml": POD.replace("APP", app)})
    for value in ("none", ""):
        off = stage.publish(stage.push_payload(), gitops_bootstrap=value)
        assert (off.exit_code, "E-GITOPS-REFERENCE" in off.log) == (1, True)
    assert stage.gitops_head() == before
    assert tags_of(stage) == {}

    done = ok(stage.publish(stage.push_payload(), gitops_bootstrap="./shared/"))
    assert done.outputs["image"] in gitops_file(stage, f"apps/{app}/pod.yaml")
