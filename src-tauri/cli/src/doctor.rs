//! `bobina doctor`: what is there, what is missing, and what to do about it.

use crate::failure::Failure;
use crate::output::Output;
use crate::session::{Session, typed};
use crate::text::plain;
use backend::api::types::{Check, DoctorReport};
use console::style;
use serde_json::json;

/// Ends with 1 when something needed is missing.
pub async fn run(session: &Session, output: &Output) -> Result<u8, Failure> {
    let answer = session.once("doctor.run", json!({})).await?;
    let report: DoctorReport = typed(answer.clone())?;
    output.either(&answer, || describe(&report));
    Ok(u8::from(!report.healthy))
}

fn describe(report: &DoctorReport) -> String {
    let mut out = format!("Bobina {}, data in {}\n\n", plain(&report.version), plain(&report.data_dir));
    for check in &report.checks {
        out.push_str(&line(check));
    }
    out.push_str(if report.healthy {
        "\nEverything needed is here.\n"
    } else {
        "\nSomething needed is missing.\n"
    });
    out
}

fn line(check: &Check) -> String {
    let mark = match check.state.as_str() {
        "ok" => style("ok     ").green(),
        "warning" => style("warning").yellow(),
        _ => style("missing").red(),
    };
    let version = check.version.as_deref().map(|version| format!(" {}", plain(version))).unwrap_or_default();
    let mut out = format!("{mark}  {}{version}: {}\n", plain(&check.name), plain(&check.message));
    if let Some(cure) = &check.cure {
        out.push_str(&format!("         {}\n", plain(cure)));
    }
    out
}
