//! What every piece of work is handed: how to stop, whom to tell, where to write.

use crate::MediaError;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Called with a fraction from 0 to 1 and a few words for people; cheap, may be called often.
pub type ProgressFn = Arc<dyn Fn(f64, Option<&str>) + Send + Sync>;

/// The circumstances of one piece of work.
#[derive(Clone)]
pub struct Run {
    /// Once cancelled, the work ends within 2 s with `CANCELLED`, its children dead, its partial files gone.
    pub cancel: CancellationToken,
    pub progress: ProgressFn,
    /// A folder of its own for temporary files; the caller removes it.
    pub scratch: PathBuf,
}

impl Run {
    /// Work that nobody watches or cancels.
    pub fn quiet(scratch: impl Into<PathBuf>) -> Self {
        Self { cancel: CancellationToken::new(), progress: Arc::new(|_, _| ()), scratch: scratch.into() }
    }

    pub fn report(&self, fraction: f64, detail: Option<&str>) {
        (self.progress)(fraction.clamp(0.0, 1.0), detail);
    }

    /// `CANCELLED` once the work is cancelled.
    pub fn check(&self) -> Result<(), MediaError> {
        if self.cancel.is_cancelled() { Err(MediaError::cancelled()) } else { Ok(()) }
    }
}
