//! Writes the fixture of today's schema, `tests/fixtures/schema/<number>.db`; see the README there.

use anyhow::{Result, ensure};

#[tokio::main]
async fn main() -> Result<()> {
    let to = tests::schema::folder().join(format!("{:04}.db", backend::store::KNOWN_SCHEMA));
    ensure!(!to.exists(), "{} is there already: a released schema's fixture never changes", to.display());
    tests::schema::make(&to).await?;
    println!("{}: {} bytes", to.display(), std::fs::metadata(&to)?.len());
    Ok(())
}
