# The base of both stages; for a pinned build give a digest: --build-arg NODE_IMAGE=…@sha256:…
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim
# What runs needs Node alone, no shell: gcr.io/distroless/nodejs24-debian12 will do.
ARG RUNTIME_IMAGE=${NODE_IMAGE}

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json bundle.js ./
COPY src ./src
RUN npm run build

FROM ${RUNTIME_IMAGE} AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="ucwa-batch-proxy" \
  org.opencontainers.image.description="Coalesces each user's UCWA calls into multipart/batching requests" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.source="${SOURCE}" \
  org.opencontainers.image.url="${SOURCE}" \
  org.opencontainers.image.documentation="${SOURCE}"
# V8 does not bound its heap by the memory of the container. The old generation gets half of that memory. The rest
# is for the young generation, buffers outside of the heap, and a health check. The young generation of Node 24 would
# take up to 96 MiB, twice that of Node 20: under attack a pod of 256 MiB would use 300 MiB.
# Distroless images keep node in /nodejs/bin.
ENV NODE_ENV=production \
  NODE_OPTIONS="--max-old-space-size-percentage=50 --max-semi-space-size=16" \
  PATH=/usr/local/bin:/usr/bin:/bin:/nodejs/bin \
  UCWA_PROXY_LISTEN_ADDRESS=0.0.0.0:8080 \
  UCWA_PROXY_ADMIN_ADDRESS=0.0.0.0:9464
WORKDIR /app
COPY --from=build /app/dist/main.js ./dist/
COPY --from=build /app/dist/bundle ./dist/bundle
COPY --from=build /app/package.json ./
# At least 10000, so that no user of a node has the same number.
USER 10001:10001
EXPOSE 8080 9464
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "/app/dist/main.js", "probe", "http://127.0.0.1:9464"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["serve"]
