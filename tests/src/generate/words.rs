//! What things are called.

/// Environments that every partner has: name, code, type.
pub(super) const ENVIRONMENTS: [(&str, &str, &str); 6] = [
    ("Production", "PROD", "PRODUCTION"),
    ("Staging", "STG", "STAGING"),
    ("Development", "DEV", "DEVELOPMENT"),
    ("Testing", "TEST", "TESTING"),
    ("Acceptance", "UAT", "UAT"),
    ("Disaster recovery", "DR", "DR"),
];

/// Places where datacenters stand: name, area.
pub(super) const CITIES: [(&str, &str); 12] = [
    ("Dhaka", "South Asia"),
    ("Mumbai", "South Asia"),
    ("Singapore", "South-East Asia"),
    ("Tokyo", "East Asia"),
    ("Sydney", "Oceania"),
    ("Frankfurt", "Europe"),
    ("Paris", "Europe"),
    ("Dublin", "Europe"),
    ("Oregon", "North America"),
    ("Montreal", "North America"),
    ("Santiago", "South America"),
    ("Nairobi", "Africa"),
];

/// Operating systems: name, identifier, version, kernel.
pub(super) const SYSTEMS: [(&str, &str, &str, &str); 4] = [
    ("Debian GNU/Linux", "debian", "12", "6.1.0-26-amd64"),
    ("Ubuntu", "ubuntu", "24.04", "6.8.0-45-generic"),
    ("Ubuntu", "ubuntu", "22.04", "5.15.0-122-generic"),
    ("Rocky Linux", "rocky", "9.4", "5.14.0-427.el9.x86_64"),
];

/// Parts of an application: name, image, port.
pub(super) const PARTS: [(&str, &str, u16); 16] = [
    ("web", "nginx:1.27", 80),
    ("proxy", "haproxy:3.0", 443),
    ("api", "registry.example.org/{app}/api:v{version}", 8080),
    ("worker", "registry.example.org/{app}/worker:v{version}", 9100),
    ("scheduler", "registry.example.org/{app}/scheduler:v{version}", 9101),
    ("frontend", "registry.example.org/{app}/frontend:v{version}", 3000),
    ("db", "postgres:16", 5432),
    ("replica", "postgres:16", 5432),
    ("cache", "redis:7", 6379),
    ("queue", "rabbitmq:3.13", 5672),
    ("search", "opensearch:2.17", 9200),
    ("metrics", "prom/prometheus:v2.54", 9090),
    ("logs", "grafana/loki:3.2", 3100),
    ("auth", "keycloak:25.0", 8443),
    ("mail", "registry.example.org/{app}/mail:v{version}", 2525),
    ("files", "minio/minio:2024-09", 9000),
];

/// Applications.
pub(super) const APPS: [&str; 24] = [
    "billing", "booking", "catalog", "charging", "chat", "claims", "crm", "delivery", "fleet", "fraud", "identity",
    "invoice", "ledger", "loyalty", "media", "orders", "payment", "portal", "pricing", "reports", "routing", "stock",
    "tickets", "voice",
];

/// Services of an operating system: name, program, port.
pub(super) const SERVICES: [(&str, &str, u16); 10] = [
    ("ssh", "/usr/sbin/sshd", 22),
    ("nginx", "/usr/sbin/nginx", 80),
    ("postgresql", "/usr/lib/postgresql/16/bin/postgres", 5432),
    ("prometheus-node-exporter", "/usr/bin/prometheus-node-exporter", 9100),
    ("chrony", "/usr/sbin/chronyd", 323),
    ("rsyslog", "/usr/sbin/rsyslogd", 514),
    ("bind9", "/usr/sbin/named", 53),
    ("exim4", "/usr/sbin/exim4", 25),
    ("mariadb", "/usr/sbin/mariadbd", 3306),
    ("redis-server", "/usr/bin/redis-server", 6379),
];

/// Who looks after something.
pub(super) const TEAMS: [&str; 8] = ["platform", "network", "data", "payments", "voice", "web", "security", "support"];

/// A name out of a list, by number, with a number behind it from the second round on.
pub(super) fn numbered(names: &[&str], index: usize) -> String {
    let name = names[index % names.len()];
    if index < names.len() { name.to_owned() } else { format!("{name}-{}", index / names.len() + 1) }
}
