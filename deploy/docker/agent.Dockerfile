# The agent's image. With a registry: docker build -f deploy/docker/agent.Dockerfile -t orchestrix-agent .
# Without one, from programs built on this machine: deploy/docker/build agent
FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
RUN cargo build --workspace --bins --locked --profile dist \
    && deploy/docker/root-files target/dist/orchestrix-agent /root-files

# The last stage is the image: deploy/docker/build takes it as it stands.
FROM scratch
COPY --from=build /root-files/ /
# Not root unless a right is needed: to look at a host, run it in the host's namespaces as deploy/README.md shows.
USER 10001:10001
VOLUME ["/var/lib/orchestrix/agent"]
ENTRYPOINT ["/usr/bin/orchestrix-agent"]
CMD ["run", "--wait"]
# Well is who gets rid of what was seen, not who runs.
HEALTHCHECK --interval=30s --timeout=15s --start-period=60s --retries=4 CMD ["/usr/bin/orchestrix-agent", "health"]
