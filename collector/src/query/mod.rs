//! SHOW: reads the inventory. Read-only: nothing here changes a row.

pub mod nested;
