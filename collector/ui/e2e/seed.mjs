// Rows of a generated inventory, as SQL for the embedded database: 40 datacenters with 250 computes each, five workloads
// on every compute, four environments, and one compute whose names are hostile.

const MICROS = "CAST(strftime('%s', 'now') AS INTEGER) * 1000000";
const series = (name, from, to) => `${name}(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM ${name} WHERE i < ${to})`;

/** What a host may call itself. */
export const HOSTILE = {
  script: '<script>document.title="owned"</script><img src=x onerror=alert(1)>',
  rightToLeft: 'web\u202Egpj.exe \u05E9\u05DC\u05D5\u05DD',
  long: `long-${'x'.repeat(295)}`,
  formula: '=HYPERLINK("http://example.invalid","pay")',
};

const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

export const COMPUTES = 10_000;

/** A week of samples, of older times one each hour, that lacks one day; environments grow at different speeds. */
function samplesSql() {
  const quarters = series('n', 0, 672);
  const at = `(${MICROS} / 900000000 - i) * 900000000`;
  const watched = `(i < 190 OR ${at} % 3600000000 = 0) AND i NOT BETWEEN 280 AND 376`;
  const amount = (base, slope) => `(${base} + ${slope} * (672 - i) / 4 + 7 * (i / 4 % 24))`;
  const part = (word, id, base, slope) => `
WITH RECURSIVE ${quarters} INSERT INTO environment_samples (sampled_at_us, part, environment_id, computes, cpu_millicores, memory_bytes)
  SELECT ${at}, '${word}', ${id}, 100, ${amount(base, slope)} * 1000, ${amount(base, slope)} * 4294967296 FROM n WHERE ${watched};`;
  const counts = (partner, base, slope) => `
WITH RECURSIVE ${quarters} INSERT INTO inventory_samples (sampled_at_us, partner_id, computes, connected, unreachable, unwatched, covered, workloads)
  SELECT ${at}, ${partner}, ${amount(base, slope)}, ${amount(base, slope)} - 60, 20, 40, ${amount(base, slope)} - 100, 5 * ${amount(base, slope)} FROM n WHERE ${watched};`;
  const parts = [part('environment', 901, 9_000, 40), part('environment', 902, 4_000, -5), part('environment', 903, 2_000, 12), part('unclaimed', 0, 1_500, 2), part('idle', 0, 9_000, -30), counts(900, 3_000, 12), counts(901, 4_000, 6), counts(0, 200, 0)];
  return `DELETE FROM environment_samples; DELETE FROM inventory_samples; ${parts.join('')}`;
}

