# syntax=docker/dockerfile:1
# One file, one target per process; each image holds only what its process needs, pinned with hashes, and runs as nobody special.
#   docker build --target gateway -t luutru-gateway .
# Images are pinned by version; their digests are added by whoever builds (docs/commune.md): no registry of images could be reached here.

FROM node:22.20.0-bookworm-slim AS assets
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-fund --no-audit

FROM python:3.11.14-slim-bookworm AS wheel
WORKDIR /build
COPY requirements/tools.txt requirements/demo.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/demo.txt
COPY . .
COPY --from=assets /build/node_modules node_modules
RUN python scripts/assets && python -m hatchling build -t wheel -d /dist

FROM python:3.11.14-slim-bookworm AS runtime
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# The folders are what docker-compose.yml mounts: a new volume takes its owner from the folder it is mounted over.
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/luutru --create-home luutru \
 && install -d -o luutru -g luutru -m 0700 /var/lib/luutru/pki /var/lib/luutru/broker /var/lib/luutru/web /var/lib/luutru/ca /var/lib/luutru/log /var/lib/luutru/log-key /var/lib/luutru/looks-handed /var/lib/luutru/witness /var/lib/luutru/kiosk-lobby-1 /var/lib/luutru/kiosk-desk-1
COPY --from=wheel /dist /dist
ENTRYPOINT ["luutru"]

FROM runtime AS gateway
COPY requirements/gateway-postgres.txt /dist/
RUN pip install --no-cache-dir --require-hashes -r /dist/gateway-postgres.txt && pip install --no-cache-dir --no-deps /dist/*.whl
USER luutru
WORKDIR /var/lib/luutru

FROM runtime AS server
RUN apt-get update && apt-get install -y --no-install-recommends fonts-dejavu-core fonts-noto-cjk && rm -rf /var/lib/apt/lists/*
COPY requirements/server-postgres.txt /dist/
RUN pip install --no-cache-dir --require-hashes -r /dist/server-postgres.txt && pip install --no-cache-dir --no-deps /dist/*.whl
USER luutru
WORKDIR /var/lib/luutru

# Debian 12's HAProxy, the one the tests run.
FROM runtime AS proxy
RUN apt-get update && apt-get install -y --no-install-recommends haproxy && rm -rf /var/lib/apt/lists/*
ENTRYPOINT []
USER luutru
WORKDIR /var/lib/luutru

FROM runtime AS kiosk
RUN apt-get update \
 && apt-get install -y --no-install-recommends espeak-ng fontconfig fonts-dejavu-core fonts-noto-cjk fonts-noto-core libzbar0 \
 && rm -rf /var/lib/apt/lists/*
COPY requirements/kiosk.txt /dist/
RUN pip install --no-cache-dir --require-hashes -r /dist/kiosk.txt && pip install --no-cache-dir --no-deps /dist/*.whl
USER luutru
WORKDIR /var/lib/luutru

# PostgreSQL with pgBackRest, which it starts for each piece of its log; both of one image with "backup", for the two must be of one version.
FROM postgres:17.6-bookworm AS postgres
RUN apt-get update && apt-get install -y --no-install-recommends pgbackrest && rm -rf /var/lib/apt/lists/* \
 && install -d -o postgres -g postgres -m 0750 /var/lib/luutru/archive /var/lib/luutru/archive-settings

# Debian 12's Python is 3.11, the one of the other images.
FROM postgres AS backup
# Drills are the account of the vault, in PostgreSQL's group (docker-compose.yml): the copy they make is theirs.
RUN useradd --system --uid 10001 --gid postgres --home-dir /var/lib/luutru luutru && install -d -o luutru -g postgres -m 0700 /var/lib/luutru/scratch
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv && rm -rf /var/lib/apt/lists/* && python3 -m venv /opt/luutru
COPY --from=wheel /dist /dist
COPY requirements/gateway-postgres.txt /dist/
RUN /opt/luutru/bin/pip install --no-cache-dir --require-hashes -r /dist/gateway-postgres.txt && /opt/luutru/bin/pip install --no-cache-dir --no-deps /dist/*.whl
ENTRYPOINT ["/opt/luutru/bin/luutru"]
USER postgres
WORKDIR /var/lib/luutru

# Makes certificates, keys, registry and kiosk profiles of an invented commune, then ends. An authority brings its own.
FROM runtime AS prepare
COPY requirements/demo.txt /dist/
RUN pip install --no-cache-dir --require-hashes -r /dist/demo.txt && pip install --no-cache-dir --no-deps /dist/*.whl
USER luutru
WORKDIR /var/lib/luutru
