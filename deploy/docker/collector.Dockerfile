# The collector's image. With a registry: docker build -f deploy/docker/collector.Dockerfile -t orchestrix-collector .
# Without one, from programs built on this machine: deploy/docker/build collector
FROM rust:1.95-bookworm AS build
RUN apt-get update -q=2 && apt-get install -q=2 -y --no-install-recommends nodejs npm
WORKDIR /source
COPY . .
RUN deploy/build-ui && cargo build --workspace --bins --locked --profile dist \
    && deploy/docker/root-files target/dist/orchestrix-collector /root-files

# The last stage is the image: deploy/docker/build takes it as it stands.
FROM scratch
COPY --from=build /root-files/ /
USER 10001:10001
EXPOSE 7443 7480
VOLUME ["/var/lib/orchestrix/collector"]
ENV ORCHESTRIX_AGENTS__ADDRESS=0.0.0.0:7443 ORCHESTRIX_API__ADDRESS=0.0.0.0:7480
ENTRYPOINT ["/usr/bin/orchestrix-collector"]
CMD ["serve"]
HEALTHCHECK --interval=30s --timeout=15s --start-period=60s --retries=3 CMD ["/usr/bin/orchestrix-collector", "health"]
