//! Named pipelines: the built-in ones, embedded, and the user's own from `<data folder>/recipes/*.json`.
//!
//! Owns loading and checking; leaves running to the queue, which copies a recipe's steps into jobs.
//! Invariant: a recipe that is handed out is valid; a broken file is reported beside the good ones, never hidden.

use crate::api::types::RecipeItem;
use crate::artifacts::fault;
use domain::{ApiError, ErrorCode, Recipe, Step, StepKind};
use std::path::Path;

const BUILT_IN: [&str; 3] = [
    include_str!("../../../../assets/recipes/download.json"),
    include_str!("../../../../assets/recipes/transcribe.json"),
    include_str!("../../../../assets/recipes/vsl.json"),
];

/// Largest recipe file that is read, in bytes.
const MAX_FILE: u64 = 256 * 1024;

/// All recipes: the built-in ones first, then the user's by file name.
/// A user's recipe with a built-in one's name is refused: scripts rely on what those do.
pub fn list(data_dir: &Path) -> Vec<RecipeItem> {
    let mut items: Vec<RecipeItem> = BUILT_IN
        .iter()
        .map(|text| match parse(text) {
            Ok(recipe) => RecipeItem { recipe, built_in: true, error: None, file: None },
            Err(error) => broken(None, error),
        })
        .collect();
    for path in user_files(data_dir) {
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let item = match read(&path) {
            Ok(recipe) if items.iter().any(|known| known.recipe.name == recipe.name) => {
                let message = format!("The name \"{}\" is taken by another recipe.", recipe.name);
                broken(file, ApiError::new(ErrorCode::RecipeInvalid, message))
            }
            Ok(recipe) => RecipeItem { recipe, built_in: false, error: None, file },
            Err(error) => broken(file, error),
        };
        items.push(item);
    }
    items
}

/// The recipe of that name, or `RECIPE_NOT_FOUND` naming those there are, or why its file is refused.
pub fn find(data_dir: &Path, name: &str) -> Result<Recipe, ApiError> {
    let items = list(data_dir);
    if let Some(item) = items.iter().find(|item| item.error.is_none() && item.recipe.name == name) {
        return Ok(item.recipe.clone());
    }
    let file = format!("{name}.json");
    if let Some(error) =
        items.iter().find(|item| item.file.as_deref() == Some(&file)).and_then(|i| i.error.clone())
    {
        return Err(error);
    }
    let known: Vec<_> = items.iter().filter(|i| i.error.is_none()).map(|i| i.recipe.name.as_str()).collect();
    Err(ApiError::new(
        ErrorCode::RecipeNotFound,
        format!("There is no recipe \"{name}\". There are: {}.", known.join(", ")),
    ))
}

/// Checks and stores a recipe of the user's, in place of an earlier one of that name.
///
/// Errors: `RECIPE_INVALID` naming what is wrong, a built-in name among it; a file that cannot be written.
pub fn save(data_dir: &Path, recipe: Recipe) -> Result<RecipeItem, ApiError> {
    let internal =
        |error: serde_json::Error| ApiError::internal(format!("the recipe is not encodable: {error}"));
    let text = serde_json::to_string_pretty(&recipe).map_err(internal)?;
    // The same check that its file will be read with; the name is then plain enough for a file's.
    let recipe = parse(&text)?;
    let known =
        list(data_dir).into_iter().find(|item| item.error.is_none() && item.recipe.name == recipe.name);
    if known.as_ref().is_some_and(|item| item.built_in) {
        let message = format!("The name \"{}\" belongs to a built-in recipe.", recipe.name);
        return Err(ApiError::new(ErrorCode::RecipeInvalid, message));
    }
    let file = known.and_then(|item| item.file).unwrap_or_else(|| format!("{}.json", recipe.name));
    let folder = data_dir.join("recipes");
    let write = || {
        std::fs::create_dir_all(&folder)?;
        let temporary = folder.join(format!("{file}.new"));
        std::fs::write(&temporary, text + "\n")?;
        std::fs::rename(temporary, folder.join(&file))
    };
    write().map_err(|error| fault("The recipe cannot be stored", &error))?;
    Ok(RecipeItem { recipe, built_in: false, error: None, file: Some(file) })
}

/// Removes a recipe of the user's. Errors: `RECIPE_NOT_FOUND` when the user has none of that name.
pub fn remove(data_dir: &Path, name: &str) -> Result<(), ApiError> {
    let own = |item: &RecipeItem| !item.built_in && item.error.is_none() && item.recipe.name == name;
    let Some(file) = list(data_dir).into_iter().find(own).and_then(|item| item.file) else {
        let message = format!("You have no recipe \"{name}\" of your own.");
        return Err(ApiError::new(ErrorCode::RecipeNotFound, message));
    };
    std::fs::remove_file(data_dir.join("recipes").join(file))
        .map_err(|error| fault("The recipe cannot be removed", &error))
}

fn user_files(data_dir: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(data_dir.join("recipes")) else { return Vec::new() };
    let mut files: Vec<_> = entries
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "json") && path.is_file())
        .collect();
    files.sort();
    files
}

