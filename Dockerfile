# The service in a container: built from this tree, run without root, shell or package manager.
#
#   docker build -t ringback .
#   docker run -p 7700:7700 -v ringback:/data -e RINGBACK_OPERATOR_TOKEN=… ringback
#
# The volume has to be on a local disk: SQLite's locks and its log need one.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
RUN apt-get update && apt-get install --no-install-recommends -y make && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cargo build --release --locked --package ringback && mkdir /empty

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/ringback /usr/local/bin/ringback
# A new volume takes over the owner of this directory.
COPY --from=build --chown=nonroot:nonroot /empty /data
USER nonroot
ENV RINGBACK_LISTEN=0.0.0.0:7700 \
    RINGBACK_STORE=sqlite:/data \
    RINGBACK_LOG_FORMAT=json
EXPOSE 7700
VOLUME ["/data"]
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s CMD ["/usr/local/bin/ringback", "health"]
# Requests under way and sends in flight get up to 10 s each: stop it with `docker stop --time 30`.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/ringback"]
CMD ["serve"]
