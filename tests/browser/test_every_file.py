"""Every real file of an evaluation tool, through the command and through the page: the same comes of both, and what
came by one changes nothing when it comes by the other.

With `-s` it prints the table: what each file is recognised as, what was in it, how much was left out and why.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from playwright.sync_api import Page

from projects.models import ImportBatch, Project
from tests.browser.conftest import OpenPage
from tests.factories import project_factory, user_factory

SAMPLES = Path(__file__).resolve().parents[3] / "shared/data/formats"
TOGETHER = ("giskard", "helm/runs/shared", "lm_eval_harness/dummy", "mt_bench")  # folders that are one import
SYSTEM = "what-answered"  # said where a file does not name it
KINDS = ("items", "systems", "outputs", "scores", "judgments")
LONGEST = 110  # characters of a reason in the table


@pytest.mark.slow
def test_every_file_gives_the_same_through_the_page_as_through_the_command(open_page: OpenPage, tmp_path: Path) -> None:
    files = real_files(tmp_path)
    if not files:
        pytest.skip(f"The tools' sample files are not on this machine: {SAMPLES}")
    lead = user_factory("lead")
    page = open_page(user=lead)
    table = ["", f"| file | recognised as | {' | '.join(KINDS)} | skipped | why, or why refused |"]
    table.append("|---" * (len(KINDS) + 4) + "|")
    different = []
    for number, (name, file) in enumerate(files.items()):
        told = by_command(file, project_factory(f"command-{number}", lead))
        project = project_factory(f"page-{number}", lead)
        shown = by_page(page, file, project)
        again = by_command(file, project)
        table.append(f"| {name} | {' | '.join(str(told[key]) for key in ('format', *KINDS, 'skipped', 'why'))} |")
        if {**told, "why": "", "changes": 0} != {**shown, "why": "", "changes": 0}:
            different.append(f"{name}: the command {told}, the page {shown}")
        if again["changes"]:
            different.append(f"{name}: imported by the page, then by the command, it made {again['changes']} changes")
    sys.stdout.write("\n".join(table) + "\n")
    assert not different, "\n".join(different)


def real_files(folder: Path) -> dict[str, Path]:
    """Each file by its name below the samples; folders of files that belong together as one archive."""
    found = {
        each.relative_to(SAMPLES).as_posix(): each
        for each in sorted(SAMPLES.rglob("*"))
        if each.is_file() and each.name != "SOURCE.md"
    }
    for name in TOGETHER if found else ():
        archive = folder / (name.replace("/", "-") + ".zip")
        with zipfile.ZipFile(archive, "w") as target:
            for each in sorted((SAMPLES / name).rglob("*")):
                if each.is_file() and each.name != "SOURCE.md":
                    target.write(each, each.relative_to(SAMPLES / name))
        found[f"{name}/ (as ZIP)"] = archive
    return found


def by_command(file: Path, project: Project) -> dict[str, Any]:
    """What `import_outputs` says; where it asks what answered, that is said."""
    why = ""
    for system in ("", SYSTEM):
        out = io.StringIO()
        try:
            call_command("import_outputs", project.slug, str(file), system=system, json=True, stdout=out, stderr=out)
        except (CommandError, SystemExit) as error:
            why = why or str(error)
            continue
        said = json.loads(out.getvalue())
        counts = {kind: said[kind] for kind in ("format", *KINDS)}
        why = said["skipped"][0]["why"][:LONGEST] if said["skipped"] else ""
        changes = sum(said["new"].values()) + sum(said["changed"].values())
        return {**counts, "skipped": len(said["skipped"]), "why": why, "changes": changes}
    return refused(why)


def by_page(page: Page, file: Path, project: Project) -> dict[str, Any]:
    """What a person gets who uploads the file, says what answered where that is asked, and imports."""
    page.goto(f"/p/{project.slug}/import/")
    page.get_by_label("File of your evaluation tool").set_input_files(file)
    page.get_by_role("button", name="Read the file").click()
    page.wait_for_load_state()
    if page.locator(".field-error").count():
        return refused(page.locator(".field-error").first.inner_text())
    if page.locator(".banner-bad").count():
        asked = page.locator("#system, #default-system")
        if not asked.count():
            return refused(page.locator(".banner-bad").first.inner_text())
        asked.first.fill(SYSTEM)
        page.get_by_role("button", name="Read again").last.click()
        page.wait_for_load_state()
    button = page.locator("#import-form button[value=import]")
    if not button.count():
        return refused(page.locator(".banner-bad").first.inner_text() if page.locator(".banner-bad").count() else "")
    button.click()
    page.get_by_role("link", name="Look at the items").wait_for()
    batch = ImportBatch.objects.get(project=project)
    return {
        "format": batch.format,
        **{kind: batch.counts[kind] for kind in (*KINDS, "skipped")},
        "why": "",
        "changes": 0,
    }


def refused(why: str) -> dict[str, Any]:
    return {
        "format": "refused",
        **dict.fromkeys((*KINDS, "skipped", "changes"), 0),
        "why": " ".join(why.split())[:LONGEST],
    }
