"""What is not documented does not exist: codes, commands, settings, topics and ADRs fail the build when their page is behind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from luutru import reference
from luutru.__main__ import COMMANDS, app

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def source_files() -> list[Path]:
    packages = ("luutru", "pms_bridge", "edge_agent", "gateway", "server", "firmware_config", "registry", "residence")
    return [path for package in packages for path in (ROOT / package).rglob("*.py") if "__pycache__" not in path.parts]


def test_the_errors_page_says_what_the_catalogue_says():
    assert (DOCS / "errors.md").read_text("utf-8") == reference.errors_page(), "run scripts/docs"


def test_the_commands_page_says_what_the_command_line_says():
    assert (DOCS / "commands.md").read_text("utf-8") == reference.commands_page(get_command(app)), "run scripts/docs"


def test_the_optics_guides_tables_are_those_the_program_computes():
    page = (DOCS / "optics.md").read_text("utf-8")

    assert page.count("<!-- table: ") == page.count("<!-- end -->") == 3
    assert page == reference.optics_page(page), "run scripts/docs"


def test_every_command_has_help_and_every_runnable_one_an_example():
    without = []
    for path, command in reference.leaf_commands(get_command(app)):
        text = command.help or ""
        runnable = not hasattr(command, "list_commands")
        if not (text or command.short_help) or (runnable and "xample" not in text):
            without.append(" ".join(path))
    assert not without, f"no help or no example: {without}"


def test_every_code_has_both_languages_and_a_severity():
    from residence.errors import catalogue

    for code, texts in catalogue().items():
        assert set(texts) == {"severity", "vi", "en"}, code
        assert texts["severity"] in {"error", "warning", "info"}, code
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9_]+)+", code), code


def test_every_code_raised_in_the_source_is_in_the_catalogue():
    from residence.errors import catalogue

    known = catalogue()
    raising = re.compile(r"\b(?:Malformed|Untrusted|Refused|Conflict|problem|sentence)\(\s*\"([a-z0-9_.-]+)\"")
    missing = {
        f"{path.relative_to(ROOT)}: {code}"
        for path in source_files()
        for code in raising.findall(path.read_text("utf-8"))
        if code not in known
    }
    assert not missing


def test_every_setting_read_from_the_environment_is_documented():
    settings = (DOCS / "settings.md").read_text("utf-8")
    names = {name for path in source_files() for name in re.findall(r"LUUTRU_[A-Z0-9_]+", path.read_text("utf-8"))}
    missing = {name for name in names if name not in settings}
    assert not missing


def test_every_profile_key_of_a_kiosk_is_documented():
    import dataclasses

    import msgspec

    from firmware_config import profiles

    settings = (DOCS / "settings.md").read_text("utf-8")
    kinds = [each for each in vars(profiles).values() if isinstance(each, type) and each.__module__ == profiles.__name__]
    keys: set[str] = set()
    for kind in kinds:
        if dataclasses.is_dataclass(kind):
            keys |= {field.name for field in dataclasses.fields(kind)}
        elif issubclass(kind, msgspec.Struct):
            keys |= set(kind.__struct_fields__)
    assert keys
    assert not {key for key in keys if key not in settings}


def test_every_topic_is_in_the_written_specification():
    from residence.wire import topics

    spec = (DOCS / "wire.md").read_text("utf-8")
    for suffix in ("/d", "/s", "/r", "/c"):
        assert f"{{kiosk}}{suffix}" in spec or f"<kiosk>{suffix}" in spec, suffix
    assert topics.__doc__


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "LICENSE", "docs/glossary.md"])
def test_the_pages_a_newcomer_looks_for_are_there(name):
    assert (ROOT / name).stat().st_size > 500


def test_links_between_the_pages_lead_somewhere():
    broken = []
    for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            if not target.startswith(("http://", "https://", "mailto:")) and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)} -> {target}")
    assert not broken


def test_the_readme_names_every_command():
    readme = (ROOT / "README.md").read_text("utf-8")
    assert not [name for name in COMMANDS if f"luutru {name}" not in readme]


def test_each_decision_says_what_it_costs():
    decisions = sorted((DOCS / "adr").glob("[0-9]*.md"))
    assert len(decisions) >= 4
    assert not [path.name for path in decisions if "## What it costs" not in path.read_text("utf-8")]
