"""``bump`` at the prompt, as a process on local files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/hello-node"
DIGEST = "sha256:" + "a" * 64
POD = f"""\
apiVersion: v1
kind: Pod
metadata:
  name: hello-node
spec:
  containers:
    - image: {IMAGE}:v1.0.0 # ours
"""


def bump(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it in *folder*."""
    command = [sys.executable, str(ROOT / "entrypoint.py"), "bump", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def put(folder: Path, **files: str) -> None:
    """Write files, ``__`` standing for a slash and ``_yaml`` for the suffix."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_yaml", ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_a_file_is_edited_in_place_and_the_diff_is_the_result(tmp_path: Path) -> None:
    """One line, comment kept, nothing else on stdout."""
    put(tmp_path, pod_yaml=POD)
    done = bump(tmp_path, "--image", IMAGE, "--tag", "v1.1.0", "pod.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "pod.yaml").read_text() == POD.replace("v1.0.0", "v1.1.0")
    changed = [line for line in done.stdout.splitlines() if line[:1] in "+-"]
    assert changed == [
        *["--- a/pod.yaml", "+++ b/pod.yaml"],
        f"-    - image: {IMAGE}:v1.0.0 # ours",
        f"+    - image: {IMAGE}:v1.1.0 # ours",
    ]


def test_a_second_time_changes_nothing_and_succeeds(tmp_path: Path) -> None:
    """Exit 0, no output."""
    put(tmp_path, pod_yaml=POD)
    done = bump(tmp_path, "--image", IMAGE, "--tag", "v1.0.0", "pod.yaml")
    assert (done.returncode, done.stdout) == (0, "")


def test_a_dry_run_shows_the_diff_and_writes_nothing(tmp_path: Path) -> None:
    """To look."""
    put(tmp_path, pod_yaml=POD)
    done = bump(tmp_path, "--image", IMAGE, "--tag", "v1.1.0", "--dry-run", "pod.yaml")
    assert "+    - image" in done.stdout
    assert (tmp_path / "pod.yaml").read_text() == POD


def test_one_file_that_can_not_be_edited_leaves_all_as_they_are(tmp_path: Path) -> None:
    """The file, line and column are named."""
    put(tmp_path, a_yaml=POD, b_yaml=f"image: {IMAGE}:v1.0.0\n  bad: [\n")
    done = bump(tmp_path, "--image", IMAGE, "--tag", "v1.1.0", ".")
    assert done.returncode == 1
    assert "E-GITOPS-PARSE" in done.stderr
    assert "b.yaml" in done.stderr
    assert (tmp_path / "a.yaml").read_text() == POD


def test_references_of_two_environments_write_nothing(tmp_path: Path) -> None:
    """With ready lines to choose from."""
    put(tmp_path, overlays__dev__x_yaml=POD, overlays__prod__x_yaml=POD)
    done = bump(tmp_path, "--image", IMAGE, "--tag", "v1.1.0", ".")
    assert done.returncode == 1
    assert "E-GITOPS-ENVIRONMENT" in done.stderr
    assert "--environment prod   # overlays/prod/x.yaml" in done.stderr
    assert "gitops-files" not in done.stderr
    assert (tmp_path / "overlays/prod/x.yaml").read_text() == POD


def test_an_image_that_is_nowhere_is_told_in_words_of_the_prompt(tmp_path: Path) -> None:
    """A field is named behind the path."""
    put(tmp_path, pod_yaml=POD)
    done = bump(tmp_path, "--image", f"{IMAGE}-other", "--tag", "v1.1.0", ".")
    assert (done.returncode, "name the field: <path>#<field>" in done.stderr) == (1, True)


def test_an_environment_edits_its_own_files_alone(tmp_path: Path) -> None:
    """By its other name too."""
    put(tmp_path, overlays__dev__x_yaml=POD, overlays__production__x_yaml=POD)
    done = bump(tmp_path, "--image", IMAGE, "--tag", "v1.1.0", "--environment", "prod", ".")
    assert done.returncode == 0
    assert (tmp_path / "overlays/production/x.yaml").read_text() == POD.replace("v1.0.0", "v1.1.0")
    assert (tmp_path / "overlays/dev/x.yaml").read_text() == POD


def test_a_file_of_another_environment_that_is_named_stays(tmp_path: Path) -> None:
    """Naming the environment is saying which files are meant."""
    put(tmp_path, overlays__prod__x_yaml=POD)
    done = bump(tmp_path, "--image", IMAGE, "--tag", "v1.1.0", "--environment", "dev", "overlays/prod/x.yaml")
    assert done.returncode == 1
    assert (tmp_path / "overlays/prod/x.yaml").read_text() == POD
    done = bump(tmp_path, "--image", IMAGE, "--tag", "v1.1.0", "overlays/prod/x.yaml")
    assert done.returncode == 0
    assert (tmp_path / "overlays/prod/x.yaml").read_text() == POD.replace("v1.0.0", "v1.1.0")


@pytest.mark.parametrize("outer", ["prod", "dev"])
def test_folders_above_the_repository_say_nothing(tmp_path: Path, outer: str) -> None:
    """A checkout below a folder called prod is no production."""
    folder = tmp_path / outer / "checkout"
    put(folder, pod_yaml=POD)
    (folder / ".git").mkdir()
    done = bump(tmp_path, "--image", IMAGE, "--tag", "v1.1.0", "--environment", "staging", str(folder))
    assert done.returncode == 0
    assert (folder / "pod.yaml").read_text() == POD.replace("v1.0.0", "v1.1.0")


def test_an_image_that_is_nowhere_is_an_error(tmp_path: Path) -> None:
    """What was seen is listed."""
    put(tmp_path, pod_yaml=POD)
    done = bump(tmp_path, "--image", IMAGE + "2", "--tag", "v1.1.0", "pod.yaml")
    assert done.returncode == 1
    assert "E-GITOPS-REFERENCE" in done.stderr
    assert f"{IMAGE}:v1.0.0" in done.stderr


def test_a_digest_that_stands_needs_the_new_one(tmp_path: Path) -> None:
    """Else the old one would win over the new tag."""
    put(tmp_path, pod_yaml=POD.replace("v1.0.0", f"v1.0.0@{DIGEST}"))
    done = bump(tmp_path, "--image", IMAGE, "--tag", "v1.1.0", "pod.yaml")
    assert done.returncode == 1
    assert "--digest" in done.stderr
    done = bump(tmp_path, "--image", f"{IMAGE}:v1.1.0@{DIGEST[:-1]}b", "pod.yaml")
    assert done.returncode == 0
    assert f"v1.1.0@{DIGEST[:-1]}b" in (tmp_path / "pod.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["--image", "PATH"]),
        (["--image", IMAGE, "pod.yaml"], ["--tag"]),
        (["--image", "not an image", "--tag", "v1", "pod.yaml"], ["which is no image"]),
        (["--image", IMAGE, "--tag", "a b", "nowhere.yaml"], ["which is no tag", "nowhere.yaml"]),
        (["--image", IMAGE, "--tag", "v1", "--pin", "digest", "pod.yaml"], ["--digest"]),
        (["--image", f"{IMAGE}:v2", "--tag", "v3", "pod.yaml"], ["--tag is 'v3', and --image names v2. Leave one"]),
        (["--image", f"{IMAGE}:v2@{DIGEST}", "--digest", f"{DIGEST[:-1]}b", "pod.yaml"],
         [f"--digest is '{DIGEST[:-1]}b', and --image names {DIGEST}. Leave one"]),
        (["--imgae", IMAGE, "pod.yaml"], ["Did you mean --image?"]),
    ],
)
def test_wrong_arguments_exit_with_1_and_write_nothing(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    """All of them at once."""
    put(tmp_path, pod_yaml=POD)
    done = bump(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    for word in words:
        assert word in done.stderr
    assert (tmp_path / "pod.yaml").read_text() == POD


def test_several_images_at_once(tmp_path: Path) -> None:
    """Each with its own tag."""
    other = IMAGE.replace("hello-node", "api")
    put(tmp_path, pod_yaml=POD, api_yaml=POD.replace(IMAGE, other))
    done = bump(tmp_path, "--image", f"{IMAGE}:v2.0.0", "--image", f"{other}:v3.0.0", ".")
    assert done.returncode == 0
    assert f"{IMAGE}:v2.0.0" in (tmp_path / "pod.yaml").read_text()
    assert f"{other}:v3.0.0" in (tmp_path / "api.yaml").read_text()


def test_several_images_in_one_file(tmp_path: Path) -> None:
    """With a tag of its own, with its digest, with the one of --tag; where one is nowhere, nothing is written."""
    api, web = IMAGE.replace("hello-node", "api"), IMAGE.replace("hello-node", "web")
    text = "".join(f"- image: {name}\n" for name in (f"{IMAGE}:v1", f"{api}:v1@{DIGEST}", f"{web}:v1", f"{web}-2:v1"))
    put(tmp_path, all_yaml=text)
    other = DIGEST[:-1] + "b"
    given = ["--image", f"{IMAGE}:v2.0.0", "--image", f"{api}:v3.0.0@{other}", "--image", web, "--tag", "v4.0.0"]
    refused = bump(tmp_path, *given, "--image", f"{web}-3", "all.yaml")
    assert (refused.returncode, refused.stdout, (tmp_path / "all.yaml").read_text()) == (1, "", text)
    assert f"{web}-3 is referenced in none" in refused.stderr
    done = bump(tmp_path, *given, "all.yaml")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "all.yaml").read_text() == "".join(
        f"- image: {name}\n" for name in (f"{IMAGE}:v2.0.0", f"{api}:v3.0.0@{other}", f"{web}:v4.0.0", f"{web}-2:v1")
    )
    assert done.stdout.count("\n+- image") == 3


def test_one_repository_named_twice_is_refused(tmp_path: Path) -> None:
    """Under another host name of the same registry too; the same tag twice is once."""
    put(tmp_path, pod_yaml=POD)
    other = IMAGE.replace("dkr.ecr.", "dkr.ecr-fips.")
    done = bump(tmp_path, "--image", f"{IMAGE}:v2.0.0", "--image", f"{other}:v3.0.0", ".")
    assert done.returncode == 1
    assert (tmp_path / "pod.yaml").read_text() == POD
    done = bump(tmp_path, "--image", f"{IMAGE}:v2.0.0", "--image", f"{IMAGE}:v2.0.0", ".")
    assert done.returncode == 0
    assert (tmp_path / "pod.yaml").read_text() == POD.replace("v1.0.0", "v2.0.0")


@pytest.mark.parametrize("word", ["TRUE", "yes", "1"])
def test_a_dry_run_in_any_spelling_writes_nothing(tmp_path: Path, word: str) -> None:
    """A word that is no boolean is an error."""
    put(tmp_path, pod_yaml=POD)
    done = bump(tmp_path, "--image", IMAGE, "--tag", "v1.1.0", f"--dry-run={word}", "pod.yaml")
    assert done.returncode == (0 if word == "TRUE" else 1)
    assert (tmp_path / "pod.yaml").read_text() == POD


def test_a_link_counts_as_what_it_leads_to(tmp_path: Path) -> None:
    """Calling it dev.yaml makes production no dev."""
    put(tmp_path, prod__x_yaml=POD)
    (tmp_path / "dev.yaml").symlink_to("prod/x.yaml")
    done = bump(tmp_path, "--image", IMAGE, "--tag", "v1.1.0", "--environment", "dev", "dev.yaml")
    assert done.returncode == 1
    assert (tmp_path / "prod/x.yaml").read_text() == POD


def test_a_folder_named_after_an_environment_is_that_environments(tmp_path: Path) -> None:
    """Also where the path to it is absolute, or one stands in it."""
    folder = tmp_path / "elsewhere" / "prod"
    put(folder, x_yaml=POD)
    (tmp_path / "here").mkdir()
    for place, path in ((tmp_path / "here", str(folder)), (folder, "x.yaml")):
        done = bump(place, "--image", IMAGE, "--tag", "v1.1.0", "--environment", "dev", path)
        assert done.returncode == 1, done.stdout
    assert (folder / "x.yaml").read_text() == POD


def test_a_neutral_file_beside_other_environments_is_no_file_of_dev(tmp_path: Path) -> None:
    """Whatever part of the repository is named: prod inherits it."""
    put(tmp_path, base__x_yaml=POD, overlays__prod__kustomization_yaml="resources: [../../base]\n")
    (tmp_path / ".git").mkdir()
    done = bump(tmp_path, "--image", IMAGE, "--tag", "v1.1.0", "--environment", "dev", "base")
    assert done.returncode == 1
    assert "E-GITOPS-ENVIRONMENT" in done.stderr


def test_a_pipe_among_the_files_is_passed_over(tmp_path: Path) -> None:
    """It would be read without end."""
    put(tmp_path, pod_yaml=POD)
    os.mkfifo(tmp_path / "pipe.yaml")
    assert bump(tmp_path, "--image", IMAGE, "--tag", "v1.1.0", ".").returncode == 0


def test_a_planted_link_is_not_written_through(tmp_path: Path) -> None:
    """The new file beside the old one has a name that nobody knows before."""
    put(tmp_path, pod_yaml=POD)
    (tmp_path / "victim").write_text("mine")
    (tmp_path / ".pod.yaml.ecr-publish").symlink_to("victim")
    assert bump(tmp_path, "--image", IMAGE, "--tag", "v1.1.0", "pod.yaml").returncode == 0
    assert (tmp_path / "victim").read_text() == "mine"
    assert not (tmp_path / "pod.yaml").is_symlink()
