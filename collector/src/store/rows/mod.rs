//! Rows, one file per entity. Only SQL and its rows live here; decisions are made in `reconcile`.
