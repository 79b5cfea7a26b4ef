# The handler, the bootstrapper and the emulator in one image; the command says which.
# Any image of Node.js 24 or 26 on Debian with a user `node` will do, one of your own mirror for example:
#   docker build --build-arg NODE_IMAGE=mirror.example/node:24.21.0-bookworm-slim .
ARG NODE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package's install script runs, and nothing is compiled to machine code: the store is Node's own SQLite.
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm prune --omit=dev --omit=optional --ignore-scripts

FROM ${NODE_IMAGE}
ENV NODE_ENV=production \
    HANDLER_STATE_DIR=/state \
    HANDLER_ADMIN_SOCKET=/run/countersign/admin.sock \
    HANDLER_POLICY_FILE=/config/policy.yaml \
    HANDLER_COSIGNER_KEYS=/cosigner-keys
# Named volumes take over the owner and mode of the directories they are first mounted on.
RUN install -d -o node -g node -m 0700 /state /run/countersign /emulator /bootstrap \
 && install -d -o node -g node -m 0755 /cosigner-keys /config
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/package.json /app/LICENSE ./
USER node
EXPOSE 8443 8444
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9464/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node"]
CMD ["dist/handler/main.js", "run"]
