"""What linters cannot see in `deploy/`: that its parts fit each other, the settings, and what is promised of them."""

from __future__ import annotations

import re
import runpy
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.staticfiles.storage import staticfiles_storage

from config.middleware import PROBES
from config.version import VERSION
from projects.importers import limits
from tools import manifests

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("migrate", "web", "worker", "backup")
MANIFESTS = manifests.render(DEPLOY / "kubernetes" / "overlays" / "example")
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
NGINX = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")


def settings_known() -> set[str]:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    secret = re.findall(r"^\| `([A-Z_]+)` \*file\*", text, re.MULTILINE)
    named = re.findall(r"^(?:\| |- )`([A-Z_]+)`", text, re.MULTILINE)
    assert secret
    return {*named, *(f"{name}_FILE" for name in secret)}


# --- Compose -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_is_no_root_writes_nothing_and_is_limited(name: str) -> None:
    service = SERVICES[name]
    assert int(service["user"].split(":")[0]) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert "privileged" not in service
    assert "cap_add" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_named_by_a_full_version(name: str) -> None:
    image = SERVICES[name]["image"]
    version = re.fullmatch(r"\$\{ADJUDGE_IMAGE:-adjudge:([\d.]+)\}|[\w./]+:([\d.]+)-\w+", image)
    assert version, image
    assert (version[1] or version[2]).count(".") >= 1
    assert version[1] in {None, VERSION}


def test_secrets_come_from_files_and_settings_are_those_that_are_documented() -> None:
    for name in OURS:
        environment = SERVICES[name]["environment"]
        assert sorted(environment.keys() - settings_known()) == []
        for variable, value in environment.items():
            if variable.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in SERVICES[name]["secrets"]
    assert "POSTGRES_PASSWORD" not in SERVICES["db"]["environment"]
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())


def test_each_waits_until_what_it_needs_is_healthy() -> None:
    def waits(name: str) -> dict[str, str]:
        return {other: how["condition"] for other, how in SERVICES[name]["depends_on"].items()}

    ready = {"db": "service_healthy", "migrate": "service_completed_successfully"}
    assert waits("migrate") == {"db": "service_healthy"}
    assert waits("web") == waits("worker") == ready
    assert waits("proxy") == {"web": "service_healthy"}
    assert "/readyz" in SERVICES["web"]["healthcheck"]["test"][-1]
    for name in ("db", "proxy"):
        assert SERVICES[name]["healthcheck"]["test"]


def test_only_the_proxy_is_reached_from_outside_and_the_database_reaches_nothing() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert SERVICES["db"]["networks"] == ["inside"]
    assert SERVICES["proxy"]["networks"] == ["outside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


# --- Kubernetes ----------------------------------------------------------------------------------------


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [manifest for manifest in MANIFESTS if manifest["kind"] == kind]


def one(kind: str, name: str) -> dict[str, Any]:
    [found] = [manifest for manifest in of_kind(kind) if manifest["metadata"]["name"] == name]
    return found


def pods() -> dict[str, dict[str, Any]]:
    templates = {m["metadata"]["name"]: m["spec"]["template"] for kind in ("Deployment", "Job") for m in of_kind(kind)}
    jobs = {m["metadata"]["name"]: m["spec"]["jobTemplate"]["spec"]["template"] for m in of_kind("CronJob")}
    return templates | jobs


POD_NAMES = ("adjudge-web", "adjudge-worker", "adjudge-migrate", "adjudge-backup")


def test_every_pod_is_looked_at() -> None:
    assert sorted(pods()) == sorted(POD_NAMES)


@pytest.mark.parametrize("name", POD_NAMES)
def test_a_pod_is_no_root_writes_nothing_and_is_limited(name: str) -> None:
    spec = pods()[name]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False  # else ADJUDGE_WEB_PORT and the like are set
    pod, (container,) = spec["securityContext"], spec["containers"]
    assert pod["runAsNonRoot"] is True
    assert f"USER {pod['runAsUser']}:{pod['runAsGroup']}" in DOCKERFILE
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["image"] == f"registry.example.org/adjudge:{VERSION}"
    assert container["resources"]["requests"].keys() == {"cpu", "memory"}
    assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("name", POD_NAMES)
def test_what_a_pod_mounts_is_there_and_holds_what_the_settings_name(name: str) -> None:
    spec = pods()[name]["spec"]
    [container] = spec["containers"]
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
    claims = {manifest["metadata"]["name"] for manifest in of_kind("PersistentVolumeClaim")}
    assert {v["persistentVolumeClaim"]["claimName"] for v in volumes.values() if "persistentVolumeClaim" in v} <= claims
    [place] = [mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] == "secrets"]
    sources = volumes["secrets"]["projected"]["sources"]
    files = {f"{place}/{item['path']}" for source in sources for item in source["secret"]["items"]}
    settings = one("ConfigMap", "adjudge")["data"]
    assert {value for key, value in settings.items() if key.endswith("_FILE")} == files
    assert sorted(settings.keys() - settings_known()) == []


