//! Cloud services: one trait per capability, a registry, a router, one file per service.
//!
//! Nothing is here yet; the crate holds its place in the directions `domain ← providers ← backend`.
