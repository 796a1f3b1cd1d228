//! Kubernetes objects out of an effective configuration.
