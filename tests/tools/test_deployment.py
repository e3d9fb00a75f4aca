"""The checks of `deploy/` find something when there is something to find."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import deployment
from tools.console import Stop


@pytest.fixture
def deploy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("Dockerfile", "nginx.conf"):
        (tmp_path / name).write_bytes((deployment.DEPLOY / name).read_bytes())
    monkeypatch.setattr(deployment, "DEPLOY", tmp_path)
    return tmp_path


def test_a_fault_in_the_image_is_found(deploy: Path) -> None:
    with (deploy / "Dockerfile").open("a") as file:
        file.write("RUN cd /tmp && sudo ls\n")
    with pytest.raises(Stop, match="DL3004"):
        deployment.dockerfile()


def test_a_fault_in_the_proxys_configuration_is_found(deploy: Path) -> None:
    text = (deploy / "nginx.conf").read_text()
    (deploy / "nginx.conf").write_text(text.replace("proxy_buffering on;", "proxy_buffering perhaps;"))
    with pytest.raises(Stop, match='invalid value "perhaps"'):
        deployment.proxy()


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"apiVersion": "v1", "kind": "Service", "spec": {"port": 80}}, "does not fit Kubernetes 1.31 at spec"),
        ({"apiVersion": "v1", "kind": "Servant"}, "has no such kind"),
    ],
)
def test_a_fault_in_a_manifest_is_found(manifest: dict[str, object], words: str) -> None:
    with pytest.raises(Stop, match=words):
        deployment._validate(manifest | {"metadata": {"name": "web"}}, "1.31", deployment.KUSTOMIZATIONS[0])
