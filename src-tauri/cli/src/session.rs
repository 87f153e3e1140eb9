//! The data folder a command works on, and calling its commands with typed values.

use crate::args::PageArgs;
use crate::failure::Failure;
use crate::logs;
use domain::ApiError;
use serde_json::{Value, json};
use server::{Host, HostOptions};
use std::path::{Path, PathBuf};

/// The longest page the backend gives.
const LONGEST_PAGE: u32 = 500;

/// What is known before the data folder is opened.
pub struct Session {
    pub data_dir: PathBuf,
}

impl Session {
    /// Finds the folder and begins to log into it.
    pub fn new(chosen: Option<&Path>) -> Result<Self, Failure> {
        let data_dir = backend::folder::data_dir(chosen)?;
        logs::start(&data_dir);
        Ok(Self { data_dir })
    }

    /// Opens the folder, or a line to its owner. `work`: run the queue if the folder is ours.
    pub async fn open(&self, work: bool) -> Result<Host, Failure> {
        let worker_program = std::env::current_exe()
            .map_err(|error| ApiError::internal(format!("Where this program lies is not known: {error}")))?;
        Ok(Host::open(HostOptions { data_dir: self.data_dir.clone(), worker_program, work }).await?)
    }

    /// Opens the folder, runs one command, and lets go of it again.
    pub async fn once(&self, name: &str, input: Value) -> Result<Value, Failure> {
        let host = self.open(false).await?;
        let output = host.call(name, input).await;
        host.close().await;
        Ok(output?)
    }

    /// A list as one document: the page that was asked for, or all of it when none was.
    pub async fn list(&self, name: &str, mut query: Value, page: &PageArgs) -> Result<Value, Failure> {
        query["limit"] = json!(page.limit);
        query["offset"] = json!(page.offset);
        if page.limit.is_some() || page.offset.is_some() {
            return self.once(name, query).await;
        }
        query["limit"] = json!(LONGEST_PAGE);
        let host = self.open(false).await?;
        let whole = whole_list(&host, name, query).await;
        host.close().await;
        Ok(whole?)
    }
}

async fn whole_list(host: &Host, name: &str, mut query: Value) -> Result<Value, ApiError> {
    let mut items = Vec::new();
    loop {
        query["offset"] = json!(items.len());
        let mut answer = host.call(name, query.clone()).await?;
        let page = answer["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
        let last = page.len() < LONGEST_PAGE as usize;
        items.extend(page);
        if last {
            answer["limit"] = json!(items.len());
            answer["offset"] = json!(0);
            answer["items"] = Value::Array(items);
            return Ok(answer);
        }
    }
}

/// An answer as the type it has in `backend::api::types`.
pub fn typed<T: serde::de::DeserializeOwned>(answer: Value) -> Result<T, Failure> {
    serde_json::from_value(answer).map_err(|error| {
        let message = "The answer is not understood; are both programs of the same version?";
        ApiError::internal(message).with_detail(error.to_string()).into()
    })
}
