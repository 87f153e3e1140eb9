//! Writes the TypeScript mirror of the boundary into the folder given (make types).

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("give the folder to write to")?;
    Ok(backend::api::export_types(std::path::Path::new(&folder))?)
}
