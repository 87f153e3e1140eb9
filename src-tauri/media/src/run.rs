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

    /// The same work's part that takes its progress from one fraction to another.
    pub fn part(&self, from: f64, to: f64) -> Self {
        let whole = self.progress.clone();
        let progress = Arc::new(move |fraction: f64, detail: Option<&str>| {
            whole(from + (to - from) * fraction.clamp(0.0, 1.0), detail);
        });
        Self { cancel: self.cancel.clone(), progress, scratch: self.scratch.clone() }
    }

    pub fn report(&self, fraction: f64, detail: Option<&str>) {
        (self.progress)(fraction.clamp(0.0, 1.0), detail);
    }

    /// `CANCELLED` once the work is cancelled.
    pub fn check(&self) -> Result<(), MediaError> {
        if self.cancel.is_cancelled() { Err(MediaError::cancelled()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn parts_of_a_work_follow_each_other() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let seen = told.clone();
        let progress: ProgressFn = Arc::new(move |fraction, _| seen.lock().unwrap().push(fraction));
        let run = Run { progress, ..Run::quiet("") };
        let (first, second) = (run.part(0.0, 0.25), run.part(0.25, 1.0));
        for (part, fraction) in [(&first, 0.5), (&first, 2.0), (&second, 0.0), (&second, 1.0)] {
            part.report(fraction, None);
        }
        assert_eq!(*told.lock().unwrap(), [0.125, 0.25, 0.25, 1.0]);
        run.cancel.cancel();
        assert!(second.check().is_err());
    }
}
