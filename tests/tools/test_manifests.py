"""The stand-in for kustomize: it merges as that does, and refuses what it does not know."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import manifests
from tools.console import Stop

BASE = """
kind: Kustomization
apiVersion: v1
resources: [pod.yaml]
labels: [{pairs: {part: all}}]
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  volumes: [{name: data, emptyDir: {}}, {name: tmp, emptyDir: {}}]
  containers:
    - {name: web, image: "adjudge:1", args: [a, b], env: [{name: A, value: "1"}]}
    - {name: other, image: "adjudge-other:1"}
"""
OVERLAY = """
kind: Kustomization
apiVersion: v1
namespace: here
resources: [base]
images: [{name: adjudge, newName: registry/adjudge, newTag: "2"}]
patches: [{path: patch.yaml}]
"""
PATCH = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  volumes: [{name: data, persistentVolumeClaim: {claimName: c}}]
  containers: [{name: web, args: [z], env: [{name: A, value: "2"}, {name: B, value: "3"}]}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "kustomization.yaml").write_text(BASE)
    (tmp_path / "base" / "pod.yaml").write_text(POD)
    (tmp_path / "kustomization.yaml").write_text(OVERLAY)
    (tmp_path / "patch.yaml").write_text(PATCH)
    return tmp_path


def test_patches_labels_namespace_and_images(folder: Path) -> None:
    [pod] = manifests.render(folder)
    web, other = pod["spec"]["containers"]
    assert pod["metadata"] == {"name": "web", "labels": {"part": "all"}, "namespace": "here"}
    assert (web["image"], other["image"]) == ("registry/adjudge:2", "adjudge-other:1")
    assert web["args"] == ["z"]
    assert {entry["name"]: entry["value"] for entry in web["env"]} == {"A": "2", "B": "3"}
    assert [volume["name"] for volume in pod["spec"]["volumes"]] == ["data", "tmp"]
    assert pod["spec"]["volumes"][0]["persistentVolumeClaim"] == {"claimName": "c"}


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("kustomization.yaml", OVERLAY + "namePrefix: x\n", "has 'namePrefix', which .* cannot render"),
        ("patch.yaml", PATCH.replace("name: web}\nspec", "name: nobody}\nspec"), "Pod nobody, which is there 0 times"),
        ("patch.yaml", PATCH.replace("[z]", "null"), "takes args away"),
        ("patch.yaml", PATCH + "---" + PATCH, "holds 2 documents"),
        ("base/pod.yaml", "[]", "no manifest"),
        ("base/pod.yaml", "{", "cannot be read"),
    ],
)
def test_what_is_not_known_is_refused(folder: Path, file: str, content: str, words: str) -> None:
    (folder / file).write_text(content)
    with pytest.raises(Stop, match=words):
        manifests.render(folder)
