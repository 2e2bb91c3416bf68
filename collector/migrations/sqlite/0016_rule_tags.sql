-- Tags that a rule of the kind `tag` sets, {"KEY": "VALUE"}; NULL for the other kinds.
ALTER TABLE environment_rules ADD COLUMN tags TEXT;
