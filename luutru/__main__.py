"""The command ``luutru``: every process and tool of the product, each loaded only when it is called.

- A sub-command imports its package when it runs, so a kiosk with only the ``kiosk`` extra can still print its help.
- Each module in ``luutru/commands/`` defines ``app`` (a Typer application) or ``run`` (one command); the table below is all there is.

Example: ``luutru deadline --jsonl < arrivals.jsonl``
"""

from __future__ import annotations

import importlib
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from luutru import system

# name -> (module, one line of help). The module is imported only when the command or its help is asked for.
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "account": ("account", "Make accounts and one-time sign-in links."),
    "authority": ("authority", "Tell other authorities of stays, and see what was told."),
    "backup": ("backup", "Keep a registry's archive seconds behind it."),
    "bench": ("bench", "Measure, and print our figure beside its baseline."),
    "broker": ("broker", "An authority's Mosquitto: its files, and sites' own brokers."),
    "card": ("card", "Read the payload of a card's QR code."),
    "chip": ("chip", "Read and judge the chip of a card."),
    "day-close": ("day_close", "Verify a closed day of a front desk."),
    "deadline": ("deadline", "Say by when a stay must be declared, and by which rule."),
    "declaration": ("declaration", "Check a stay declaration and name every problem."),
    "demo": ("demo", "Run everything on this machine with an invented commune."),
    "desk": ("desk", "Declare a house's guests from a list."),
    "doctor": ("doctor", "Check this machine, and say how to mend what is missing."),
    "door": ("door", "Doors: add, order, passes, events."),
    "envelope": ("envelope", "Seal and open envelopes with throw-away keys."),
    "firmware": ("firmware", "Every file of a kiosk's machine, from one typed file."),
    "gateway": ("gateway", "Run the gateway, its sweep, and look at its dead letters."),
    "kiosk": ("kiosk", "Run a kiosk."),
    "log": ("log", "The log of looks: publish, verify, monitor, witness."),
    "metrics": ("metrics", "Gateways and fleet, for Prometheus."),
    "mrz": ("mrz", "Read a machine-readable zone."),
    "name": ("name", "Compare two names."),
    "outages": ("outages", "When nothing came through, with proof."),
    "pms": ("pms", "Tell of a property-management system's guests: Mews, Cloudbeds, Oracle OHIP."),
    "program": ("program", "Let hotel software in: programs that call the API."),
    "receipt": ("receipt", "Verify a receipt."),
    "registry": ("registry", "Create, upgrade, seed and check the registry."),
    "release": ("release", "Build, sign and check a release."),
    "restore": ("restore", "Prove that a registry comes back from its archive."),
    "sandbox": ("sandbox", "Play another authority's system on this machine."),
    "scan": ("scan", "Read codes from pictures."),
    "server": ("server", "Run the web server."),
    "trust": ("trust", "Whom this installation trusts about chips."),
}


class LazyGroup(TyperGroup):
    """A group that knows its commands' names and help without importing them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return all names, sorted."""
        return sorted({*super().list_commands(ctx), *COMMANDS})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import the module of one command and return it."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, summary = COMMANDS[cmd_name]
        command = get_command(importlib.import_module(f"luutru.commands.{module}").app)
        command.name, command.short_help = cmd_name, summary
        # Typer gives every application these; only the whole command could be completed.
        command.params = [each for each in command.params if each.name not in {"install_completion", "show_completion"}]
        return command


app = typer.Typer(
    cls=LazyGroup, no_args_is_help=True, add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False
)


@app.callback()
def root() -> None:
    """Declare stays, record them, and see who is undeclared. Every command has --help with an example."""


def main() -> None:
    """Enter the command line."""
    system.keep_linear_algebra_on_one_thread()
    system.let_picture_threads_sleep()
    app()


if __name__ == "__main__":
    main()
