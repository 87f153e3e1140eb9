//! Kills `bobina` as often as the first argument says (1000), from the seed of the second (random), and reports.

use anyhow::{Context, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let kills = arguments
        .next()
        .map_or(Ok(1000), |text| text.parse())
        .context("the first argument is a number of kills")?;
    let seed =
        arguments.next().map_or(Ok(rand::random()), |text| text.parse()).context("the second is a seed")?;
    let folder = tempfile::tempdir()?;
    let report = tests::crash::run(kills, seed, folder.path()).await?;
    println!("seed {seed}: {report:?}");
    Ok(())
}
