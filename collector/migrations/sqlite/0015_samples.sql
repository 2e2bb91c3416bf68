-- What there was, from time to time: the only thing that is kept of figures that are measured anew all the time.
-- sampled_at_us is a whole number of quarter hours. Both tables hold rows of the same times, partner 0 being what is in no
-- place, so that a time without rows is one at which nobody looked.

-- part: `environment`, or what no environment has: `unclaimed` and `idle`, with environment 0.
-- cpu_millicores, memory_bytes: its share of what the measured computes have; those of one time come to what all of them have.
CREATE TABLE IF NOT EXISTS environment_samples (
    sampled_at_us INTEGER NOT NULL,
    part TEXT NOT NULL,
    environment_id INTEGER NOT NULL,
    computes INTEGER NOT NULL,
    cpu_millicores INTEGER NOT NULL,
    memory_bytes INTEGER NOT NULL,
    PRIMARY KEY (sampled_at_us, part, environment_id)
);

-- computes are connected, unreachable or unwatched; covered are those of the connected that are seen in full.
CREATE TABLE IF NOT EXISTS inventory_samples (
    sampled_at_us INTEGER NOT NULL,
    partner_id INTEGER NOT NULL,
    computes INTEGER NOT NULL,
    connected INTEGER NOT NULL,
    unreachable INTEGER NOT NULL,
    unwatched INTEGER NOT NULL,
    covered INTEGER NOT NULL,
    workloads INTEGER NOT NULL,
    PRIMARY KEY (sampled_at_us, partner_id)
);
