"""Which keys and buttons never reach the browser: the compositor takes them and does nothing.

- Whoever plugs a keyboard into a kiosk finds letters, digits, Tab, Enter and Escape, as the page needs them, and no chord: a browser's windows, tabs, tools, files and ends
  hang on chords, and a list of the bad ones would be short by the next version's. So every chord with Ctrl, Alt or the logo key is taken.
- Shift alone writes capitals and stays, but with Escape it is the browser's list of tasks; AltGr writes letters and stays. Keys that are chords by themselves (F1 to F24, the menu key, those with pictures) are taken.
- Of a mouse the left button stays, alone; with a chord it would open windows.
- Virtual terminals are the compositor's own; their keys are taken here, too. The kernel's own key (SysRq) is not a window's: ``etc/sysctl.d`` of the image.

Example: ``"bindsym Ctrl+t nop" in shut_bindings()``
"""

from __future__ import annotations

import string
from itertools import combinations
from typing import Final

_CHORDS: Final = ("Ctrl", "Mod1", "Mod4")  # Mod1 is Alt, Mod4 the logo key
_MOVING: Final = """
Left Right Up Down Home End Prior Next Insert Delete BackSpace Tab ISO_Left_Tab Return Escape space
"""
_SIGNS: Final = """
plus minus equal underscore comma period slash backslash semicolon apostrophe grave bracketleft bracketright less greater question exclam at
numbersign dollar percent asciicircum ampersand asterisk parenleft parenright colon quotedbl asciitilde bar braceleft braceright
KP_Add KP_Subtract KP_Enter KP_Multiply KP_Divide
"""
_ALONE: Final = """
Menu Print Pause Help Super_L Super_R Cancel Find Undo Redo XF86HomePage XF86Search XF86Mail XF86WWW XF86Explorer XF86Back XF86Forward XF86Refresh
XF86Reload XF86Stop XF86Favorites XF86OpenURL XF86New XF86Open XF86Close XF86Save XF86Send XF86Reply XF86Documents XF86Calculator XF86Calendar
XF86Tools XF86Launch0 XF86Launch1 XF86Launch2 XF86Launch3 XF86Launch4 XF86Launch5 XF86Launch6 XF86Launch7 XF86Launch8 XF86Launch9 XF86LaunchA
XF86LaunchB XF86Sleep XF86Suspend XF86Hibernate XF86PowerOff XF86LogOff XF86ScreenSaver XF86ZoomIn XF86ZoomOut XF86Cut XF86Copy XF86Paste
XF86MenuKB XF86AddFavorite XF86History XF86Terminal XF86MyComputer XF86TaskPane
"""
_BUTTONS: Final = (2, 3, 8, 9)  # middle, right, back, forward
_WITH_LEFT: Final = ("Shift", *_CHORDS)


def shut_bindings() -> tuple[str, ...]:
    """Return sway's lines."""
    functions = [f"F{number}" for number in range(1, 25)]
    pad = [f"KP_{number}" for number in range(10)]
    keys = (*string.ascii_letters, *string.digits, *functions, *pad, *_MOVING.split(), *_SIGNS.split())
    chords = ["+".join(each) for size in range(1, len(_CHORDS) + 1) for each in combinations(_CHORDS, size)]
    taken = [f"{chord}{shift}+{key}" for chord in chords for shift in ("", "+Shift") for key in keys]
    terminals = [f"XF86Switch_VT_{number}" for number in range(1, 13)]
    alone = [f"{shift}{key}" for shift in ("", "Shift+") for key in (*functions, *terminals, *_ALONE.split())]
    alone.append("Shift+Escape")
    left = [f"{'+'.join(each)}+button1" for size in range(1, 5) for each in combinations(_WITH_LEFT, size)]
    mouse = [*(f"button{number}" for number in _BUTTONS), *left]
    return (*(f"bindsym {each} nop" for each in (*taken, *alone)), *(f"bindsym --whole-window {each} nop" for each in mouse))
