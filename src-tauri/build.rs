//! Compiles tauri.conf.json, its capability and its icons into the window.

fn main() {
    tauri_build::build()
}
