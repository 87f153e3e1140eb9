//! `bobina library remove`, `restore`, `tag`, `find`, `sweep`; a bare `bobina library` lists.

use crate::args::{LibraryArgs, LibraryCommand};
use crate::failure::Failure;
use crate::library;
use crate::output::Output;
use crate::session::{Session, typed};
use crate::text::size;
use backend::api::library_types::{Removed, Swept};
use domain::ApiError;
use serde_json::json;

pub async fn run(session: &Session, output: &Output, args: LibraryArgs) -> Result<u8, Failure> {
    let (name, input) = match args.command {
        None => return library::list(session, output, args.page, args.tag).await,
        Some(LibraryCommand::Remove { ids }) => ("library.remove", json!({ "media_ids": ids })),
        Some(LibraryCommand::Restore { ids }) => ("library.restore", json!({ "media_ids": ids })),
        Some(LibraryCommand::Tag { ids, add, remove }) => {
            ("library.tag", json!({ "media_ids": ids, "add": add, "remove": remove }))
        }
        Some(LibraryCommand::Find { id, path }) => {
            let path = std::path::absolute(&path)
                .map_err(|error| ApiError::invalid(format!("The path cannot be read: {error}.")))?;
            ("library.find_file", json!({ "media_id": id, "path": path }))
        }
        Some(LibraryCommand::Sweep) => ("library.sweep", json!({})),
    };
    let answer = session.once(name, input).await?;
    let said = match name {
        "library.remove" => {
            let removed: Removed = typed(answer.clone())?;
            let count = removed.media_ids.len();
            format!(
                "Removed {count}; {} files are in the trash. `bobina library restore` brings them back.\n",
                removed.trashed
            )
        }
        "library.sweep" => {
            let swept: Swept = typed(answer.clone())?;
            format!("{} files deleted, {} freed.\n", swept.files, size(swept.bytes))
        }
        "library.find_file" => "Found.\n".to_string(),
        _ => "Done.\n".to_string(),
    };
    output.either(&answer, || said);
    Ok(0)
}
