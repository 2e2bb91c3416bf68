//! The inspector against a fake engine on a real socket, and against a real one when the harness names it.

mod fake;
mod looks;
mod real;
mod subscriptions;
