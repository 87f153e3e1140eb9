//! What the tests share: the real `bobina`, real media made by ffmpeg, and a look at what is left behind.
//!
//! Owns no product code; everything here drives the program from outside.

pub mod crash;
pub mod engine;
pub mod program;
pub mod schema;
pub mod stand_ins;
