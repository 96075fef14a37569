"""A city's files, filled in: read by a YAML reader, and held to what a receipt promises. That they run is for ``scripts/test-faults failover``."""

from __future__ import annotations

import re

import pytest
import yaml
from faults.city_machines import FILES, PATIENCE, filled

from gateway.worker import BACK_OFF_CAP

WORDS = {
    "MACHINE": "db1",
    "NAME": "db1.example",
    "ADDRESS": "10.0.0.11",
    "FOLDER": "/var/lib/luutru-db",
    "MEMBERS": "db1=https://db1.example:2380",
    "ETCD": "[db1.example:2379]",
    "SUPERUSER_PASSWORD": "one",
    "REPLICATION_PASSWORD": "other",
    "WATCHDOG": "required",
}


@pytest.mark.parametrize("path", sorted(FILES.iterdir()), ids=lambda path: path.name)
def test_every_word_to_fill_in_is_named_in_the_heads_of_the_files(path):
    heads = "\n".join(line for file in FILES.iterdir() for line in file.read_text("utf-8").splitlines() if line.startswith("#"))
    used = set(re.findall(r"\$\{(\w+)\}", path.read_text("utf-8")))
    assert used
    assert not {word for word in used if word not in heads}


def test_a_commit_is_answered_when_every_machine_that_is_there_has_it_and_never_when_one_has():
    settings = yaml.safe_load(filled("patroni.yml", **WORDS))["bootstrap"]["dcs"]
    assert settings["synchronous_mode"] is True
    assert settings["synchronous_mode_strict"] is True
    assert settings["synchronous_node_count"] == 2
    assert settings["postgresql"]["parameters"]["synchronous_commit"] == "on"


def test_a_lost_leader_is_replaced_within_what_is_asked():
    """Thirty seconds are asked: the lease, begun anew when etcd lost its leader with it, and what comes after (ADR 168)."""
    settings = yaml.safe_load(filled("patroni.yml", **WORDS))["bootstrap"]["dcs"]
    assert settings["loop_wait"] + 2 * settings["retry_timeout"] <= settings["ttl"] == 20
    assert settings["postgresql"]["parameters"]["wal_retrieve_retry_interval"] == "500ms"
    etcd = yaml.safe_load(filled("etcd.yml", **WORDS))
    assert settings["ttl"] + 2 * etcd["election-timeout"] / 1000 + BACK_OFF_CAP <= 25
    assert PATIENCE in (FILES.parents[1] / "docs" / "city.md").read_text("utf-8")


def test_whoever_has_no_certificate_of_the_city_is_let_in_nowhere():
    etcd, patroni = (yaml.safe_load(filled(name, **WORDS)) for name in ("etcd.yml", "patroni.yml"))
    for kind in ("client", "peer"):
        assert etcd[f"{kind}-transport-security"]["client-cert-auth"] is True
    assert all(url.startswith("https://") for name, url in etcd.items() if "urls" in name)
    assert patroni["restapi"]["verify_client"] == "required"
    over_the_network = [line for line in patroni["bootstrap"]["pg_hba"] if not line.startswith("local")]
    assert all(line.startswith("hostssl") and line.endswith("clientcert=verify-ca") for line in over_the_network)


def test_no_plain_http_leaves_a_web_machine():
    text = filled(
        "haproxy.cfg", ADDRESS="10.0.0.21", FOLDER="/f", SERVER_PORT=8300, REQUESTS_IN_TEN_SECONDS=1, CONNECTIONS=1, PEERS=""
    )
    assert all(" ssl " in line for line in text.splitlines() if line.strip().startswith("bind"))
    assert all("127.0.0.1:" in line for line in text.splitlines() if line.strip().startswith("server "))
