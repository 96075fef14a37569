"""A Spark session for one search: the same steps as in ``private_engine.py`` on as many machines as its master commands.

- ``master`` is Spark's: ``local[2]`` for cores of this machine, ``spark://host:7077`` for a cluster. Its settings come from here and from nowhere
  else.
- What Spark writes while it shuffles is encrypted (``spark.io.encryption``), and so is what goes between machines once they share a secret
  (``spark.authenticate``); its pages of status are off. The folder for it is deleted when the session ends.
- Rows travel from this process to the session as Arrow, batch by batch; they are held by Spark, on disk only as above.

Example: ``with cluster("local[2]", folder=None, memory_mib=2048) as api: load(api, "persons", batches)``
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from splink import SparkAPI

_SETTINGS: Final = {
    "spark.authenticate": "true",
    "spark.io.encryption.enabled": "true",
    "spark.network.crypto.enabled": "true",
    "spark.ui.enabled": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.log.level": "ERROR",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.ansi.enabled": "true",
}
_SMALL: Final = {
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
# On one machine nobody else is listened to.
_ALONE: Final = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


@contextmanager
def cluster(master: str, *, folder: Path | None, memory_mib: int, small: bool = False) -> Iterator[SparkAPI]:
    """Give a session that is stopped afterwards.

    ``folder``: where Spark may spill, the system's temporary folder if None. ``small``: some thousands of persons, for whom compiling the
    plans would take longer than following them.
    """
    from pyspark.sql import SparkSession
    from splink import SparkAPI

    with tempfile.TemporaryDirectory(prefix="luutru-duplicates-", dir=folder) as spill:  # mode 0700
        builder = SparkSession.builder.master(master).appName("luutru-duplicates")
        builder = builder.config("spark.driver.memory", f"{memory_mib}m").config("spark.local.dir", spill)
        builder = builder.config("spark.sql.warehouse.dir", f"{spill}/warehouse")
        alone = _ALONE if master.startswith("local") else {}
        for name, value in (_SETTINGS | alone | (_SMALL if small else {})).items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        try:
            yield SparkAPI(spark_session=session, break_lineage_method="persist", register_udfs_automatically=False)  # type: ignore[no-untyped-call]
        finally:
            session.stop()
