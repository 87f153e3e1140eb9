//! `bobina watch` and `bobina recipes`.

use crate::args::WatchCommand;
use crate::failure::Failure;
use crate::output::{Output, describe};
use crate::session::{Session, typed};
use crate::text::{self, column, number, plain, wide};
use backend::api::types::{Page, RecipeItem, WatchedFolder};
use domain::ApiError;
use serde_json::json;
use std::path::Path;

pub async fn run(session: &Session, output: &Output, command: WatchCommand) -> Result<u8, Failure> {
    match command {
        WatchCommand::Add { dir, recipe, subfolders } => {
            let input = json!({ "path": absolute(&dir)?, "recipe": recipe, "subfolders": subfolders });
            let answer = session.once("watch.add", input).await?;
            let folder: WatchedFolder = typed(answer.clone())?;
            output.either(&answer, || {
                format!("Watching {} with the recipe {}.\n", plain(&folder.path), plain(&folder.recipe))
            });
            output.note("New files are taken in while `bobina serve` or the window runs.");
        }
        WatchCommand::List => {
            let answer = session.once("watch.list", json!({})).await?;
            let folders: Page<WatchedFolder> = typed(answer.clone())?;
            output.either(&answer, || folder_table(&folders.items, output.width()));
        }
        WatchCommand::Remove { watch } => {
            // A path is made absolute; an id has no slash and names no folder here.
            let is_path = watch.contains(std::path::MAIN_SEPARATOR) || Path::new(&watch).is_dir();
            let watch = if is_path { absolute(Path::new(&watch))? } else { watch };
            session.once("watch.remove", json!({ "watch": watch })).await?;
            output.either(&json!({ "removed": watch }), || {
                format!("{} is not watched any more.\n", plain(&watch))
            });
        }
    }
    Ok(0)
}

fn absolute(path: &Path) -> Result<String, Failure> {
    let path = std::path::absolute(path).map_err(|error| {
        ApiError::invalid(format!("The folder {} is not known: {error}.", path.display()))
    })?;
    let text = path.to_str().ok_or_else(|| Failure::usage("The folder's name is not valid Unicode."))?;
    Ok(text.to_string())
}

fn folder_table(folders: &[WatchedFolder], width: Option<usize>) -> String {
    if folders.is_empty() {
        return "No folder is watched.\n".into();
    }
    let row = |folder: &WatchedFolder| {
        vec![
            folder.watch_id.clone(),
            folder.recipe.clone(),
            folder.taken.to_string(),
            folder.error.as_ref().map(|error| error.code.to_string()).unwrap_or_default(),
            plain(&folder.path) + if folder.subfolders { " (with subfolders)" } else { "" },
        ]
    };
    let rows: Vec<Vec<String>> = folders.iter().map(row).collect();
    let columns = [column("ID"), column("RECIPE"), number("TAKEN"), column("ERROR"), wide("FOLDER")];
    text::table(&columns, &rows, width)
}

pub async fn recipes(session: &Session, output: &Output) -> Result<u8, Failure> {
    let answer = session.once("recipes.list", json!({})).await?;
    let recipes: Page<RecipeItem> = typed(answer.clone())?;
    output.either(&answer, || {
        let row = |item: &RecipeItem| {
            let steps: Vec<&str> = item.recipe.steps.iter().map(|step| step.name.as_str()).collect();
            vec![
                item.recipe.name.clone(),
                if item.built_in { "built in".into() } else { "your own".into() },
                steps.join(" "),
                plain(&item.recipe.title),
            ]
        };
        let good: Vec<Vec<String>> =
            recipes.items.iter().filter(|item| item.error.is_none()).map(row).collect();
        let columns = [column("NAME"), column("FROM"), wide("STEPS"), wide("TITLE")];
        text::table(&columns, &good, output.width())
    });
    for item in recipes.items.iter().filter(|_| !output.json) {
        if let Some(error) = &item.error {
            let file = item.file.as_deref().map(plain).unwrap_or_default();
            output.note(&format!("{file}\n{}", describe(error)));
        }
    }
    Ok(0)
}