fn read(path: &Path) -> Result<Recipe, ApiError> {
    let refused = |why: String| ApiError::new(ErrorCode::RecipeInvalid, why);
    let size = path.metadata().map_err(|e| refused(format!("The recipe cannot be read: {e}.")))?.len();
    if size > MAX_FILE {
        return Err(refused(format!("The recipe is larger than {} KB.", MAX_FILE / 1024)));
    }
    let text =
        std::fs::read_to_string(path).map_err(|e| refused(format!("The recipe cannot be read: {e}.")))?;
    parse(&text)
}

fn parse(text: &str) -> Result<Recipe, ApiError> {
    let refused =
        |why: String| ApiError::new(ErrorCode::RecipeInvalid, format!("The recipe is refused: {why}."));
    let recipe: Recipe = serde_json::from_str(text).map_err(|e| refused(e.to_string()))?;
    recipe.validate().map_err(|e| refused(e.to_string()))?;
    for step in &recipe.steps {
        check_options(step)?;
    }
    Ok(recipe)
}

/// Only `transcribe` takes options: `language` and `engine`, for recipes that fix them.
fn check_options(step: &Step) -> Result<(), ApiError> {
    let refused =
        |why: String| Err(ApiError::new(ErrorCode::RecipeInvalid, format!("The recipe is refused: {why}.")));
    for (name, value) in &step.options {
        let known = step.kind == StepKind::Transcribe && matches!(name.as_str(), "language" | "engine");
        if !known {
            return refused(format!("the step \"{}\" has no option \"{name}\"", step.name));
        }
        if !value.is_string() {
            return refused(format!("the option \"{name}\" of the step \"{}\" is not a text", step.name));
        }
    }
    Ok(())
}

fn broken(file: Option<String>, error: ApiError) -> RecipeItem {
    let recipe =
        Recipe { name: String::new(), title: String::new(), description: String::new(), steps: Vec::new() };
    RecipeItem { recipe, built_in: false, error: Some(error), file }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_recipes_are_valid() {
        let folder = tempfile::tempdir().unwrap();
        let items = list(folder.path());
        let names: Vec<_> = items.iter().map(|item| item.recipe.name.as_str()).collect();
        assert_eq!(names, ["download", "transcribe", "vsl"]);
        assert!(items.iter().all(|item| item.error.is_none()), "{items:?}");
    }

    #[test]
    fn a_recipe_is_stored_changed_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let mut recipe = find(folder.path(), "transcribe").unwrap();
        assert_eq!(save(folder.path(), recipe.clone()).unwrap_err().code, ErrorCode::RecipeInvalid);
        recipe.name = "../x".into();
        assert_eq!(save(folder.path(), recipe.clone()).unwrap_err().code, ErrorCode::RecipeInvalid);
        recipe.name = "mine".into();
        save(folder.path(), recipe.clone()).unwrap();
        recipe.title = "Mine, again".into();
        save(folder.path(), recipe.clone()).unwrap();
        assert_eq!(find(folder.path(), "mine").unwrap(), recipe);
        assert_eq!(std::fs::read_dir(folder.path().join("recipes")).unwrap().count(), 1);
        remove(folder.path(), "mine").unwrap();
        assert_eq!(remove(folder.path(), "mine").unwrap_err().code, ErrorCode::RecipeNotFound);
        assert_eq!(remove(folder.path(), "vsl").unwrap_err().code, ErrorCode::RecipeNotFound);
    }

    #[test]
    fn a_users_recipe_is_found_and_a_broken_one_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let recipes = folder.path().join("recipes");
        std::fs::create_dir(&recipes).unwrap();
        let good = r#"{"name":"look","title":"Look","steps":[{"name":"fetch","kind":"fetch"},{"name":"probe","kind":"probe","after":["fetch"]}]}"#;
        std::fs::write(recipes.join("look.json"), good).unwrap();
        std::fs::write(recipes.join("vsl2.json"), good.replace("look", "vsl")).unwrap();
        std::fs::write(
            recipes.join("typo.json"),
            good.replace("look", "typo").replace("after", "afterwards"),
        )
        .unwrap();
        std::fs::write(
            recipes.join("options.json"),
            good.replace("look", "options")
                .replace(r#""kind":"probe""#, r#""kind":"probe","options":{"fast":true}"#),
        )
        .unwrap();

        assert_eq!(find(folder.path(), "look").unwrap().steps.len(), 2);
        let error = find(folder.path(), "typo").unwrap_err();
        assert_eq!(error.code, ErrorCode::RecipeInvalid);
        assert!(error.message.contains("afterwards"), "{}", error.message);
        assert!(find(folder.path(), "options").unwrap_err().message.contains("fast"));
        assert!(find(folder.path(), "vsl2").unwrap_err().message.contains("taken"));
        let error = find(folder.path(), "nothing").unwrap_err();
        assert_eq!(error.code, ErrorCode::RecipeNotFound);
        assert!(error.message.contains("transcribe"), "{}", error.message);
    }
}