export function seedSql() {
  const hostile = Object.values(HOSTILE);
  return `
PRAGMA foreign_keys = OFF;
BEGIN IMMEDIATE;
INSERT INTO partners (id, name, display_name, type) VALUES (900, 'north', 'Northern Hosting', 'vendor'), (901, 'south', 'Southern Hosting', 'vendor');
INSERT INTO environments (id, name, code, type, partner_id) VALUES
  (901, 'Production', 'PROD', 'PRODUCTION', NULL), (902, 'Staging', 'STAGE', 'STAGING', NULL),
  (903, 'Development', 'DEV', 'DEVELOPMENT', NULL), (904, 'Test', 'TEST', 'TESTING', NULL);
WITH RECURSIVE ${series('n', 0, 4)} INSERT INTO clouds (id, name, partner_id) SELECT 900 + i, 'cloud-' || (i + 1), 900 + i % 2 FROM n;
WITH RECURSIVE ${series('n', 0, 9)} INSERT INTO regions (id, name, code, cloud_id) SELECT 900 + i, 'region-' || (i + 1), 'gen-r' || i, 900 + i / 2 FROM n;
WITH RECURSIVE ${series('n', 0, 19)} INSERT INTO availability_zones (id, name, code, region_id) SELECT 900 + i, 'zone-' || (i + 1), 'gen-z' || i, 900 + i / 2 FROM n;
WITH RECURSIVE ${series('n', 0, 39)} INSERT INTO datacenters (id, name, availability_zone_id) SELECT 900 + i, 'dc-' || (i + 1), 900 + i / 2 FROM n;
WITH RECURSIVE ${series('n', 0, 29)} INSERT INTO environment_associations (environment_id, resource_type, resource_id, is_primary) SELECT 901 + i % 3, 'datacenter', 900 + i, 1 FROM n;
WITH RECURSIVE ${series('n', 0, COMPUTES - 1)} INSERT INTO computes (id, name, hostname, ip_address, operating_system, cpu_cores, memory_gb, disk_gb, status, datacenter_id)
  SELECT 100000 + i, 'host-' || printf('%05d', i), 'host-' || printf('%05d', i) || '.example.net', '10.' || (i / 62500) || '.' || (i / 250 % 250) || '.' || (i % 250 + 1),
    CASE i % 3 WHEN 0 THEN 'Debian GNU/Linux 12' WHEN 1 THEN 'Ubuntu 24.04 LTS' ELSE 'Rocky Linux 9.4' END, 4 << (i % 4), 8 << (i % 5), 200, 'ACTIVE', 900 + i / 250 FROM n;
WITH RECURSIVE ${series('n', 0, 9_699)} INSERT INTO agents (id, compute_id, hostname, version, state, reachable, enrolled_at_us, connected_at_us, reported_at_us, applied_sequence)
  SELECT printf('0190c1a2-7c3e-7c42-9b1d-%012x', i), 100000 + i, 'host-' || printf('%05d', i), '0.1.0', 'ACTIVE', i % 50 <> 7, ${MICROS}, ${MICROS}, ${MICROS}, 12 FROM n;
INSERT INTO agent_liveness (agent_id, seen_at_us) SELECT id, ${MICROS} FROM agents WHERE id LIKE '0190c1a2-7c3e-7c42-9b1d-%';
INSERT INTO agent_sources (agent_id, source, health, completeness, reason, since_at_us, warnings)
  SELECT id, 'host', 'healthy', 'complete', '', ${MICROS}, 0 FROM agents WHERE id LIKE '0190c1a2-7c3e-7c42-9b1d-%';
INSERT INTO agent_sources (agent_id, source, health, completeness, reason, since_at_us, warnings)
  SELECT id, 'docker', CASE WHEN compute_id % 40 = 3 THEN 'failing' ELSE 'healthy' END, 'complete', CASE WHEN compute_id % 40 = 3 THEN 'permission denied on /var/run/docker.sock' ELSE '' END, ${MICROS}, 0
  FROM agents WHERE id LIKE '0190c1a2-7c3e-7c42-9b1d-%';
INSERT INTO compute_usage (compute_id, cpu_millicores, memory_bytes, measured_at_us)
  SELECT id, cpu_cores * (id * 37 % 900) , memory_gb * 1073741824 / 100 * (id * 53 % 95), ${MICROS} FROM computes WHERE id >= 100000 AND id % 11 <> 0;
WITH RECURSIVE ${series('n', 0, COMPUTES * 5 - 1)} INSERT INTO compute_workloads (id, compute_id, workload_type, workload_name, workload_id, memory_mb, ports, isolation_method, status, source, image, labels, first_seen_at_us, changed_at_us, started_at_us)
  SELECT 1000000 + i, 100000 + i / 5, 'container', CASE i % 5 WHEN 0 THEN 'web' WHEN 1 THEN 'api' WHEN 2 THEN 'postgres' WHEN 3 THEN 'redis' ELSE 'worker' END || '-' || (i / 5), 'gen' || i, 512,
    '[{"containerPort":80,"protocol":"tcp","hostAddress":"0.0.0.0","hostPort":' || (10000 + i % 40000) || '}]', 'docker', 'running', 'docker',
    CASE i % 5 WHEN 0 THEN 'nginx:1.27' WHEN 1 THEN 'shop/api:2.4' WHEN 2 THEN 'postgres:16' WHEN 3 THEN 'redis:7' ELSE 'shop/worker:2.4' END, '{"team":"payments"}', ${MICROS}, ${MICROS}, ${MICROS} FROM n;
${samplesSql()}
INSERT INTO computes (id, name, hostname, status, datacenter_id) VALUES (99990, ${quoted(HOSTILE.script)}, ${quoted(HOSTILE.rightToLeft)}, 'ACTIVE', NULL);
${hostile.map((name, index) => `INSERT INTO compute_workloads (id, compute_id, workload_type, workload_name, workload_id, isolation_method, status, source, image, labels, first_seen_at_us, changed_at_us) VALUES (${999_990 + index}, 99990, 'container', ${quoted(name)}, 'hostile${index}', 'docker', 'running', 'docker', ${quoted(name)}, '{}', ${MICROS}, ${MICROS});`).join('\n')}
COMMIT;
`;
}

/** Has the generated agents be heard of now: nobody else speaks for them. */
export const aliveSql = () => `UPDATE agent_liveness SET seen_at_us = ${MICROS} WHERE agent_id LIKE '0190c1a2-7c3e-7c42-9b1d-%';`;

/** Changes of workloads, as the change feed tells them. */
export const changesSql = (count) => `
WITH RECURSIVE ${series('n', 1, count)} INSERT INTO history (recorded_at_us, happened_at_us, actor_kind, actor_id, change_kind, resource_type, resource_id, resource_name, compute_id, source, after_state)
  SELECT ${MICROS}, ${MICROS}, 'agent', 'generated', 'altered', 'workload', 1000000 + i * 5, 'web-' || i, 100000 + i, 'docker', '{"status":"running"}' FROM n;
`;
