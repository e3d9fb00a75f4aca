"""Render a kustomization without kustomize: what `deploy/kubernetes` uses of it, and no more.

No package brings the program itself. Where `kubectl` is on the machine, tools/deployment.py compares the two. Anything
that is not known here is refused, so that nothing is rendered wrongly in silence.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tools.console import Stop

Manifest = dict[str, Any]
KNOWN = {"apiVersion", "kind", "resources", "namespace", "labels", "images", "patches"}
# Kinds that live outside every namespace.
CLUSTER_WIDE = {"Namespace"}
# Lists whose entries a patch merges by this key; all others it replaces.
MERGED_BY = {
    "containers": "name",
    "env": "name",
    "initContainers": "name",
    "ports": "containerPort",
    "topologySpreadConstraints": "topologyKey",
    "volumeMounts": "mountPath",
    "volumes": "name",
}


def render(folder: Path) -> list[Manifest]:
    """All manifests of a kustomization, those of the ones it builds on among them."""
    path = folder / "kustomization.yaml"
    wanted = _one(path)
    if unknown := sorted(wanted.keys() - KNOWN):
        raise Stop(f"{path} has {unknown[0]!r}, which tools/manifests.py cannot render. Known: {', '.join(KNOWN)}.")
    found: list[Manifest] = []
    for name in wanted["resources"]:
        target = folder / name
        found += render(target) if target.is_dir() else _all(target)
    for patch in wanted.get("patches", []):
        _patch(found, _one(folder / patch["path"]), folder / patch["path"])
    for manifest in found:
        for entry in wanted.get("labels", []):
            labels = manifest["metadata"].setdefault("labels", {})
            labels |= entry["pairs"]
        if "namespace" in wanted and manifest["kind"] not in CLUSTER_WIDE:
            manifest["metadata"]["namespace"] = wanted["namespace"]
        for image in wanted.get("images", []):
            _rename(manifest, image)
    return found


def _all(path: Path) -> list[Manifest]:
    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise Stop(f"{path} cannot be read: {error}") from error
    for document in documents:
        if not isinstance(document, dict) or not {"apiVersion", "kind"} <= document.keys():
            raise Stop(f"{path} holds something that is no manifest.")
    return documents


def _one(path: Path) -> Manifest:
    documents = _all(path)
    if len(documents) != 1:
        raise Stop(f"{path} holds {len(documents)} documents and must hold one.")
    return documents[0]


def name_of(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def _patch(found: list[Manifest], patch: Manifest, path: Path) -> None:
    targets = [manifest for manifest in found if name_of(manifest) == name_of(patch)]
    if len(targets) != 1:
        raise Stop(f"{path} patches {' '.join(name_of(patch))}, which is there {len(targets)} times.")
    _merge(targets[0], patch, path)


def _merge(into: Manifest, patch: Manifest, path: Path) -> None:
    for key, value in patch.items():
        present = into.get(key)
        if value is None or key == "$patch":
            raise Stop(f"{path} takes {key} away, which tools/manifests.py cannot render.")
        if isinstance(value, dict) and isinstance(present, dict):
            _merge(present, value, path)
        elif isinstance(value, list) and isinstance(present, list) and key in MERGED_BY:
            _merge_lists(present, value, MERGED_BY[key], path)
        else:
            into[key] = value


def _merge_lists(into: list[Any], patch: list[Any], key: str, path: Path) -> None:
    for entry in patch:
        same = [present for present in into if present.get(key) == entry.get(key)]
        if same:
            _merge(same[0], entry, path)
        else:
            into.insert(0, entry)


def _rename(node: Any, image: dict[str, str]) -> None:
    """Give every container of this image its new name and tag."""
    if isinstance(node, list):
        for each in node:
            _rename(each, image)
        return
    if not isinstance(node, dict):
        return
    present = node.get("image")
    if isinstance(present, str) and present.partition(":")[0] == image["name"]:
        node["image"] = f"{image.get('newName', image['name'])}:{image['newTag']}"
    for each in node.values():
        _rename(each, image)
