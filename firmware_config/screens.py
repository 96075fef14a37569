"""What a kiosk's machine needs to show the page and nothing else: Chromium's policy, sway's configuration, a unit that keeps it up.

- Policy, not flags: a policy holds for every window and cannot be left from inside. Only the kiosk's own page and the local waiting page
  may be opened; nothing is downloaded, printed, translated, filled in, synchronised or remembered, and there are no developer tools.
- sway has no bar and no binding that does anything; it takes every chord from the keyboard before the browser sees it (``shut_keys.py``). Every window is full screen.
- The browser's profile lies in ``/run``: it is memory, and gone with the power.
- Files are returned, not written: whoever builds an image or a package lays them down.

Example: ``screen_files(profile, profile_path="/etc/luutru/kiosk.toml")["etc/luutru/sway.conf"]``
"""

from __future__ import annotations

import json
from typing import Final

from firmware_config.profiles import KioskProfile
from firmware_config.shut_keys import shut_bindings
from firmware_config.units import screen_unit

FOLDER: Final = "/run/luutru-screen"
HOLDING: Final = "holding.html"
USER: Final = "luutru-screen"
SHUT_KEYS: Final = "etc/luutru/sway-shut-keys.conf"


def page_address(profile: KioskProfile) -> str:
    """Return the address of the kiosk's page."""
    host = f"[{profile.page.host}]" if ":" in profile.page.host else profile.page.host
    return f"http://{host}:{profile.page.port}"


def chromium_policy(profile: KioskProfile, *, folder: str = FOLDER) -> dict[str, object]:
    """Return Chromium's managed policy."""
    return {
        "URLBlocklist": ["*"],
        "URLAllowlist": [page_address(profile), f"file://{folder}/{HOLDING}"],
        "NewTabPageLocation": page_address(profile),  # whoever brings a keyboard and opens a tab or a window finds the same page
        "IncognitoModeAvailability": 1,
        "BrowserGuestModeEnabled": False,
        "BrowserAddPersonEnabled": False,
        "TaskManagerEndProcessEnabled": False,
        "AllowDinosaurEasterEgg": False,
        "GenAILocalFoundationalModelSettings": 1,  # no models are fetched
        "DeveloperToolsAvailability": 2,
        "DownloadRestrictions": 3,
        "PrintingEnabled": False,
        "TranslateEnabled": False,
        "PasswordManagerEnabled": False,
        "AutofillAddressEnabled": False,
        "AutofillCreditCardEnabled": False,
        "SearchSuggestEnabled": False,
        "SpellcheckEnabled": False,
        "BrowserSignin": 0,
        "SyncDisabled": True,
        "BookmarkBarEnabled": False,
        "EditBookmarksEnabled": False,
        "ExtensionInstallBlocklist": ["*"],
        "AllowFileSelectionDialogs": False,
        "SavingBrowserHistoryDisabled": True,
        "MetricsReportingEnabled": False,
        "BackgroundModeEnabled": False,
        "DefaultBrowserSettingEnabled": False,
        "HideWebStoreIcon": True,
        "AutoplayAllowed": True,
        "AudioCaptureAllowed": False,
        "VideoCaptureAllowed": False,
        "DefaultGeolocationSetting": 2,
        "DefaultNotificationsSetting": 2,
        "DefaultPopupsSetting": 2,
    }


def sway_configuration(*, command: str, profile_path: str) -> str:
    """Return sway's configuration."""
    return "\n".join(
        (
            "# One window, full screen, no bar. Written by `luutru kiosk screen`.",
            "output * background #f5f1e8 solid_color",
            "swaynag_command -",  # its bar has a button that ends sway
            "default_border none",
            "focus_follows_mouse no",
            "seat * hide_cursor 3000",
            'for_window [app_id=".*"] fullscreen enable',
            'for_window [class=".*"] fullscreen enable',
            f"include /{SHUT_KEYS}",
            f"exec {command} kiosk browser {profile_path}",
            "",
        )
    )


def screen_files(profile: KioskProfile, *, profile_path: str, command: str = "/usr/bin/luutru") -> dict[str, str]:
    """Return every file by its path below the root."""
    return {
        "etc/chromium/policies/managed/luutru.json": json.dumps(chromium_policy(profile), indent=2) + "\n",
        SHUT_KEYS: "\n".join(
            ("# Chords of keys and buttons are taken from the browser, and nothing is done with them.", *shut_bindings(), "")
        ),
        "etc/luutru/sway.conf": sway_configuration(command=command, profile_path=profile_path),
        "etc/systemd/system/luutru-screen.service": screen_unit(folder=FOLDER, user=USER),
    }
