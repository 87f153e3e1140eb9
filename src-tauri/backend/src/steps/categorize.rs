//! Labels a task's transcript by the local word lists.
//!
//! Owns the step `categorize`; leaves the rules to `crate::categorize`.
//! Invariant: the same transcript and the same lists give the same labels, and the words that decided are kept.

use super::{Context, Done};
use crate::categorize::Lists;
use crate::queue::{JobRun, StepFailure, StepOutput};
use crate::store::{categories, transcripts, urls};
use domain::{ApiError, ErrorCode, Event, Source, UrlStatus};

pub(super) async fn run(context: &Context, job: &JobRun) -> Done {
    let Some(id) = job.transcript_id.clone() else {
        return Err(StepFailure::from(ApiError::internal("The step has no transcript to label.")));
    };
    let wanted = id.clone();
    let loaded = context.store.read(move |conn| transcripts::load(conn, &wanted)).await?;
    let Some(transcript) = loaded else {
        let error =
            ApiError::new(ErrorCode::TranscriptNotFound, "The transcript was removed from the library.");
        return Err(StepFailure::from(error));
    };
    let data_dir = context.data_dir.clone();
    let media_id = transcript.media_id.clone();
    let (engine, labels) = super::blocking(move || {
        let (lists, problems) = Lists::load(&data_dir);
        for problem in problems {
            tracing::warn!(file = problem.file, "a word list of the user's is left out: {}", problem.message);
        }
        Ok((lists.engine(), lists.categorize(&transcript)))
    })
    .await?;
    let source = job.input.source.clone();
    let now = context.clock.now();
    Ok(StepOutput {
        engine: Some(engine),
        events: vec![Event::LibraryChanged { media_id }],
        apply: Some(Box::new(move |tx| {
            categories::put(tx, &id, &labels)?;
            if let Source::Url { url } = &source {
                urls::set_status(tx, url, UrlStatus::Categorized, None, now)?;
            }
            Ok(())
        })),
        ..StepOutput::default()
    })
}
