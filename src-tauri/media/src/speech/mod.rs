//! Speech.
pub mod silero;
