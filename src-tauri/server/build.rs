//! Builds again when the UI's files change: they are embedded, and new ones among them are not seen otherwise.

fn main() {
    println!("cargo:rerun-if-changed=../../ui/dist");
}
