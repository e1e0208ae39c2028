# The gateway and the worker: one image, one program, roles by configuration. Nothing in it is writable but /data and /tmp, and it runs as an ordinary user.
#
#   docker build -t logline .
#   docker run --read-only --tmpfs /tmp --volume logline:/data --publish 127.0.0.1:8080:8080 logline

FROM --platform=$BUILDPLATFORM mcr.microsoft.com/dotnet/sdk:10.0 AS build
ARG TARGETARCH=amd64
WORKDIR /source
COPY . .
# One file with the runtime in it, beside it SQLite and the catalogue.
RUN case "$TARGETARCH" in amd64) rid=linux-x64 ;; arm64) rid=linux-arm64 ;; *) echo "no build for $TARGETARCH" >&2; exit 1 ;; esac \
 && dotnet publish src/LogLine.Api -c Release -r "$rid" --self-contained -p:PublishSingleFile=true -p:DebugType=none --nologo -o /published

FROM debian:bookworm-slim
# libsodium signs and verifies; ICU has the Unicode data without which canonical JSON would not be canonical; OpenSSL and its roots are for webhooks and registries.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libicu72 libsodium23 libssl3 libstdc++6 \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir /data && chown 10001:10001 /data && chmod 700 /data
COPY --from=build /published /app
# DOTNET_EnableDiagnostics=0: the runtime would else make a socket for debuggers in /tmp.
ENV LOGLINE_DATA=/data ASPNETCORE_HTTP_PORTS=8080 DOTNET_EnableDiagnostics=0 LogLine__Logs__Format=json LogLine__DrainSeconds=10
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["/app/LogLine.Api", "health"]
ENTRYPOINT ["/app/LogLine.Api"]
