"""Which tests one of the processes runs together: a group's, else a file's.

- A file's tests share what the file makes once: a browser, a town, a measurement. Test by test every process would make it.
- What is long and shares nothing names a group of its own, so that all processes have of it (the slices of the simulation).
- Files are handed out as they are collected; the last ones are short, so that no process waits for another at the end.

Example: ``@pytest.mark.xdist_group("pcscd")``: one after another, whichever file they are in
"""

from __future__ import annotations

from xdist.scheduler import LoadGroupScheduling


class FilesTogether(LoadGroupScheduling):
    """Hand out groups and files."""

    def _split_scope(self, nodeid):
        group = super()._split_scope(nodeid)
        return nodeid.partition("::")[0] if group == nodeid else group