def test_the_three_probes_ask_what_they_should() -> None:
    [web] = pods()["adjudge-web"]["spec"]["containers"]
    paths = {kind: web[kind]["httpGet"]["path"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    assert set(paths.values()) == set(PROBES)
    [port] = web["ports"]
    assert {web[kind]["httpGet"]["port"] for kind in paths} == {port["name"]}
    assert f"WEB_BIND=0.0.0.0:{port['containerPort']}" in DOCKERFILE


def test_selectors_meet_the_pods_they_mean() -> None:
    web = pods()["adjudge-web"]["metadata"]["labels"].items()
    assert one("Service", "adjudge-web")["spec"]["selector"].items() <= web
    assert one("PodDisruptionBudget", "adjudge-web")["spec"]["selector"]["matchLabels"].items() <= web
    assert one("HorizontalPodAutoscaler", "adjudge-web")["spec"]["scaleTargetRef"]["name"] == "adjudge-web"
    assert "replicas" not in one("Deployment", "adjudge-web")["spec"], "it would fight with the autoscaler"
    minimum = one("PodDisruptionBudget", "adjudge-web")["spec"]["minAvailable"]
    assert minimum < one("HorizontalPodAutoscaler", "adjudge-web")["spec"]["minReplicas"]
    for deployment in of_kind("Deployment"):
        template = deployment["spec"]["template"]
        wanted = deployment["spec"]["selector"]["matchLabels"].items()
        assert wanted <= template["metadata"]["labels"].items()
        spreads = template["spec"]["topologySpreadConstraints"]
        assert all(spread["labelSelector"]["matchLabels"].items() <= wanted for spread in spreads)
    [rule] = one("Ingress", "adjudge")["spec"]["rules"]
    assert rule["host"] == one("ConfigMap", "adjudge")["data"]["ALLOWED_HOSTS"]


def test_every_pod_is_cut_off_but_for_names_the_database_and_the_ingress() -> None:
    policies = {manifest["metadata"]["name"]: manifest["spec"] for manifest in of_kind("NetworkPolicy")}
    deny = policies.pop("adjudge-deny")
    assert deny["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & deny.keys()
    for pod in pods().values():
        assert deny["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    ports = {
        (kind, entry["port"])
        for policy in policies.values()
        for kind in ("ingress", "egress")
        for rule in policy.get(kind, [])
        for entry in rule["ports"]
    }
    assert ports == {("ingress", "http"), ("egress", 53), ("egress", 5432)}
    assert all(
        rule.get("from") or rule.get("to") for p in policies.values() for rule in p.get("ingress", p.get("egress"))
    )


def test_connections_of_all_web_processes_fit_the_database() -> None:
    most = one("HorizontalPodAutoscaler", "adjudge-web")["spec"]["maxReplicas"]
    processes = int(one("ConfigMap", "adjudge")["data"]["WEB_PROCESSES"])
    pool = 8  # the default of DB_POOL_SIZE
    assert most * processes * pool < int(
        one("Cluster", "adjudge-db")["spec"]["postgresql"]["parameters"]["max_connections"]
    )


# --- The image -----------------------------------------------------------------------------------------


def let_in() -> set[str]:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines, "everything else must stay out"
    return {line.removeprefix("!") for line in lines if line.startswith("!")}


def test_the_image_holds_what_runs_and_nothing_else() -> None:
    apps = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "tools", "bench"}
    assert {"config", "analytics"} <= apps
    files = {"LICENSE", "manage.py", "pyproject.toml", "requirements/base.txt", "deploy/gunicorn.conf.py"}
    assert let_in() == {*apps, *files, "docs/licences.md", "static", "templates"}
    assert all((ROOT / name).exists() for name in let_in())


def test_the_last_word_of_the_image_is_an_account_without_rights() -> None:
    assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE) == ["10001:10001"]
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${PYTHON_IMAGE}", "${PYTHON_IMAGE}"]
    assert "SECRET_KEY=" not in DOCKERFILE.split("FROM ${PYTHON_IMAGE}\n")[1]


def test_versions_are_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION
    [python] = re.findall(r"^ARG PYTHON_IMAGE=\S+:(\d+\.\d+)\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)
    assert f">={python}" == project["requires-python"], "the image runs on what the locks were made with"
    [programs] = re.findall(r"^ARG POSTGRESQL=(\d+)$", DOCKERFILE, re.MULTILINE)
    servers = (SERVICES["db"]["image"], one("Cluster", "adjudge-db")["spec"]["imageName"])
    assert all(int(re.search(r":(\d+)\.", image)[1]) <= int(programs) for image in servers)  # type: ignore[index]


def test_the_licence_question_is_answered_where_the_image_is_made() -> None:
    assert "LEAVE_OUT=krippendorff" in DOCKERFILE
    assert "^${LEAVE_OUT}==" in DOCKERFILE
    assert "LEAVE_OUT=krippendorff" in (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")


def test_collected_files_are_readable_by_the_account_of_the_service() -> None:
    assert staticfiles_storage.file_permissions_mode == 0o644  # type: ignore[attr-defined]


# --- gunicorn, nginx, systemd ----------------------------------------------------------------------------


def gunicorn(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, Any]:
    for name in ("DATABASE_URL", "DATABASE_URL_FILE", "WEB_PROCESSES", "WEB_THREADS", "WEB_BIND"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(DEPLOY / "gunicorn.conf.py"))


def test_gunicorn_runs_one_process_with_sqlite_and_two_with_postgresql(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lite = gunicorn(monkeypatch)
    assert (lite["workers"], lite["threads"], lite["max_requests"]) == (1, 8, 0)
    (tmp_path / "url").write_text("postgresql://adjudge:secret@db/adjudge\n")
    large = gunicorn(monkeypatch, DATABASE_URL_FILE=str(tmp_path / "url"))
    assert (large["workers"], large["threads"]) == (2, 4)
    assert large["max_requests"] > 10 * large["max_requests_jitter"] / 2 > 0
    own = gunicorn(monkeypatch, WEB_PROCESSES="3", WEB_THREADS="5", WEB_BIND="[::]:80")
    assert (own["workers"], own["threads"], own["bind"]) == (3, 5, "[::]:80")
    assert own["accesslog"] is None
    assert own["control_socket_disable"] is True


def read_names() -> Iterator[str]:
    yield from re.findall(r'env_\w+\(\s*"([A-Z_]+)"', (DEPLOY / "gunicorn.conf.py").read_text(encoding="utf-8"))
    yield from re.findall(r"^#?([A-Z_]+)=", (DEPLOY / "env.example").read_text(encoding="utf-8"), re.MULTILINE)
    yield from re.findall(r"^ENV [^\n]*(?:\\\n[^\n]*)*", DOCKERFILE.split("FROM ${PYTHON_IMAGE}\n")[1], re.MULTILINE)


def test_every_setting_that_deploy_names_is_documented() -> None:
    names = {name for found in read_names() for name in re.findall(r"\b([A-Z]+_[A-Z_]+)(?==|$)", found)}
    assert {"WEB_BIND", "ADJUDGE_ENV", "STATIC_ROOT", "SECRET_KEY_FILE"} <= names
    assert sorted(names - settings_known()) == []


def seconds(name: str) -> int:
    [value] = re.findall(rf"^\s*{name} (\d+)s;$", NGINX, re.MULTILINE)
    return int(value)


def test_the_proxy_says_who_asks_and_takes_the_largest_import(monkeypatch: pytest.MonkeyPatch) -> None:
    [size] = re.findall(r"client_max_body_size (\d+)m;", NGINX)
    assert int(size) * 1024 * 1024 > limits.MAX_BYTES
    headers = dict(re.findall(r"proxy_set_header (\S+) (\S+);", NGINX))
    assert headers["X-Forwarded-For"] == "$proxy_add_x_forwarded_for"
    assert headers["X-Forwarded-Proto"] == "$scheme"
    assert headers["Host"] == "$http_host"
    assert headers["X-Request-ID"] == "$request_id"
    assert "access_log off;" in NGINX
    assert seconds("proxy_read_timeout") >= 60
    written = re.findall(r"^(?:pid|\s*\w+_temp_path) (\S+);$", NGINX, re.MULTILINE)
    assert len(written) == 6
    assert all(path.startswith("/tmp/") for path in written)
    [upstream] = re.findall(r"set \$adjudge http://(\w+):(\d+);", NGINX)
    assert upstream == ("web", "8000")


@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_service_unit_has_no_rights_and_runs_what_compose_runs(name: str) -> None:
    text = (DEPLOY / "systemd" / f"adjudge-{name}.service").read_text(encoding="utf-8")
    unit = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    assert unit["User"] == "adjudge"
    assert (unit["NoNewPrivileges"], unit["ProtectSystem"], unit["CapabilityBoundingSet"]) == ("yes", "strict", "")
    command = SERVICES[name].get("command") or ["gunicorn", "--config", "deploy/gunicorn.conf.py", "config.wsgi"]
    assert unit["ExecStart"] == f"/opt/adjudge/.venv/bin/{' '.join(command)}"
    example = (DEPLOY / "env.example").read_text(encoding="utf-8")
    assert "DATA_DIR=/var/lib/adjudge\n" in example
    assert unit["StateDirectory"] == "adjudge"
