# The bridge in an image: docker run -v causeway:/data -v ./irc.yaml:/config/irc.yaml:ro causeway
# `docker run --rm causeway sample irc` prints a config; store and registration in it belong under /data.

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
COPY vendor ./vendor
# Two of the optional packages are a Node of their own, and the image has one; others bring what is made for this processor.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/node-linux-* node_modules/.bin/node

FROM node:24-slim
# One arena: with one for each thread the C library keeps 4 MB more.
ENV NODE_ENV=production MALLOC_ARENA_MAX=1
WORKDIR /app
COPY package.json LICENSE ./
COPY vendor ./vendor
COPY --from=packages /app/node_modules ./node_modules
COPY bridge-core ./bridge-core
COPY bridges ./bridges
COPY config ./config
COPY registration ./registration
COPY docker/health-check.mjs ./docker/
# User 1000 is `node`; a new volume takes over its owner from here.
RUN mkdir /data /registration && chown 1000:1000 /data /registration
USER 1000:1000
WORKDIR /data
VOLUME /data
EXPOSE 9999
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["node", "/app/docker/health-check.mjs"]
# Node itself is the first process, so SIGTERM reaches the bridge, which then stops in order.
ENTRYPOINT ["node", "/app/bridges/causeway.mjs"]
CMD ["run", "/config/irc.yaml"]
