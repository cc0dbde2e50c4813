# syntax=docker/dockerfile:1
# The controller's image: Bodywork, git with ssh, and kubectl, to run `bodywork apply` in a cluster. `make image` builds it.
# It is not the image that stages run in: that is the config's own, and needs nothing of Bodywork.

# 3.13.15-slim-trixie, by digest: a tag may be another image tomorrow. `docker buildx imagetools inspect python:3.13-slim` says today's.
ARG PYTHON_IMAGE=python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${PYTHON_IMAGE} AS build
# one minor version more or less than the cluster's: https://kubernetes.io/releases/version-skew-policy/#kubectl
ARG KUBECTL_VERSION=v1.34.4
ARG KUBECTL_HOST=https://dl.k8s.io
# pins the program itself; without it, it is held against the checksum that stands beside it
ARG KUBECTL_SHA256=
ARG TARGETARCH
COPY .ci/fetch-kubectl /usr/local/bin/
RUN fetch-kubectl "${KUBECTL_HOST}/release/${KUBECTL_VERSION}/bin/linux/${TARGETARCH}/kubectl" /kubectl "${KUBECTL_SHA256}"
COPY . /source
RUN python -m pip wheel --no-cache-dir --wheel-dir /wheels /source

FROM ${PYTHON_IMAGE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git openssh-client \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /kubectl /usr/local/bin/kubectl
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    python -m pip install --no-cache-dir --no-index --find-links /wheels bodywork-compiler
# `nobody`, which /etc/passwd knows, since ssh runs for no other. Nothing is written but below HOME and TMPDIR: with a read-only root file
# system a volume at /tmp is all that it needs.
USER 65534:65534
ENV HOME=/tmp/home TMPDIR=/tmp XDG_CACHE_HOME=/tmp/cache
WORKDIR /tmp
ENTRYPOINT ["bodywork"]
