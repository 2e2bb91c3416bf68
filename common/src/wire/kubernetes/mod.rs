//! What a Kubernetes cluster tells, one file as in the model.

mod cluster;
mod node;
mod pod;
mod service;
